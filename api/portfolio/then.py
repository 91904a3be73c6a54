"""What stood at an instant of what this home keeps itself: open cases, and limits that a lender was advised."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from api.database.tables import credit_decision
from api.watch import repository as cases
from api.watch.service import shown_case
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.records import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits in minor units by borrower and product, and how many of them were decided after the instant, on what was
    known at it."""

    minor: Mapping[tuple[str, str], int]
    decided_since: int


def watched_then(connection: sa.Connection, *, partner: PartnerId, day: date, as_of: datetime) -> frozenset[str]:
    """Obligors with a case, as the partner may see it, that was opened by the day and was not closed by the instant. A
    closed case is not changed any more, so that its last change is when it was closed."""
    stood = [
        row
        for row in cases.listed(connection, with_closed=True)
        if row.opened_on <= day and (row.open_for is not None or row.changed_time > as_of)
    ]
    seen = ((row.obligor_id, shown_case(row, partner, now=as_of)) for row in stood)
    return frozenset(obligor for obligor, case in seen if case is not None and case.opened_on <= day)


def limits_then(
    connection: sa.Connection, obligors: Sequence[ObligorId], *, partner: PartnerId, currency: str, as_of: datetime
) -> Limits:
    """The limit of each borrower and product that the partner's latest decision by the instant approved.

    What was decided since on what was known by then (a history that was loaded late) stands only where nothing had been
    decided, so that a decision about the past moves no book that had one.
    """
    table, wanted = credit_decision.c, set(obligors)
    rows = sa.select(table.obligor_id, table.outcome, table.decided_time, table.request, table.body).where(
        table.partner_id == partner, table.as_of <= as_of
    )
    latest: dict[tuple[str, str], tuple[int | None, bool]] = {}
    is_known = table.decided_time <= as_of
    for row in connection.execute(rows.order_by(is_known, table.as_of, table.decided_time, table.decision_id)):
        if row.obligor_id in wanted and row.request["currency"] == currency:
            limit = json.loads(row.body)["limit_minor"] if row.outcome == Outcome.APPROVE.value else None
            latest[row.obligor_id, row.request["product"]] = (limit, row.decided_time > as_of)
    return Limits(
        minor={key: limit for key, (limit, _) in latest.items() if limit is not None},
        decided_since=sum(is_later for limit, is_later in latest.values() if limit is not None),
    )
