"""The graduated answer to trouble with a loan, told event by event and judged by the rules of `scoring.monitoring`.

Steps are recommendations between a bank and its borrower: nothing here stops a machine or calls a loan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from api.database.tables import credit_decision, response_event
from api.errors import RoleNotAllowed
from api.evidence.claims import Kind
from api.evidence.service import record
from api.keys.principal import Role
from api.monitoring import monitoring_parameters
from api.responses.schemas import (
    AppealAnswered,
    AppealAsked,
    EventAsked,
    HardshipAsked,
    HardshipGranted,
    StepAsked,
)
from data_contracts.errors import NotFound
from scoring.errors import InvalidRequest
from scoring.monitoring.response import Hardship, Step, Taken, next_step, require_allowed

ZONE = ZoneInfo("Asia/Shanghai")
LONGEST_HARDSHIP_DAYS = 366
TELLERS = {
    "step": (Role.BANK,),
    "appeal": (Role.OBLIGOR,),
    "appeal_answer": (Role.BANK,),
    "hardship": (Role.BANK, Role.OBLIGOR),
    "hardship_grant": (Role.BANK,),
}
"""Whose each kind of event is to tell."""

Events = Sequence[sa.Row[Any]]


def tell(connection: sa.Connection, decision: sa.Row[Any], event: EventAsked, *, role: Role, now: datetime) -> None:
    """Keep and log one event of the course of a decision's loan.

    Raises RoleNotAllowed where it is the other side's to tell, NotFound for an event that it is not about, and
    InvalidRequest where it is not its turn.
    """
    if role not in TELLERS[event.kind]:
        whose = " or ".join(item.value for item in TELLERS[event.kind])
        raise RoleNotAllowed(f"The event {event.kind} is not a {role.value}'s to tell.", hint=f"It is the {whose}'s.")
    _lock(connection, decision)
    events = _events(connection, decision)
    _check(events, event, day=now.astimezone(ZONE).date(), now=now)
    said = event.model_dump(mode="json", exclude={"kind", "about", "by"})
    event_id = f"re_{uuid4().hex}"
    connection.execute(
        response_event.insert().values(
            event_id=event_id,
            decision_id=decision.decision_id,
            number=len(events),
            about=getattr(event, "about", None),
            kind=event.kind,
            told_by=role.value,
            person=event.by,
            told_time=now,
            said=said,
        )
    )
    record(connection, Kind.RESPONSE_EVENT, [event_id])


def course(connection: sa.Connection, decision: sa.Row[Any], *, now: datetime) -> dict[str, Any]:
    """Every event of a decision's loan in order, and what may be done next."""
    events, day, book = _events(connection, decision), now.astimezone(ZONE).date(), monitoring_parameters()
    advice = next_step(_taken(events), _hardships(events), day=day, values=book.at(now))
    return {
        "decision_id": decision.decision_id,
        "obligor_id": decision.obligor_id,
        "day": day.isoformat(),
        "events": [_plain(row) for row in events],
        "next": {
            "step": None if advice.step is None else advice.step.name.lower(),
            "not_before": None if advice.not_before is None else advice.not_before.isoformat(),
            "reason": advice.reason,
        },
        "parameters_version": book.version,
    }


def _events(connection: sa.Connection, decision: sa.Row[Any]) -> Events:
    table = response_event.c
    rows = sa.select(response_event).where(table.decision_id == decision.decision_id)
    return list(connection.execute(rows.order_by(table.number)))


def _lock(connection: sa.Connection, decision: sa.Row[Any]) -> None:
    """Let nobody else tell of this loan until the caller's transaction ends. SQLite has one writer anyhow."""
    row = sa.select(credit_decision.c.decision_id).where(credit_decision.c.decision_id == decision.decision_id)
    connection.execute(row.with_for_update())


def _check(events: Events, event: EventAsked, *, day: date, now: datetime) -> None:
    match event:
        case StepAsked():
            require_allowed(
                Step[event.step.upper()],
                _taken(events),
                _hardships(events),
                day=day,
                reason=event.reason,
                evidence=event.evidence,
                values=monitoring_parameters().at(now),
            )
        case AppealAsked():
            step = _one(events, event.about, "step")
            if _about(events, step, "appeal") is not None:
                raise InvalidRequest(f"The step {event.about} was appealed against already.")
        case AppealAnswered():
            step = _one(events, event.about, "step")
            if _about(events, step, "appeal") is None or _about(events, step, "appeal_answer") is not None:
                raise InvalidRequest(f"No appeal against {event.about} is open.", hint="Name the step, once appealed.")
        case HardshipAsked():
            if not 0 <= (event.last_day - event.first_day).days < LONGEST_HARDSHIP_DAYS:
                raise InvalidRequest(
                    f"From {event.first_day} to {event.last_day} is no window.",
                    hint=f"Both days are within it; at most {LONGEST_HARDSHIP_DAYS} days.",
                )
        case HardshipGranted():
            asked = _one(events, event.about, "hardship")
            if asked.told_by == Role.BANK.value or _about(events, asked, "hardship_grant") is not None:
                raise InvalidRequest(f"The hardship {event.about} counts already.")


def _one(events: Events, event_id: str, kind: str) -> sa.Row[Any]:
    """The event of that id. Raises NotFound for another loan's, another kind's or none."""
    for row in events:
        if row.event_id == event_id and row.kind == kind:
            return row
    raise NotFound(f"No {kind} {event_id!r} belongs to this decision.")


def _about(events: Events, row: sa.Row[Any], kind: str) -> sa.Row[Any] | None:
    return next((item for item in events if item.about == row.event_id and item.kind == kind), None)


def _taken(events: Events) -> list[Taken]:
    """The steps that were taken, each with how its appeal stands."""
    found = []
    for row in events:
        if row.kind != "step":
            continue
        appeal, answer = _about(events, row, "appeal"), _about(events, row, "appeal_answer")
        found.append(
            Taken(
                step=Step[row.said["step"].upper()],
                taken_on=_day(row),
                reason=row.said["reason"],
                evidence=row.said["evidence"],
                appealed_on=None if appeal is None else _day(appeal),
                appeal_upheld=None if answer is None else bool(answer.said["is_upheld"]),
            )
        )
    return found


def _hardships(events: Events) -> list[Hardship]:
    """The windows that count."""
    return [
        Hardship(
            first_day=date.fromisoformat(row.said["first_day"]),
            last_day=date.fromisoformat(row.said["last_day"]),
            reason=row.said["reason"],
        )
        for row in events
        if row.kind == "hardship"
        and (row.told_by == Role.BANK.value or _about(events, row, "hardship_grant") is not None)
    ]


def _day(row: sa.Row[Any]) -> date:
    told: datetime = row.told_time
    return told.astimezone(ZONE).date()


def _plain(row: sa.Row[Any]) -> dict[str, Any]:
    said: Mapping[str, Any] = row.said
    return {
        "event_id": row.event_id,
        "kind": row.kind,
        "about": row.about,
        "told_by": row.told_by,
        "by": row.person,
        "told_time": row.told_time.isoformat(),
        **{name: said.get(name) for name in ("step", "evidence", "is_upheld", "first_day", "last_day", "reason")},
    }
