"""What a stored decision would be today, and which cause moved it: the software, features, late data, the model,
parameters, or policy.

The causes are taken one after the other, each on top of those before, from the decision as it was to what is known
and in force now; so the steps lead from the one to the other and nothing is left over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from api.credit_decisions import repository as decisions
from api.credit_decisions.service import Grounds, concluded, recomputed, stored_grounds
from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.home import Home
from api.models import service as models
from api.receipts.service import logged
from api.snapshots.peers import latest_peer_reference
from api.snapshots.service import feature_parameters, reader
from data_contracts.identifiers import DecisionId
from data_contracts.observations.hindsight import HindsightReader
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from features import compute
from features.snapshot import FeatureSnapshot
from risk_reports.narrative import NARRATIVE_KEYS
from scoring.canonical import canonical_bytes, plain_decision
from scoring.errors import ModelDoesNotFit
from scoring.records import CreditDecision

POLICY_PARAMETERS = frozenset({"covenants", "credit_policy", "decision_validity", "grade_cut_offs", "products"})
"""Parameters that are the lender's rules; the others are figures that the rules and the economics rest on."""

VERSION_KEYS = frozenset({"model_version", "parameters_version", "policy_version", "snapshot_id"})
"""Keys of an answer that name versions: another version alone changes nothing that was concluded."""

TOLD_BESIDE = ("decision_id", "partner", "livemode")
"""Keys of an answer that nothing is concluded in."""

TOLD_KEYS = ("outcome", "pd_12m", "pd_12m_upper", "rating_grade", "limit_minor", "annual_rate_ratio")


class Cause(StrEnum):
    """Why a decision is another one today, in the order in which causes are taken."""

    SOFTWARE = "software"
    FEATURES = "features"
    LATE_DATA = "late_data"
    MODEL = "model"
    PARAMETERS = "parameters"
    POLICY = "policy"


def since_then(home: Home, decision_id: DecisionId, *, now: datetime) -> dict[str, Any]:
    """The decision as it was, and step by step to what it would be now.

    `software`: the same grounds, concluded by this release; it moves nothing where the decision is `reproduced` to the
    byte. `features`: the same rows read by today's catalogue, its parameters and peers. `late_data`: rows about the
    time before `as_of` that were recorded after it. `model`: the one that answers, and its mandate. `parameters` and
    `policy`: those in force at `as_of` by today's files. A step with `separable` false has features that the decision's
    model cannot read: what it changes stands in the model's step. Raises NotFound, and LogDamaged where what is stored
    is not what was logged.
    """
    with unit_of_work(home.engine) as connection:
        row = decisions.load(connection, decision_id)
        grounds = stored_grounds(home, row)
        again = recomputed(row, grounds)
        is_reproduced = again.body == row.body
        if not is_reproduced:
            logged(connection, Kind.CREDIT_DECISION, decision_id)  # software is to blame for what was concluded only
        then = _stored(row.body) if not is_reproduced else _plain(again.decision)
        before, steps = then, []
        for cause, after in _courses(connection, home, grounds, now=now):
            decision = _concluded(row, after)
            found = before if decision is None else _plain(decision)
            keys = (found.keys() | before.keys()) - VERSION_KEYS
            moved = sorted(key for key in keys if found.get(key) != before.get(key))
            steps.append(
                {
                    "cause": cause.value,
                    "changed": bool(moved),
                    "separable": decision is not None,
                    "moved": moved,
                    **_told(found),
                }
            )
            before = found
    return {
        "decision_id": decision_id,
        "reproduced": is_reproduced,
        "as_of": then["as_of"],
        "then": _told(then),
        "now": _told(before),
        "causes": [step["cause"] for step in steps if step["changed"]],
        "steps": steps,
        "statement": then["statement"],
    }


def _courses(connection: sa.Connection, home: Home, then: Grounds, *, now: datetime) -> Iterator[tuple[Cause, Grounds]]:
    """What the decision follows from after each cause, on top of those before."""
    yield Cause.SOFTWARE, then
    known = reader(connection, home)
    course = replace(then, snapshot=_snapshot(home, then.snapshot, known))
    yield Cause.FEATURES, course
    hindsight = HindsightReader(connection, ObservationStore(home.observations), known=now)
    course = replace(course, snapshot=_snapshot(home, then.snapshot, hindsight))
    yield Cause.LATE_DATA, course
    artefact, mandate = models.answering_credit(home, now=now)
    course = replace(course, artefact=artefact, mandate=mandate)
    yield Cause.MODEL, course
    today = models.scoring_parameters()
    figures = today.with_those_of(then.parameters, POLICY_PARAMETERS)
    yield Cause.PARAMETERS, replace(course, parameters=figures)
    yield Cause.POLICY, replace(course, parameters=today)


def _snapshot(home: Home, then: FeatureSnapshot, source: ObservationReader) -> FeatureSnapshot:
    """What is known of the same obligor at the same time; not kept."""
    (found,) = compute.snapshots(
        source,
        obligor_ids=[then.obligor_id],
        as_of=then.as_of,
        parameters=feature_parameters(),
        with_machines=False,
        peers=latest_peer_reference(home, as_of=then.as_of),
    )
    return found


def _concluded(row: sa.Row[Any], grounds: Grounds) -> CreditDecision | None:
    """None where the model asks for features that the snapshot no longer has."""
    try:
        return concluded(row, grounds)
    except ModelDoesNotFit:
        return None


def _plain(decision: CreditDecision) -> dict[str, Any]:
    """A decision as its bytes tell it."""
    plain: dict[str, Any] = json.loads(canonical_bytes(plain_decision(decision)))
    return plain


def _stored(body: bytes) -> dict[str, Any]:
    """What was concluded in a stored answer: all but its name, whom it was told to, and its words."""
    return {key: value for key, value in json.loads(body).items() if key not in (*TOLD_BESIDE, *NARRATIVE_KEYS)}


def _told(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: plain[key] for key in TOLD_KEYS}
