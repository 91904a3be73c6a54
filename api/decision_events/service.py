"""Reporting what became of a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.credit_decisions import repository as decisions
from api.database.engine import unit_of_work
from api.decision_events import repository as events
from api.decision_events.repository import DecisionEvent, EventKind
from api.home import Home
from data_contracts.identifiers import DecisionId
from scoring.errors import InvalidRequest

LATEST_ZONE = timedelta(hours=14)
"""By how much the day of the easternmost zone is ahead of UTC."""


def report(
    home: Home, decision_id: DecisionId, kind: EventKind, *, on: date, note: str, by: str, now: datetime
) -> dict[str, Any]:
    """Keep what became of a decision, in a transaction of its own. Raises NotFound, InvalidRequest."""
    with unit_of_work(home.engine) as connection:
        row = decisions.load(connection, decision_id)
        return plain_event(keep(connection, row, kind, on=on, note=note, by=by, now=now))


def keep(
    connection: sa.Connection, row: sa.Row[Any], kind: EventKind, *, on: date, note: str, by: str, now: datetime
) -> DecisionEvent:
    """Keep what became of the decision of a stored row. Raises InvalidRequest for a day before what the decision speaks
    of or one that has not come, a reporter without a name, and a dispute without a reason."""
    problems = {
        f"{on} lies before {row.as_of.date()}, of which the decision speaks": on < row.as_of.date(),
        f"{on} has not come": on > (now.astimezone(UTC) + LATEST_ZONE).date(),
        "it names nobody who reports": not by.strip(),
        "a dispute needs its reason in words": kind is EventKind.DISPUTED and not note.strip(),
    }
    found = [problem for problem, is_so in problems.items() if is_so]
    if found:
        raise InvalidRequest(f"The report is refused: {'; '.join(found)}.")
    name = DecisionId(row.decision_id)
    return events.append(connection, name, kind, happened_on=on, note=note.strip(), by=by.strip(), now=now)


def plain_event(event: DecisionEvent) -> dict[str, Any]:
    """As it is answered."""
    return {
        "event_id": event.event_id,
        "decision_id": event.decision_id,
        "kind": event.kind.value,
        "happened_on": event.happened_on.isoformat(),
        "note": event.note,
        "reported_by": event.reported_by,
        "reported_time": event.reported_time.isoformat(),
    }
