"""A year of lean months, worked by hand: which months count, and what is left where they are not told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from day_tables import FULL, SETTINGS, back, day, history, span

from data_contracts.reference.holidays import days_from_new_year, is_public_holiday
from features.bounds import completions
from features.daily import OwnedTime
from features.feature_value import REASONS, SAID
from features.output import MONTH_OF_DAY, output_quantities
from features.snapshot import Missing
from features.trade import QUANTITY_DAYS, QuantityColumn

HOUR = 3_600.0
ROME = "Europe/Rome"
"""A site whose zone knows no holidays; its last complete day is one before Shanghai's."""

NAMES = ("lean_output_parts_365d", "lean_output_parts_by_energy_365d", "lean_output_parts_by_hours_365d")
Months = list[float | None]


def made(parts: float, n: int) -> dict[str, Any]:
    """A wholly observed day, `n` before the last, that made `parts`, each in six minutes with half a kilowatt-hour."""
    executing = parts * HOUR / 10
    return day(
        back(n),
        executing=executing,
        off=FULL - executing,
        parts=parts,
        energy_kwh=parts * 0.5,
        energy_executing_kwh=parts * 0.5,
    )


def of(days: list[dict[str, Any]], *, zone: str) -> dict[str, QuantityColumn]:
    found = history(days, [span(zone=zone)], length=QUANTITY_DAYS)
    heard_of = OwnedTime(np.full((1, QUANTITY_DAYS), FULL), np.ones((1, QUANTITY_DAYS)))
    return output_quantities(found, SETTINGS, completions(found, heard_of))


def of_months(months: Months) -> dict[str, QuantityColumn]:
    """Of twelve months with so many parts a day each, the oldest first; None where nothing was told."""
    each = [months[month] for month in MONTH_OF_DAY]
    return of([made(parts, QUANTITY_DAYS - n) for n, parts in enumerate(each) if parts is not None], zone=ROME)


def least(column: QuantityColumn) -> float:
    assert column.least is not None
    return float(column.least[0])


# Parts a day of twelve months, the oldest first -> known and at least: parts a day x 365. Sorted, the lower quartile
# lies three quarters of the way from the third to the fourth.
@pytest.mark.parametrize(
    ("months", "known", "surely"),
    [
        ([50] * 12,                                 50.0, 50.0),
        ([0, 0] + [50] * 10,                        50.0, 50.0),
        ([0, 0, 0] + [50] * 9,                      37.5, 37.5),
        ([0, 0, 0, 0] + [50] * 8,                    0.0,  0.0),
        ([40, 42, 44, 50] * 3,                      41.5, 41.5),
        (list(range(10, 130, 10)),                  37.5, 37.5),
        ([60] * 9 + [20] * 3,                       20.0, 20.0),
        ([20] * 3 + [60] * 9,                       50.0, 50.0),
        ([50] * 4 + [None, None, None] + [50] * 5,  50.0, 37.5),
        ([50] * 4 + [None] * 4 + [50] * 4,          50.0,  0.0),
    ],
)  # fmt: skip
def test_three_months_in_four_brought_as_much(months: Months, known: float, surely: float) -> None:
    column = of_months(months)["lean_output_parts_365d"]
    assert int(column.reasons[0]) == SAID
    assert float(column.values[0]) == pytest.approx(known * 365)
    assert least(column) == pytest.approx(surely * 365)


def test_the_three_views_agree_where_a_part_always_takes_the_same() -> None:
    found = of_months([40, 42, 44, 50] * 3)
    assert [least(found[name]) for name in NAMES] == pytest.approx([41.5 * 365] * 3)


def test_holidays_make_no_month_lean_and_work_on_them_makes_none_fat() -> None:
    numbers = np.datetime64(back(QUANTITY_DAYS - 1)).astype("datetime64[D]").astype(np.int64) + np.arange(QUANTITY_DAYS)
    away = days_from_new_year(numbers)
    rests = is_public_holiday(numbers) | ((away >= -3) & (away <= 7))
    assert rests.sum() > 15

    def lean(on_holidays: float) -> float:
        parts = np.where(rests, on_holidays, 50.0)
        days = [made(float(each), QUANTITY_DAYS - 1 - n) for n, each in enumerate(parts)]
        return least(of(days, zone="Asia/Shanghai")["lean_output_parts_365d"])

    assert lean(0.0) == lean(90.0) == pytest.approx(50.0 * (365 - rests.sum()))


@pytest.mark.parametrize(("months", "missing"), [(9, None), (8, Missing.NOT_ENOUGH_HISTORY)])
def test_a_firm_without_nine_months_has_no_lean_year(months: int, missing: Missing | None) -> None:
    found = of_months([None] * (12 - months) + [50.0] * months)
    for name in NAMES:
        code = int(found[name].reasons[0])
        assert (None if code == SAID else REASONS[code]) is missing
        if missing is None:
            assert least(found[name]) == pytest.approx(37.5 * 365)


def test_leaving_days_out_never_raises_a_lean_year() -> None:
    random = np.random.default_rng(8)
    moved = 0
    for _ in range(40):
        rows = [made(float(random.integers(0, 80)), n + 1) for n in range(QUANTITY_DAYS)]
        share = random.choice([0.02, 0.3, 0.6])
        slow = np.argsort([row["parts"] for row in rows])[: int(share * len(rows) / 2)]
        gone = set(slow.tolist()) if random.random() < 0.5 else set(np.flatnonzero(random.random(365) < share).tolist())
        kept = [row for n, row in enumerate(rows) if n not in gone]
        full, less = of(rows, zone=ROME), of(kept, zone=ROME)
        for name in NAMES:
            assert least(less[name]) <= least(full[name]) * (1 + 1e-12)
            moved += least(less[name]) < least(full[name])
    assert moved > 40, "most of what was left out should have cost something"
