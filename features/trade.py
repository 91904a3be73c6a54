"""Quantities that limits rest on: what is ordered, what the output would fetch, and what the machines are worth.

Amounts are minor units of the currency that their unit names (`CNY_minor`). Nothing is capped or cut here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.columns import reason_code
from features.feature_value import SAID, Missing
from features.history import Array

OUTPUT_DAYS = 90
QUANTITY_DAYS = 365
"""Days of history that quantities rest on: orders of a year, and output of `OUTPUT_DAYS` against the days before
them."""

PARTS = "parts"
MONEY = "minor"
"""Unit of a quantity of money in a definition; in a snapshot the currency stands before it (`CNY_minor`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityDefinition:
    """What a quantity of a snapshot means."""

    name: str
    unit: str
    window_days: int | None
    label_zh: str
    label_en: str
    formula: str


@dataclass(frozen=True, slots=True)
class QuantityColumn:
    """A quantity of many obligors: values (NaN where missing), reasons as in `declaration.Column`, each one's unit, and
    the least that it can be whatever was not observed (None: its values)."""

    values: Array
    reasons: NDArray[np.int8]
    units: Sequence[str]
    least: Array | None = None


_DEFINITIONS = (
    QuantityDefinition(
        name="order_price_per_part_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="近一年订单单件均价",
        label_en="Order price per part, last year",
        formula="amount of the purchase orders placed in the window / their parts",
    ),
    QuantityDefinition(
        name="open_orders_amount_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="近一年未交付订单金额",
        label_en="Open orders, last year",
        formula="sum over the purchase orders placed in the window of amount - delivered amount, not below 0 each",
    ),
    QuantityDefinition(
        name="output_parts_90d",
        unit=PARTS,
        window_days=OUTPUT_DAYS,
        label_zh="近90天产量（计数）",
        label_en="Output by counters",
        formula="parts counted in the window",
    ),
    QuantityDefinition(
        name="output_parts_by_energy_90d",
        unit=PARTS,
        window_days=OUTPUT_DAYS,
        label_zh="近90天产量（按电耗推算）",
        label_en="Output by energy",
        formula="kWh while executing in the window / median of the daily kWh per part over the 275 days before it",
    ),
    QuantityDefinition(
        name="output_parts_by_hours_90d",
        unit=PARTS,
        window_days=OUTPUT_DAYS,
        label_zh="近90天产量（按工时推算）",
        label_en="Output by hours",
        formula="executing hours in the window / median of the daily hours per part over the 275 days before it",
    ),
    QuantityDefinition(
        name="lean_output_parts_365d",
        unit=PARTS,
        window_days=QUANTITY_DAYS,
        label_zh="年淡月产量（计数）",
        label_en="Output of a year of lean months, by counters",
        formula=(
            "lower quartile of the parts a day that each of the year's twelve months brought on its ordinary days"
            " (no holiday), or those of the last 90 days where fewer, x the year's ordinary days; at least: "
            "untold months made nothing"
        ),
    ),
    QuantityDefinition(
        name="lean_output_parts_by_energy_365d",
        unit=PARTS,
        window_days=QUANTITY_DAYS,
        label_zh="年淡月产量（按电耗推算）",
        label_en="Output of a year of lean months, by energy",
        formula=(
            "the same of kWh while executing / median of the daily kWh per part over the 275 days before the last 90"
        ),
    ),
    QuantityDefinition(
        name="lean_output_parts_by_hours_365d",
        unit=PARTS,
        window_days=QUANTITY_DAYS,
        label_zh="年淡月产量（按工时推算）",
        label_en="Output of a year of lean months, by hours",
        formula="the same of executing hours / median of the daily hours per part over the 275 days before the last 90",
    ),
    QuantityDefinition(
        name="revenue_by_counters_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="年产值（按计数）",
        label_en="Revenue of a year, by counters",
        formula="a year's output by counters, as far as the window's orders ask for it, at their prices, dearest first",
    ),
    QuantityDefinition(
        name="revenue_by_energy_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="年产值（按电耗推算）",
        label_en="Revenue of a year, by energy",
        formula="a year's output by energy, as far as the window's orders ask for it, at their prices, dearest first",
    ),
    QuantityDefinition(
        name="revenue_by_hours_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="年产值（按工时推算）",
        label_en="Revenue of a year, by hours",
        formula="a year's output by hours, as far as the window's orders ask for it, at their prices, dearest first",
    ),
    QuantityDefinition(
        name="lean_revenue_by_counters_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="淡月年产值（按计数）",
        label_en="Revenue of a year of lean months, by counters",
        formula=(
            "a year of lean months' output by counters, as far as the window's orders ask for it, at their "
            "prices, dearest first"
        ),
    ),
    QuantityDefinition(
        name="lean_revenue_by_energy_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="淡月年产值（按电耗推算）",
        label_en="Revenue of a year of lean months, by energy",
        formula=(
            "a year of lean months' output by energy, as far as the window's orders ask for it, at their prices, "
            "dearest first"
        ),
    ),
    QuantityDefinition(
        name="lean_revenue_by_hours_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="淡月年产值（按工时推算）",
        label_en="Revenue of a year of lean months, by hours",
        formula=(
            "a year of lean months' output by hours, as far as the window's orders ask for it, at their prices, "
            "dearest first"
        ),
    ),
    QuantityDefinition(
        name="asset_value_minor",
        unit=MONEY,
        window_days=None,
        label_zh="自有设备价值",
        label_en="Value of the machines owned",
        formula="sum of the asset values of the machines owned at as_of",
    ),
    QuantityDefinition(
        name="open_orders_strong_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="近一年未交付订单金额（优质买方）",
        label_en="Open orders of strong buyers, last year",
        formula="the part of open orders whose buyer's rated probability of default is at most the strong bound",
    ),
    QuantityDefinition(
        name="open_orders_weak_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="近一年未交付订单金额（弱买方）",
        label_en="Open orders of weak buyers, last year",
        formula="the part of open orders whose buyer's rated probability of default is above the weak bound",
    ),
    QuantityDefinition(
        name="eligible_receivables_minor_365d",
        unit=MONEY,
        window_days=QUANTITY_DAYS,
        label_zh="合格应收账款（近一年发票）",
        label_en="Eligible receivables, invoices of a year",
        formula="open invoices, not long overdue, of buyers not cross-aged, each up to its share of the whole",
    ),
    QuantityDefinition(
        name="debt_service_due_minor",
        unit=MONEY,
        window_days=None,
        label_zh="未来一年到期本息",
        label_en="Debt service of the coming year",
        formula="sum over facilities with instalments left of the level instalment x min(12, instalments left)",
    ),
    QuantityDefinition(
        name="secured_debt_minor",
        unit=MONEY,
        window_days=None,
        label_zh="设备担保债务余额",
        label_en="Outstanding debt secured by the machines",
        formula="outstanding on facilities secured by the obligor's machines",
    ),
    QuantityDefinition(
        name="fleet_value_now_minor",
        unit=MONEY,
        window_days=None,
        label_zh="设备现值（按龄期与工时）",
        label_en="Value of the machines now, by age and hours",
        formula="sum over machines owned of the value curve; at least: every hour that nobody observed was worked",
    ),
)

QUANTITIES: Mapping[str, QuantityDefinition] = MappingProxyType({item.name: item for item in _DEFINITIONS})
"""Definitions by name, in the order in which pages list them."""


def order_quantities(orders: pa.Table, deliveries: pa.Table, obligor_ids: Sequence[str]) -> dict[str, QuantityColumn]:
    """Price per part and open orders of the purchase orders given, which must all lie in the window.

    Missing as `no_source` where an obligor has no order, or orders in several currencies (they do not add up).
    """
    placed = _frame(orders, ["obligor_id", "order_id", "parts", "amount_minor", "currency"])
    delivered = _frame(deliveries, ["obligor_id", "order_id", "amount_minor"])
    sums = delivered.groupby(["obligor_id", "order_id"], as_index=False).sum()
    placed = placed.merge(sums, how="left", on=["obligor_id", "order_id"], suffixes=("", "_delivered"))
    placed["open_minor"] = (placed["amount_minor"] - placed["amount_minor_delivered"].fillna(0)).clip(lower=0)
    by_obligor = placed.groupby("obligor_id")
    totals = by_obligor[["parts", "amount_minor", "open_minor"]].sum().reindex(list(obligor_ids))
    currencies = one_currency(by_obligor).reindex(list(obligor_ids))
    parts, amount = totals["parts"].to_numpy(np.float64), totals["amount_minor"].to_numpy(np.float64)
    price = np.divide(amount, parts, out=np.full(len(parts), np.nan), where=parts > 0)
    return {
        "order_price_per_part_minor_365d": money_column(price, currencies),
        "open_orders_amount_minor_365d": money_column(totals["open_minor"].to_numpy(np.float64), currencies),
    }


REVENUES = {
    "revenue_by_counters_minor_365d": ("output_parts_90d", OUTPUT_DAYS),
    "revenue_by_energy_minor_365d": ("output_parts_by_energy_90d", OUTPUT_DAYS),
    "revenue_by_hours_minor_365d": ("output_parts_by_hours_90d", OUTPUT_DAYS),
    "lean_revenue_by_counters_minor_365d": ("lean_output_parts_365d", QUANTITY_DAYS),
    "lean_revenue_by_energy_minor_365d": ("lean_output_parts_by_energy_365d", QUANTITY_DAYS),
    "lean_revenue_by_hours_minor_365d": ("lean_output_parts_by_hours_365d", QUANTITY_DAYS),
}
"""Each revenue of a year, the output that it is made of, and the days of that."""


def revenue_quantities(
    orders: pa.Table, outputs: Mapping[str, QuantityColumn], obligor_ids: Sequence[str]
) -> dict[str, QuantityColumn]:
    """What a year of each output would fetch under the orders given, which must all lie in a year.

    A mean price would rise where cheap orders are left out. A sum over what is shown, dearest first, only falls.
    Missing for the output's reason, else as `no_source` where an obligor has no order, or orders in several currencies.
    """
    book = _frame(orders, ["obligor_id", "parts", "amount_minor", "currency"])
    currencies = one_currency(book.groupby("obligor_id")).reindex(list(obligor_ids))
    found = {}
    for name, (output, days) in REVENUES.items():
        column = outputs[output]
        money = money_column(_filled(book, column.values * QUANTITY_DAYS / days, obligor_ids), currencies)
        reasons = np.where(column.reasons == SAID, money.reasons, column.reasons).astype(np.int8)
        surely = column.values if column.least is None else column.least
        least = _filled(book, surely * QUANTITY_DAYS / days, obligor_ids)
        is_known = reasons == SAID
        found[name] = QuantityColumn(
            np.where(is_known, money.values, np.nan),
            reasons,
            money.units,
            np.where(is_known, least, np.nan),
        )
    return found


def _filled(book: pd.DataFrame, parts: Array, obligor_ids: Sequence[str]) -> Array:
    """What so many parts of each obligor (NaN: not known) would fetch if they filled its orders, dearest first."""
    firms = pd.Index(obligor_ids)
    priced = book[(book["parts"] > 0) & book["obligor_id"].isin(firms)]
    priced = priced.assign(price=lambda rows: rows["amount_minor"] / rows["parts"])
    priced = priced.sort_values(["obligor_id", "price", "parts"], ascending=[True, False, True], kind="stable")
    firm = firms.get_indexer(priced["obligor_id"])
    before = priced.groupby("obligor_id")["parts"].cumsum() - priced["parts"]
    taken = np.minimum((parts[firm] - before).clip(lower=0), priced["parts"])
    # Added up one by one: the sums of a grouped frame differ in their last bit by which other groups stand beside.
    revenue = np.bincount(firm, weights=taken * priced["price"], minlength=len(firms))
    has_orders = np.bincount(firm, minlength=len(firms)) > 0
    return np.where(has_orders & ~np.isnan(parts), revenue, np.nan)


def several_currencies(orders: pa.Table) -> dict[str, list[str]]:
    """The currencies of the obligors whose orders are in more than one."""
    found = _frame(orders, ["obligor_id", "currency"]).drop_duplicates()
    by_obligor = found.groupby("obligor_id")["currency"].agg(list)
    return {str(obligor): sorted(said) for obligor, said in by_obligor.items() if len(said) > 1}


def asset_values(machines: pa.Table, obligor_ids: Sequence[str]) -> QuantityColumn:
    """Value of the machines of each obligor: rows in the layout of `ObservationReader.machines`, owned at `as_of`."""
    owned = _frame(machines, ["obligor_id", "asset_value_minor", "currency"]).dropna()
    by_obligor = owned.groupby("obligor_id")
    total = by_obligor["asset_value_minor"].sum().reindex(list(obligor_ids)).to_numpy(np.float64)
    return money_column(total, one_currency(by_obligor).reindex(list(obligor_ids)))


def money_column(values: Array, currencies: pd.Series) -> QuantityColumn:
    """Amounts of many obligors in the one currency of each; without one they are missing."""
    known = ~np.isnan(values) & currencies.notna().to_numpy()
    units = [f"{currency}_{MONEY}" if said else MONEY for currency, said in zip(currencies, known, strict=True)]
    codes = np.where(known, SAID, reason_code(Missing.NO_SOURCE)).astype(np.int8)
    return QuantityColumn(np.where(known, values, np.nan), codes, units)


def one_currency(by_obligor: Any) -> pd.Series:
    """The one currency of each group of rows; missing where there are several."""
    found = by_obligor["currency"].agg(["nunique", "first"])
    return found["first"].where(found["nunique"] == 1)


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    return table.select(list(columns)).to_pandas()
