"""Who would change before a change is committed: the book scored and its decisions taken anew under other parameters or
another model, and nothing kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.credit_decisions.service import Grounds, concluded
from api.database.engine import unit_of_work
from api.database.tables import credit_decision, snapshot
from api.home import Home
from api.models import service as models
from api.snapshots import repository as snapshots
from data_contracts.errors import InputError
from data_contracts.identifiers import ModelVersion, ObligorId, PartnerId, SnapshotId
from data_contracts.reference.dated import ParameterBook, load_book
from data_contracts.vocabulary import DataOrigin
from features.catalogue import catalogue_version
from features.snapshot import FeatureSnapshot
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score_many
from scoring.errors import InvalidRequest
from scoring.governance import ModelMandate
from scoring.records import ScoreRecord

MOST_IN_A_REQUEST = 1000
BLOCK = 256
"""Snapshots that are scored together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be tried: another model, other parameters, or both; what is None stays as it is in force."""

    parameters: ParameterBook | None = None
    model: CreditArtefact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose obligors and decisions a partner may try a change on, in its key's mode."""

    obligor_ids: frozenset[ObligorId]
    partner: PartnerId
    livemode: bool


def change_of(home: Home, *, parameters: Path | None, model: str | None) -> Change:
    """The change that a folder of parameter files and a model's version name.

    Raises InputError where neither is given, or for a folder without every parameter; UnknownModel.
    """
    if parameters is None and model is None:
        raise InputError("Nothing to try.", hint="Name --parameters FOLDER, --model VERSION, or both.")
    book = None if parameters is None else _whole(load_book(parameters))
    artefact = None if model is None else registry.load_artefact(home.models, "credit", ModelVersion(model))
    assert artefact is None or isinstance(artefact, CreditArtefact)
    return Change(parameters=book, model=artefact)


def dry_run(home: Home, change: Change) -> dict[str, Any]:
    """Grades of every obligor's latest snapshot, and outcomes of every obligor's latest decisions (one a product), as
    they are under the model and parameters in force and as they would be.

    Snapshots of another feature catalogue are left out and counted. Raises NoModel.
    """
    with unit_of_work(home.engine) as connection:
        return tried(connection, home, change)


