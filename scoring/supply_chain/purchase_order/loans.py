"""What a book tells of the money behind an order: loans that name the order, advances that name an invoice of it, and
what was paid of both, as the one exposure that they are.

An advance on an invoice that pays off the order's loan on the same day moves that much and lends the rest; one that
pays off nothing is money on top of what the order owes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from features.value_curve import annuity_balance
from scoring.money import exact, to_minor
from scoring.supply_chain.purchase_order.exposure import Event, EventKind, Exposure, exposure_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTold:
    """One facility with what it names as its collateral, and the principal that was repaid on each day."""

    facility_id: str
    collateral_id: str
    drawn_on: date
    amount_minor: int
    currency: str
    repaid: Mapping[date, int]


def loans_of(facilities: pd.DataFrame, repayments: pd.DataFrame, *, zone: tzinfo) -> tuple[LoanTold, ...]:
    """Facilities that name a collateral, of ledgers as their contracts name them. An instalment repays principal once
    it is paid in full; what of it is principal follows from the facility's rate and number of instalments."""
    done = repayments[repayments["amount_paid_minor"] >= repayments["amount_due_minor"]]
    by_facility = dict(list(done.sort_values("instalment", kind="stable").groupby("facility_id")))
    told = facilities[facilities["collateral_id"].notna()].sort_values(["event_time", "facility_id"], kind="stable")
    return tuple(
        LoanTold(
            facility_id=row.facility_id,
            collateral_id=row.collateral_id,
            drawn_on=row.event_time.tz_convert(zone).date(),
            amount_minor=int(row.amount_minor),
            currency=row.currency,
            repaid=_principal(row, by_facility.get(row.facility_id)),
        )
        for row in told.itertuples()
    )


def exposure_on(
    order_id: str | None, invoices: Collection[str], loans: Sequence[LoanTold], *, currency: str
) -> Exposure:
    """The one exposure of an order and its invoices, in its currency. Without an order, of the invoices alone."""
    mine = [loan for loan in loans if loan.currency == currency]
    on_order = [loan for loan in mine if loan.collateral_id == order_id]
    on_invoices = [loan for loan in mine if loan.collateral_id in invoices]
    return exposure_of(_events(on_order, on_invoices))


def _events(on_order: Sequence[LoanTold], on_invoices: Sequence[LoanTold]) -> Iterator[Event]:
    """Day by day: what is drawn on the order, what advances on invoices move and lend, what is repaid."""
    days = {loan.drawn_on for loan in (*on_order, *on_invoices)} | {
        day for loan in (*on_order, *on_invoices) for day in loan.repaid
    }
    for day in sorted(days):
        advanced = sum(loan.amount_minor for loan in on_invoices if loan.drawn_on == day)
        off_order = sum(loan.repaid.get(day, 0) for loan in on_order)
        moved = min(advanced, off_order)
        lent = advanced - moved
        on_it = sum(loan.amount_minor for loan in on_order if loan.drawn_on == day)
        yield Event(kind=EventKind.DRAWN, amount_minor=on_it + lent)
        yield Event(kind=EventKind.REPAID, amount_minor=off_order - moved)
        yield Event(kind=EventKind.CARRIED_OVER, amount_minor=advanced)
        yield Event(kind=EventKind.REPAID, amount_minor=sum(loan.repaid.get(day, 0) for loan in on_invoices))


def _principal(facility: Any, rows: pd.DataFrame | None) -> dict[date, int]:
    if rows is None:
        return {}
    paid = np.arange(len(rows) + 1, dtype=np.float64)
    amount, rate, number = (
        np.full_like(paid, float(value))
        for value in (facility.amount_minor, facility.rate_per_year, facility.instalments)
    )
    left = [to_minor(exact(float(value))) for value in annuity_balance(amount, rate, number, paid)]
    days = pd.to_datetime(rows["paid_date"].fillna(rows["due_date"])).dt.date
    found: dict[date, int] = {}
    for day, before, after in zip(days, left[:-1], left[1:], strict=True):
        found[day] = found.get(day, 0) + before - after
    return found
