"""What an obligor can do about a decision: plans as a signed offer, and re-scores of plans that are reported done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.access_log.repository import looked
from api.consents import repository as consents
from api.credit_decisions import repository as decisions
from api.credit_decisions.service import request_of, stored_grounds
from api.database.engine import reading, unit_of_work
from api.errors import NotReproduced, OfferLapsed
from api.evidence.keys import log_signers
from api.home import Home
from api.identity import answer_id
from api.recourse import repository as offers
from api.recourse.peers import reach_of_peers
from api.snapshots.clones import latest_clone_sweep
from api.snapshots.peers import latest_peer_reference
from api.snapshots.service import feature_parameters, reader, take_snapshot
from data_contracts.errors import InputError
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from data_contracts.reference.dated import RULES_ZONE
from features.what_if import WhatIf, what_if
from risk_reports.recourse import narrative
from scoring.canonical import canonical_bytes
from scoring.records import CreditDecision, Outcome
from scoring.recourse.grounds import DecisionGrounds, pinned
from scoring.recourse.plain import parse_promise, plain_recourse
from scoring.recourse.promise import missed
from scoring.recourse.records import Recourse
from scoring.recourse.search import find_recourse, is_fixed
from scoring.recourse.terms import recourse_terms, shipped_terms

ORIGIN = "millgrade.recourse/v1"
"""First line of the note that is signed: what the signature is about."""


def offer(home: Home, obligor_id: ObligorId, *, partner: PartnerId, as_of: datetime, now: datetime) -> dict[str, Any]:
    """Search for what the obligor can do about the partner's latest decision up to `as_of`, and keep it as a signed
    offer. Raises NotFound, and NotReproduced where what was known then is known otherwise now."""
    with unit_of_work(home.engine) as connection:
        looked(connection, obligor_id, "recourse", viewer=partner, now=now)
        decision_id = offers.latest_decision(connection, obligor_id, partner, as_of=as_of)
    offer_id = seek(home, decision_id, now=now)
    with unit_of_work(home.engine) as connection:
        return told(connection, offers.load(connection, offer_id))


def seek(home: Home, decision_id: DecisionId, *, now: datetime) -> str:
    """Search, sign and keep; the name of the offer. The search takes long, so it only reads and keeps no writer
    waiting; what was found is kept in a transaction of its own. Raises as `offer`, and ConsentMissing."""
    with reading(home.engine) as connection:
        row = decisions.load(connection, decision_id)
        consents.require(
            connection,
            ObligorId(row.obligor_id),
            recipient=consents.PLATFORM,
            purpose=consents.Purpose.PLATFORM,
            now=now,
        )
        plain, words = _searched(connection, home, row)
    with unit_of_work(home.engine) as connection:
        return _kept(connection, home, plain, words, now=now)


def _searched(connection: sa.Connection, home: Home, row: sa.Row[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the obligor can do about a stored decision, and the same in words."""
    grounds = _grounds(home, row)
    asked = _what_if(connection, home, row, grounds)
    book = shipped_terms()
    terms = recourse_terms(book.at(row.as_of))
    reach = reach_of_peers(connection, home, ObligorId(row.obligor_id), as_of=row.as_of, least_firms=terms.least_firms)
    recourse = find_recourse(asked, grounds, terms, reach)
    return _plain_offer(row, recourse, terms_version=book.version), narrative(recourse)


def _kept(connection: sa.Connection, home: Home, plain: dict[str, Any], words: dict[str, Any], *, now: datetime) -> str:
    """Sign and keep an offer; its name."""
    offer_id = answer_id("r", plain)
    body = canonical_bytes({**plain, "offer_id": offer_id, **words})
    ends = max((date.fromisoformat(plan["good_until"]) for plan in plain["plans"]), default=None)
    offers.append_offer(
        connection,
        offer_id,
        DecisionId(plain["decision_id"]),
        good_until=ends,
        plans=len(plain["plans"]),
        note=_signed(home, offer_id, body, ends, now=now),
        body=body,
        now=now,
    )
    return offer_id


def report_done(home: Home, offer_id: str, *, plan: int, as_of: datetime | None, now: datetime) -> dict[str, Any]:
    """Look again at an obligor who reports a plan done, in a transaction of its own; see `rescore`."""
    with unit_of_work(home.engine) as connection:
        row = offers.load(connection, offer_id)
        return rescore(connection, home, row, plan=plan, as_of=as_of, now=now)


