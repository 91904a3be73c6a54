"""What lies in stock by a lender's count, worked by hand, and what is left of it where days are not told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.chain.stock_terms import StockCount, valued
from data_contracts.reference.dated import load_book
from scoring.stock import StockHeld, parse_stock, plain_stock

VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2026, 6, 30))
AS_OF = datetime(2026, 6, 30, 12, tzinfo=UTC)
COUNT = StockCount(opening_units=100, opened_on=date(2025, 12, 1), unit_value_minor=1_000)


def days_of(made: list[tuple[str, float, float | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(made, columns=["day", "parts", "scrap_parts"])
    return frame.assign(day=pd.to_datetime(frame["day"]), scrap_parts=frame["scrap_parts"].astype(float))


def deliveries_of(shipped: list[tuple[str, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(shipped, columns=["event_time", "parts"])
    return frame.assign(event_time=pd.to_datetime(frame["event_time"], utc=True))


def held(days: pd.DataFrame, deliveries: pd.DataFrame, **changes: Any) -> StockHeld:
    count = StockCount(**{**{name: getattr(COUNT, name) for name in COUNT.__slots__}, **changes})
    found = valued(deliveries, days, AS_OF, count=count, currency="CNY", values=VALUES)
    return found.held(count, VALUES)


MADE = [("2026-05-10", 60.0, 2.0), ("2026-06-10", 50.0, None), ("2025-11-30", 900.0, None)]
SHIPPED = [("2026-06-01T02:00Z", 70.0), ("2025-12-01T02:00Z", 500.0)]


@pytest.mark.parametrize(
    ("counted", "units", "value", "lendable", "contradictions"),
    [
        # 100 + 110 - 70 - 2 = 138: 50 of June and 60 of May whole, 28 of December, over half a year old, at half
        (None, 138, 124_000, 68_200, ()),
        (138,  138, 124_000, 68_200, ()),
        (136,  136, 123_000, 67_650, ()),               # two in a hundred are allowed
        (90,    90,  90_000, 49_500, ("counted_less",)),
        (200,  138, 124_000, 68_200, ("counted_more",)),
    ],
)  # fmt: skip
def test_counted_made_and_shipped(
    counted: int | None, units: int, value: int, lendable: int, contradictions: tuple[str, ...]
) -> None:
    found = held(days_of(MADE), deliveries_of(SHIPPED), counted_units=counted)
    assert (found.expected_units, found.units_that_count) == (138, units)
    assert (found.value_minor, found.lendable_minor) == (value, lendable)
    assert found.contradictions == contradictions
    assert parse_stock(plain_stock(found)) == found


def test_leaving_machine_days_out_never_raises_what_may_be_lent() -> None:
    random = np.random.default_rng(11)
    moved = 0
    for _ in range(60):
        dates = pd.date_range("2025-12-02", "2026-06-29").strftime("%Y-%m-%d")
        parts = random.integers(0, 30, len(dates)).astype(float)
        made = [(when, each, float(random.integers(0, each + 1))) for when, each in zip(dates, parts, strict=True)]
        kept = [row for row in made if random.random() > 0.3]
        shipped = deliveries_of([("2026-04-01T02:00Z", float(random.integers(0, 2_000)))])
        full, less = held(days_of(made), shipped), held(days_of(kept), shipped)
        assert less.lendable_minor <= full.lendable_minor
        moved += less.lendable_minor < full.lendable_minor
    assert moved > 30
