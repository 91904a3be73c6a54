"""What limits rest on, worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from day_tables import FULL, SETTINGS, back, day, history, span
from sample_tables import OBLIGOR

from features.bounds import completions
from features.daily import OwnedTime
from features.feature_value import REASONS, SAID
from features.output import output_quantities
from features.snapshot import Missing
from features.trade import (
    OUTPUT_DAYS,
    QUANTITIES,
    QUANTITY_DAYS,
    REVENUES,
    QuantityColumn,
    asset_values,
    order_quantities,
    revenue_quantities,
    several_currencies,
)

OTHER = "91999999MA0000002R"
ORDERS = pa.schema(
    [
        ("obligor_id", pa.string()),
        ("order_id", pa.string()),
        ("parts", pa.float64()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
    ]
)
HOUR = 3_600.0


def table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def said(column: QuantityColumn, row: int = 0) -> tuple[float | Missing, str]:
    code = int(column.reasons[row])
    return (float(column.values[row]) if code == SAID else REASONS[code]), column.units[row]


def test_orders() -> None:
    orders = table(
        [(OBLIGOR, "1", 100, 50_000, "CNY"), (OBLIGOR, "2", 300, 90_000, "CNY"), (OTHER, "1", 5, 1_000, "USD")], ORDERS
    )
    delivered = table(
        [(OBLIGOR, "1", 60, 30_000, "CNY"), (OBLIGOR, "1", 20, 25_000, "CNY"), (OBLIGOR, "9", 1, 1, "CNY")], ORDERS
    )
    found = order_quantities(orders, delivered, [OTHER, OBLIGOR, "nobody"])
    assert said(found["order_price_per_part_minor_365d"], 1) == (350.0, "CNY_minor")
    assert said(found["open_orders_amount_minor_365d"], 1) == (90_000.0, "CNY_minor")
    assert said(found["open_orders_amount_minor_365d"], 0) == (1_000.0, "USD_minor")
    assert said(found["open_orders_amount_minor_365d"], 2) == (Missing.NO_SOURCE, "minor")


def test_orders_in_two_currencies_do_not_add_up() -> None:
    orders = table([(OBLIGOR, "1", 100, 50_000, "CNY"), (OBLIGOR, "2", 300, 90_000, "EUR")], ORDERS)
    found = order_quantities(orders, ORDERS.empty_table(), [OBLIGOR])
    assert {said(column)[0] for column in found.values()} == {Missing.NO_SOURCE}
    assert several_currencies(orders) == {OBLIGOR: ["CNY", "EUR"]}


def test_no_orders_at_all() -> None:
    found = order_quantities(ORDERS.empty_table(), ORDERS.empty_table(), [OBLIGOR])
    assert {said(column)[0] for column in found.values()} == {Missing.NO_SOURCE}
    assert several_currencies(ORDERS.empty_table()) == {}


def test_revenue_fills_the_orders_dearest_first_and_no_more_than_they_ask_for() -> None:
    orders = table(
        [(OBLIGOR, "1", 100, 50_000, "CNY"), (OBLIGOR, "2", 300, 90_000, "CNY"), (OTHER, "1", 9, 1_000, "USD")], ORDERS
    )
    # 500 a part for 100 parts, 300 a part for 300; outputs of 90 days are a year's x 90 / 365
    for year, revenue in ((60, 30_000), (100, 50_000), (150, 65_000), (400, 140_000), (9_999, 140_000)):
        made = QuantityColumn(np.array([year * 90 / 365, np.nan]), np.array([SAID, 3], np.int8), ["parts"] * 2)
        lean = QuantityColumn(np.array([float(year), np.nan]), made.reasons, ["parts"] * 2)
        outputs = {output: made if days == OUTPUT_DAYS else lean for output, days in REVENUES.values()}
        found = revenue_quantities(orders, outputs, [OBLIGOR, OTHER])
        assert found.keys() == REVENUES.keys()
        for column in found.values():
            assert said(column)[1] == "CNY_minor"
            assert said(column)[0] == pytest.approx(revenue)
            assert column.least is not None
            assert column.least[0] == pytest.approx(revenue)
            assert said(column, 1)[0] is REASONS[3]


def test_leaving_orders_out_never_raises_the_revenue() -> None:
    random = np.random.default_rng(5)
    for _ in range(30):
        rows = [
            (OBLIGOR, str(n), int(random.integers(1, 50)), int(random.integers(1, 90_000)), "CNY") for n in range(8)
        ]
        made = QuantityColumn(np.array([random.uniform(0, 60)]), np.array([SAID], np.int8), ["parts"])
        outputs = {output: made for output, _ in REVENUES.values()}
        kept = [row for row in rows if random.random() < 0.7] or rows[:1]
        full, less = (revenue_quantities(table(some, ORDERS), outputs, [OBLIGOR]) for some in (rows, kept))
        for name in REVENUES:
            assert less[name].values[0] <= full[name].values[0] * (1 + 1e-12)


def test_output_by_hours_is_least_where_hidden_days_took_without_end() -> None:
    slow = {40: 9 * HOUR}

    def least(hidden: set[int], *, length: float = FULL) -> float:
        days = [
            day(back(n), executing=slow.get(n % 50, 5 * HOUR), parts=50, length=length)
            for n in range(QUANTITY_DAYS)
            if n not in hidden
        ]
        rows = [
            row | {"observed_seconds": FULL, "sampled_seconds": FULL, "off_seconds": FULL - row["executing_seconds"]}
            for row in days
        ]
        found = outputs_of(rows)
        column = found["output_parts_by_hours_90d"]
        assert column.least is not None
        return float(column.least[0])

    whole = least(set())
    assert whole == pytest.approx(50 * 90 * (5 * 88 + 9 * 2) / (5 * 90), rel=0.01)
    assert least({140, 190, 240}) <= whole
    assert least(set(range(90, 230))) == 0


def test_asset_values() -> None:
    schema = pa.schema([("obligor_id", pa.string()), ("asset_value_minor", pa.int64()), ("currency", pa.string())])
    owned = table([(OBLIGOR, 700, "CNY"), (OBLIGOR, 50, "CNY"), (OBLIGOR, None, None), (OTHER, None, None)], schema)
    found = asset_values(owned, [OBLIGOR, OTHER])
    assert said(found) == (750.0, "CNY_minor")
    assert said(found, 1) == (Missing.NO_SOURCE, "minor")


def outputs_of(days: list[dict[str, Any]]) -> dict[str, QuantityColumn]:
    found = history(days, [span()], length=QUANTITY_DAYS)
    heard_of = OwnedTime(found.within_seconds.last(QUANTITY_DAYS), found.machine_days.last(QUANTITY_DAYS))
    return output_quantities(found, SETTINGS, completions(found, heard_of))


def output(days: list[dict[str, Any]]) -> dict[str, float | Missing]:
    found = outputs_of(days)
    assert {column.units[0] for column in found.values()} == {"parts"}
    return {name: said(column)[0] for name, column in found.items() if name.startswith("output_")}


def test_output_three_ways() -> None:
    before = [
        day(back(OUTPUT_DAYS + n), executing=10 * HOUR, parts=made, energy_kwh=60.0, energy_executing_kwh=kwh)
        for n, (made, kwh) in enumerate([(100, 50), (100, 40), (0, 30), (50, 30)])
    ]
    window = [day(back(n), executing=5 * HOUR, parts=90, energy_kwh=40.0, energy_executing_kwh=30.0) for n in range(60)]
    found = output(before + window)
    assert found["output_parts_90d"] == 60 * 90
    assert found["output_parts_by_energy_90d"] == pytest.approx(60 * 30 / 0.5)
    assert found["output_parts_by_hours_90d"] == pytest.approx(60 * 5 / 0.1)
    assert found.keys() == {name for name in QUANTITIES if name.startswith("output_")}


def test_why_output_is_not_known() -> None:
    short = output([day(back(n), executing=HOUR, parts=9, energy_executing_kwh=3.0) for n in range(40)])
    assert set(short.values()) == {Missing.NOT_ENOUGH_HISTORY}
    new = output([day(back(n), executing=HOUR, parts=9, energy_executing_kwh=3.0) for n in range(80)])
    assert new["output_parts_90d"] == 80 * 9
    assert new["output_parts_by_energy_90d"] is Missing.NOT_ENOUGH_HISTORY
    uncounted = output([day(back(n), executing=HOUR, energy_executing_kwh=3.0) for n in range(200)])
    assert set(uncounted.values()) == {Missing.NO_COUNTER}
    unmetered = output([day(back(n), executing=HOUR, parts=2) for n in range(200)])
    assert unmetered["output_parts_by_energy_90d"] is Missing.NO_POWER_METER
    assert unmetered["output_parts_by_hours_90d"] == pytest.approx(180)
    silent = output([day(back(n), executing=HOUR, parts=2) for n in range(100, 200)])
    assert silent["output_parts_90d"] is Missing.NOT_OBSERVED