def rescore(
    connection: sa.Connection,
    home: Home,
    row: sa.Row[Any],
    *,
    plan: int,
    as_of: datetime | None,
    now: datetime,
    livemode: bool = False,
) -> dict[str, Any]:
    """Decide again on a snapshot of `as_of` (now, if None), with the model, the parameters and the mandate of the
    offer, and keep the answer. Within the promise the outcome is at most as severe as promised.

    Raises InputError for a plan that the offer does not have, OfferLapsed after its last day, ConsentMissing.
    """
    body = json.loads(row.body)
    promised = _plan_of(body, plan)
    when = as_of or now
    if when.astimezone(RULES_ZONE).date() > date.fromisoformat(promised["good_until"]):
        raise OfferLapsed(
            f"Plan {plan} of offer {row.offer_id} was good until {promised['good_until']}.",
            hint="Ask for a new decision.",
        )
    decision_row = decisions.load(connection, DecisionId(row.decision_id))
    grounds = _grounds(home, decision_row)
    owner = ObligorId(decision_row.obligor_id)
    snapshot = take_snapshot(connection, home, owner, as_of=when, now=now, livemode=livemode)
    (decided,) = grounds.decisions([snapshot])
    outcome = Outcome(promised["outcome"])
    short = (*missed(parse_promise(promised["promise"]), snapshot, grounds.values), *_beside_levers(decided, outcome))
    plain = {
        "offer_id": row.offer_id,
        "decision_id": row.decision_id,
        "plan": plan,
        "as_of": snapshot.as_of.isoformat(),
        "snapshot_id": snapshot.snapshot_id,
        "promised_outcome": outcome.value,
        "outcome": decided.outcome.value,
        "is_kept": not short,
        "is_flipped": decided.outcome.severity <= outcome.severity,
        "missed": list(short),
        "rating_grade": decided.score.rating_grade,
        "pd_12m": decided.score.pd_12m,
        "pd_12m_upper": decided.score.pd_12m_upper,
        "limit_minor": decided.limit.limit_minor,
        "model_version": decided.score.model_version,
        "parameters_version": decided.policy_version,
        "livemode": body["livemode"],
    }
    rescore_id = answer_id("rs", plain)
    kept = {**plain, "rescore_id": rescore_id, "reported_time": now.isoformat()}
    offers.append_rescore(
        connection,
        {
            "rescore_id": rescore_id,
            "offer_id": row.offer_id,
            "plan": plan,
            "reported_time": now,
            "snapshot_id": snapshot.snapshot_id,
            "outcome": decided.outcome.value,
            "is_kept": not short,
            "body": canonical_bytes(kept),
        },
    )
    found: dict[str, Any] = json.loads(canonical_bytes(kept))
    return found


def told(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """An offer as it was made, its signed note, and what was concluded of plans that were reported done."""
    done = [json.loads(body) for body in offers.rescores(connection, row.offer_id)]
    return {**json.loads(row.body), "note": row.note, "rescores": done}


def _grounds(home: Home, row: sa.Row[Any]) -> DecisionGrounds:
    """On what the stored decision was made, pinned to its day."""
    stored = stored_grounds(home, row)
    return DecisionGrounds(
        request=request_of(row),
        artefact=stored.artefact,
        parameters=pinned(stored.parameters, row.as_of),
        mandate=stored.mandate,
    )


def _what_if(connection: sa.Connection, home: Home, row: sa.Row[Any], grounds: DecisionGrounds) -> WhatIf:
    """What was told of the obligor, once it is seen that the decision's snapshot comes out of it."""
    asked = what_if(
        reader(connection, home),
        obligor_id=ObligorId(row.obligor_id),
        as_of=row.as_of,
        parameters=feature_parameters(),
        peers=latest_peer_reference(home, as_of=row.as_of),
        clones=latest_clone_sweep(home, as_of=row.as_of),
    )
    kept = stored_grounds(home, row).snapshot
    names = [feature.key for feature in grounds.artefact.card.features]
    if any(kept.values.get(name) != asked.base.values.get(name) for name in names):
        raise NotReproduced(
            f"What decision {row.decision_id} was made on is computed otherwise by this release.",
            hint="Decide again, and ask about that decision.",
        )
    return asked


def _plain_offer(row: sa.Row[Any], recourse: Recourse, *, terms_version: str) -> dict[str, Any]:
    decided = json.loads(row.body)
    return {
        "decision_id": row.decision_id,
        "partner": row.partner_id,
        "livemode": decided["livemode"],
        "data_origin": decided["data_origin"],
        "currency": decided["currency"],
        "snapshot_id": row.snapshot_id,
        "model_version": row.model_version,
        "parameters_version": row.parameters_version,
        "terms_version": terms_version,
        **plain_recourse(recourse),
    }


def _signed(home: Home, offer_id: str, body: bytes, ends: date | None, *, now: datetime) -> str:
    """A signed note (C2SP) over the offer's name, the hash of its body, and its last day."""
    last = ends.isoformat() if ends else "-"
    text = f"{ORIGIN}\n{offer_id}\n{hashlib.sha256(body).hexdigest()}\n{last}\n"
    return f"{text}\n{log_signers(home)[0].signature_line(text, now=now)}"


def _plan_of(body: Mapping[str, Any], plan: int) -> dict[str, Any]:
    plans = body["plans"]
    if not 1 <= plan <= len(plans):
        raise InputError(f"Offer {body['offer_id']} has {len(plans)} plans, not a plan {plan}.")
    chosen: dict[str, Any] = plans[plan - 1]
    return chosen


def _beside_levers(decided: CreditDecision, outcome: Outcome) -> tuple[str, ...]:
    """Rules that no lever moves and that now ask for more than was promised: facts that have aged, for one."""
    return tuple(
        f"rule.{finding.rule_id}"
        for finding in decided.findings
        if finding.outcome.severity > outcome.severity and is_fixed(finding.rule_id)
    )