def tried(connection: sa.Connection, home: Home, change: Change, scope: Scope | None = None) -> dict[str, Any]:
    """The same in the caller's transaction, of all or within a scope.

    Raises InvalidRequest for a scope of more obligors than are tried within a request.
    """
    if scope is not None and len(scope.obligor_ids) > MOST_IN_A_REQUEST:
        raise InvalidRequest(
            f"{len(scope.obligor_ids):,} obligors are more than the {MOST_IN_A_REQUEST:,} that a request tries.",
            hint="Have the operator run: millgrade dry-run",
        )
    now = Course(artefact=models.promoted_credit(home), parameters=models.scoring_parameters())
    then = Course(artefact=change.model or now.artefact, parameters=change.parameters or now.parameters)
    latest, other = _latest_snapshots(connection, home, scope)
    grades = _moves(_grades(latest, now), _grades(latest, then))
    outcomes = _moves(*_outcomes(connection, home, now, then, scope))
    return {
        "obligors": len(latest),
        "of_another_catalogue": other,
        "grade_changes": len(grades),
        "grades": _counted(grades),
        "obligors_changed": [{"obligor_id": who[0], "from": before, "to": after} for who, before, after in grades],
        "outcome_changes": len(outcomes),
        "outcomes": _counted(outcomes),
        "decisions_changed": [
            {"obligor_id": who[0], "product": who[1], "from": before, "to": after} for who, before, after in outcomes
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What conclusions follow from, beside a snapshot."""

    artefact: CreditArtefact
    parameters: ParameterBook

    def grounds(self, snapshot: FeatureSnapshot) -> Grounds:
        """With the snapshot of one obligor, and as if the model were validated: who would move by that is not asked."""
        return Grounds(
            snapshot=snapshot, artefact=self.artefact, parameters=self.parameters, mandate=ModelMandate.VALIDATED
        )


def with_cut_offs(approve_to: str | None, refer_to: str | None) -> ParameterBook | None:
    """The parameters in force with other cut-offs, on every date; None where none are named."""
    if approve_to is None or refer_to is None:
        return None
    book = models.scoring_parameters()
    old = book.parameters["grade_cut_offs"]
    values = {day: {"approve_to": approve_to, "refer_to": refer_to} for day in old.values}
    other = {**book.parameters, old.name: replace(old, values=values)}
    return book.with_those_of(replace(book, parameters=other), {old.name})


Who = tuple[str, ...]
Move = tuple[Who, str, str]


def _whole(book: ParameterBook) -> ParameterBook:
    missing = models.scoring_parameters().parameters.keys() - book.parameters.keys()
    if missing:
        raise InputError(
            f"The folder lacks {len(missing)} parameters (first: {min(missing)}).",
            hint="Copy scoring/parameters whole and change the copy.",
        )
    return book


def _latest_snapshots(connection: sa.Connection, home: Home, scope: Scope | None) -> tuple[list[FeatureSnapshot], int]:
    """The latest snapshot of each obligor by time, in order of obligors, and how many of another catalogue there
    are."""
    newest = sa.select(snapshot.c.obligor_id, sa.func.max(snapshot.c.as_of).label("as_of")).group_by(
        snapshot.c.obligor_id
    )
    chosen = newest.subquery()
    rows = connection.execute(
        sa.select(snapshot.c.obligor_id, sa.func.min(snapshot.c.snapshot_id).label("snapshot_id"))
        .join(chosen, (chosen.c.obligor_id == snapshot.c.obligor_id) & (chosen.c.as_of == snapshot.c.as_of))
        .group_by(snapshot.c.obligor_id)
        .order_by(snapshot.c.obligor_id)
    )
    found = [
        snapshots.load(home, SnapshotId(row.snapshot_id))
        for row in rows
        if scope is None or row.obligor_id in scope.obligor_ids
    ]
    if scope is not None and scope.livemode:
        found = [item for item in found if item.data_origin is DataOrigin.REAL]
    readable = [item for item in found if item.catalogue_version == catalogue_version()]
    return readable, len(found) - len(readable)


def _grades(latest: Sequence[FeatureSnapshot], course: Course) -> dict[Who, str]:
    return {(record.obligor_id,): record.rating_grade for record in _scored(latest, course)}


def _scored(latest: Sequence[FeatureSnapshot], course: Course) -> Iterator[ScoreRecord]:
    for start in range(0, len(latest), BLOCK):
        yield from score_many(latest[start : start + BLOCK], course.artefact, course.parameters)


def _outcomes(
    connection: sa.Connection, home: Home, now: Course, then: Course, scope: Scope | None
) -> tuple[dict[Who, str], dict[Who, str]]:
    """Outcomes of the latest decision of each obligor and product, on its own snapshot."""
    latest: dict[Who, sa.Row[Any]] = {}
    for row in connection.execute(sa.select(credit_decision).order_by(credit_decision.c.decided_time)):
        if scope is not None and not _is_within(row, scope):
            continue
        latest[ObligorId(row.obligor_id), row.request["product"]] = row
    before, after = {}, {}
    for who, row in sorted(latest.items()):
        own = snapshots.load(home, SnapshotId(row.snapshot_id))
        if own.catalogue_version == catalogue_version():
            before[who] = concluded(row, now.grounds(own)).outcome.value
            after[who] = concluded(row, then.grounds(own)).outcome.value
    return before, after


def _is_within(row: sa.Row[Any], scope: Scope) -> bool:
    is_theirs = row.partner_id == scope.partner and row.obligor_id in scope.obligor_ids
    return is_theirs and json.loads(row.body)["livemode"] is scope.livemode


def _moves(before: dict[Who, str], after: dict[Who, str]) -> list[Move]:
    return [(who, before[who], after[who]) for who in before if before[who] != after[who]]


def _counted(moves: Iterable[Move]) -> dict[str, int]:
    """How many went from what to what."""
    return dict(sorted(Counter(f"{before} -> {after}" for _, before, after in moves).items()))
