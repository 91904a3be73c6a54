"""Cases and watched days as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import watch_case, watch_day, watch_event
from api.evidence.claims import Kind
from api.evidence.service import record
from data_contracts.errors import NotFound
from scoring.monitoring.cases import Case, CaseOutcome, CaseState
from scoring.monitoring.vocabulary import Severity, WarningCode

VALUES_PER_QUERY = 900


def claim(
    connection: sa.Connection, obligor_ids: Sequence[str], *, day: date, parameters_version: str, now: datetime
) -> list[str]:
    """Those of these obligors whose day nobody has done; theirs is the caller's to do in this transaction.

    A rival that claims the same waits for the row and is then told that it is done; where the caller fails, nobody was.
    """
    rows = [
        {
            "obligor_id": obligor_id,
            "day": day,
            "parameters_version": parameters_version,
            "warnings": -1,
            "watched_time": now,
        }
        for obligor_id in sorted(obligor_ids)
    ]
    done = _on(connection, day, obligor_ids)
    insert_once(connection, watch_day, [row for row in rows if row["obligor_id"] not in done])
    mine = sa.select(watch_day.c.obligor_id).where(watch_day.c.day == day, watch_day.c.warnings == -1)
    return sorted(set(connection.scalars(mine)) & set(obligor_ids) - done)


def finish(connection: sa.Connection, counts: Mapping[str, int], *, day: date) -> None:
    """Say how many warnings each claimed obligor's day had."""
    if counts:
        told = watch_day.update().where(watch_day.c.day == day, watch_day.c.obligor_id == sa.bindparam("firm"))
        rows = [{"firm": firm, "count": count} for firm, count in counts.items()]
        connection.execute(told.values(warnings=sa.bindparam("count")), rows)


def open_cases(connection: sa.Connection, obligor_ids: Iterable[str]) -> dict[str, tuple[str, Case]]:
    """The open case of each of these obligors that has one, with its id."""
    found: dict[str, tuple[str, Case]] = {}
    wanted = sorted(obligor_ids)
    for start in range(0, len(wanted), VALUES_PER_QUERY):
        rows = sa.select(watch_case).where(watch_case.c.open_for.in_(wanted[start : start + VALUES_PER_QUERY]))
        found |= {row.obligor_id: (row.case_id, case_of(row)) for row in connection.execute(rows)}
    return found


def load(connection: sa.Connection, case_id: str) -> sa.Row[Any]:
    """The row of a case. Raises NotFound."""
    row = connection.execute(sa.select(watch_case).where(watch_case.c.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no case {case_id!r}.")
    return row


def listed(connection: sa.Connection, *, with_closed: bool) -> list[sa.Row[Any]]:
    """Cases, the most severe first."""
    rows = sa.select(watch_case).order_by(watch_case.c.severity.desc(), watch_case.c.opened_on, watch_case.c.case_id)
    return list(connection.execute(rows if with_closed else rows.where(watch_case.c.open_for.is_not(None))))


def page(connection: sa.Connection, *, obligor_ids: sa.Select[str], after: str | None, limit: int) -> list[sa.Row[Any]]:
    """Open cases of these obligors in order of their ids, after one of them."""
    rows = sa.select(watch_case).where(watch_case.c.open_for.is_not(None), watch_case.c.obligor_id.in_(obligor_ids))
    rows = rows if after is None else rows.where(watch_case.c.case_id > after)
    return list(connection.execute(rows.order_by(watch_case.c.case_id).limit(limit)))


def events(connection: sa.Connection, case_id: str) -> list[sa.Row[Any]]:
    """What happened in a case, in order."""
    rows = sa.select(watch_event).where(watch_event.c.case_id == case_id).order_by(watch_event.c.position)
    return list(connection.execute(rows))


def save(connection: sa.Connection, case_id: str, case: Case, *, is_new: bool, now: datetime) -> None:
    """Keep a case as it is now."""
    values = {
        "obligor_id": case.obligor_id,
        "open_for": None if case.state is CaseState.CLOSED else case.obligor_id,
        "opened_on": case.opened_on,
        "state": case.state.value,
        "severity": int(case.severity),
        "loudest": int(case.loudest),
        "seen": [
            [unit, code.value, int(severity), first.isoformat(), last.isoformat(), *_told_to(case, unit)]
            for (unit, code), (severity, first, last) in sorted(case.seen.items())
        ],
        "snoozed_until": case.snoozed_until,
        "outcome": None if case.outcome is None else case.outcome.value,
        "changed_time": now,
    }
    if is_new:
        connection.execute(watch_case.insert().values(case_id=case_id, **values))
    else:
        connection.execute(watch_case.update().where(watch_case.c.case_id == case_id).values(**values))


def append(
    connection: sa.Connection, case_id: str, *, what: str, by: str, reason: str, evidence: Sequence[Any], now: datetime
) -> None:
    """Keep something that happened in a case."""
    taken = sa.select(sa.func.count()).select_from(watch_event).where(watch_event.c.case_id == case_id)
    position = connection.scalar(taken) or 0
    row = {"case_id": case_id, "position": position, "time": now, "what": what, "by": by, "reason": reason}
    connection.execute(watch_event.insert().values(evidence=list(evidence), **row))


def log(connection: sa.Connection, case_ids: Sequence[str]) -> None:
    """Log what was kept in these cases since they were logged last, and how those ended that are closed."""
    record(connection, Kind.CASE_EVENT, case_ids)
    record(connection, Kind.CASE_END, case_ids)


def case_of(row: sa.Row[Any]) -> Case:
    """The case that a row tells."""
    return Case(
        obligor_id=row.obligor_id,
        opened_on=row.opened_on,
        state=CaseState(row.state),
        severity=Severity(row.severity),
        loudest=Severity(row.loudest),
        seen={
            (unit, WarningCode(code)): (Severity(severity), date.fromisoformat(first), date.fromisoformat(last))
            for unit, code, severity, first, last, *_ in row.seen
        },
        told_to={unit: told_to[0] for unit, _, _, _, _, *told_to in row.seen if told_to},
        snoozed_until=row.snoozed_until,
        outcome=None if row.outcome is None else CaseOutcome(row.outcome),
    )


def _told_to(case: Case, unit: str) -> list[str]:
    """The lender that alone may be told of a unit, where there is one; the rows of all else stay as they were."""
    return [case.told_to[unit]] if unit in case.told_to else []


def _on(connection: sa.Connection, day: date, obligor_ids: Sequence[str]) -> set[str]:
    rows = connection.scalars(sa.select(watch_day.c.obligor_id).where(watch_day.c.day == day))
    return set(rows) & set(obligor_ids)
