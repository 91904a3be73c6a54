"""Stock as it must lie there by the lender's count and what was made and shipped since, what of it may be lent, and
what is lacking. Made parts are not told by item, so that all finished goods of a firm are one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from scoring.errors import InvalidRequest
from scoring.stock import StockHeld
from scoring.supply_chain.collateral.inventory import (
    Balance,
    Lot,
    StockKind,
    StockValue,
    contradictions,
    shortfall,
    stock_values,
)

ZONE = ZoneInfo("Asia/Shanghai")
YEAR = timedelta(days=365)
ITEM = "finished_goods"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCount:
    """The lender's word: units of finished goods counted when monitoring began, units counted since (None where nobody
    did), and what a unit is worth (the lesser of cost and market)."""

    opening_units: int
    opened_on: date
    unit_value_minor: int
    counted_units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A counted stock on a day: the balance since the count, and what each lot of it is worth."""

    balance: Balance
    lots: tuple[StockValue, ...]
    day: date

    def contradictions(self, values: Any) -> tuple[str, ...]:
        """What of the balance cannot be."""
        return tuple(found.what for found in contradictions([self.balance], values))

    def held(self, count: StockCount, values: Any) -> StockHeld:
        """As a decision takes it."""
        return StockHeld(
            counted_on=count.opened_on,
            expected_units=self.balance.expected,
            counted_units=count.counted_units,
            units_that_count=sum(item.units_that_count for item in self.lots),
            value_minor=sum(item.value_minor for item in self.lots),
            lendable_minor=sum(item.lendable_minor for item in self.lots),
            contradictions=self.contradictions(values),
        )


def valued(
    deliveries: pd.DataFrame, days: pd.DataFrame, as_of: datetime, *, count: StockCount, currency: str, values: Any
) -> Valued:
    """What must lie there by a count and by what was made and shipped since, and what that is worth. Raises
    InvalidRequest for a count older than a year or of the future."""
    require_recent(count, as_of)
    today = as_of.astimezone(ZONE).date()
    shipped_on = pd.to_datetime(deliveries["event_time"]).dt.tz_convert(ZONE).dt.date
    since = days[days["day"] > pd.Timestamp(count.opened_on)]
    balance = Balance(
        item=ITEM,
        opening=count.opening_units,
        made=round(float(since["parts"].sum())),
        shipped=round(float(deliveries["parts"][shipped_on > count.opened_on].sum())),
        scrapped=round(float(since["scrap_parts"].sum())),
        counted=count.counted_units,
    )
    lots = stock_values(_lots(count, since, currency), [balance], day=today, values=values)
    return Valued(balance=balance, lots=lots, day=today)


def require_recent(count: StockCount, as_of: datetime) -> None:
    """Raises InvalidRequest for a count older than a year or of the future."""
    today, year = (moment.astimezone(ZONE).date() for moment in (as_of, as_of - YEAR))
    if not year <= count.opened_on <= today:
        raise InvalidRequest(
            f"Stock that was counted on {count.opened_on} says nothing of {today}.",
            hint="Count anew: a count is good for a year.",
        )


def stock_terms(
    deliveries: pd.DataFrame,
    days: pd.DataFrame,
    as_of: datetime,
    *,
    count: StockCount | None,
    owed_minor: int,
    currency: str,
    values: Any,
) -> dict[str, Any]:
    """What a year made and shipped; with a count, the balance since, its contradictions, live value, and shortfall.
    Without one, how much lies there is unknown. Raises as `valued`."""
    year = (as_of - YEAR).astimezone(ZONE).date()
    told = {
        "made_parts_365d": float(days[days["day"] >= pd.Timestamp(year)]["parts"].sum()),
        "shipped_parts_365d": float(deliveries["parts"].sum()),
        "stock": None,
        "missing": "stock_count",
    }
    if count is None:
        return told
    found = valued(deliveries, days, as_of, count=count, currency=currency, values=values)
    held = found.held(count, values)
    lacking = shortfall(found.lots, owed_minor=owed_minor, day=found.day, values=values)
    return {
        **told,
        "missing": None,
        "stock": {
            **asdict(found.balance),
            "expected": held.expected_units,
            "contradictions": list(held.contradictions),
            "units_that_count": held.units_that_count,
            "value_minor": held.value_minor,
            **{name: value for name, value in asdict(lacking).items() if name != "cure_by"},
            "cure_by": None if lacking.cure_by is None else lacking.cure_by.isoformat(),
        },
    }


def _lots(count: StockCount, since: pd.DataFrame, currency: str) -> list[Lot]:
    """What was counted first, and what each month has made since, as old as its first day."""
    made = since.groupby(since["day"].dt.to_period("M"))["parts"].sum()
    ages = [(count.opened_on, count.opening_units)]
    ages += [(max(count.opened_on, month.start_time.date()), round(float(parts))) for month, parts in made.items()]
    return [
        Lot(
            item=ITEM,
            kind=StockKind.FINISHED_GOODS,
            units=units,
            unit_value_minor=count.unit_value_minor,
            in_since=first,
            currency=currency,
        )
        for first, units in ages
        if units > 0
    ]
