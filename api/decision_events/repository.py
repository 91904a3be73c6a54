"""What became of decisions, as rows: appended and logged, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import decision_event
from api.evidence.claims import Kind
from api.evidence.service import record
from api.identity import answer_id
from data_contracts.identifiers import DecisionId


class EventKind(StrEnum):
    """What can become of a decision."""

    GRANTED = "granted"
    NOT_GRANTED = "not_granted"
    DEFAULTED = "defaulted"
    REPAID = "repaid"
    DISPUTED = "disputed"
    DISPUTE_UPHELD = "dispute_upheld"
    DISPUTE_DISMISSED = "dispute_dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEvent:
    """One thing that became of a decision, on a day, as somebody reported it."""

    event_id: str
    decision_id: DecisionId
    kind: EventKind
    happened_on: date
    note: str
    reported_by: str
    reported_time: datetime


def append(
    connection: sa.Connection,
    decision_id: DecisionId,
    kind: EventKind,
    *,
    happened_on: date,
    note: str,
    by: str,
    now: datetime,
) -> DecisionEvent:
    """Keep and log what became of a decision; the same report of the same day is kept once, with its first time."""
    told = {"decision_id": decision_id, "kind": kind.value, "note": note, "reported_by": by}
    event_id = answer_id("e", told | {"happened_on": happened_on.isoformat()})
    row = {"event_id": event_id, "happened_on": happened_on, "reported_time": now, **told}
    insert_once(connection, decision_event, row)
    record(connection, Kind.DECISION_EVENT, [event_id])
    (kept,) = _selected(connection, decision_event.c.event_id == event_id)
    return kept


def of_decision(connection: sa.Connection, decision_id: DecisionId) -> Sequence[DecisionEvent]:
    """Everything that became of a decision, in the order in which it was reported."""
    return _selected(connection, decision_event.c.decision_id == decision_id)


def known(connection: sa.Connection, *, at: datetime) -> Sequence[DecisionEvent]:
    """Everything that was reported by then, in order."""
    return _selected(connection, decision_event.c.reported_time <= at)


def _selected(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> list[DecisionEvent]:
    table = decision_event.c
    query = sa.select(decision_event).where(chosen).order_by(table.reported_time, table.event_id)
    return [
        DecisionEvent(
            event_id=row.event_id,
            decision_id=DecisionId(row.decision_id),
            kind=EventKind(row.kind),
            happened_on=row.happened_on,
            note=row.note,
            reported_by=row.reported_by,
            reported_time=row.reported_time,
        )
        for row in connection.execute(query)
    ]
