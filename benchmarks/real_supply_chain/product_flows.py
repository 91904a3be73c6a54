"""`supplygraph`: order cover out of a maker's own days of orders, production, issues and deliveries.

Each product stands as a unit of a `DailyHistory`, so that what is measured is the feature that firms are scored on, not
one written for this table. Every figure as of a day sees the days before it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.real_credit import SEED
from benchmarks.real_data import real_data
from features.daily import OwnedTime, Units, history_of
from features.history import Array, DailyHistory, Level, Measure, Window, unsaid
from features.settings import settings_at, shipped_parameters
from features.supply_chain import order_cover

FOLDER = "supplygraph"
COVER_DAYS = 90
AHEAD_DAYS = 28
STEP_DAYS = 7
DRAWS = 500
TOLD = ("order_cover", "filled", "issued", "last_to_usual")
"""Months of output on order; delivered over ordered, issued over produced, and output over the usual, of four weeks."""

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flows:
    """Units of each product on each day, (product, day); `weight` is what was delivered over all days, in tonnes."""

    products: tuple[str, ...]
    days: NDArray[np.datetime64]
    ordered: Array
    produced: Array
    issued: Array
    delivered: Array
    weight: Array


def order_cover_figures(flows: Flows) -> dict[str, Any]:
    """What order cover is, and whether it and its neighbours tell the next four weeks' output."""
    made = flows.produced.sum(axis=1) > 0
    rows = _rows(flows, np.flatnonzero(made))
    start = np.maximum(0.0, (flows.issued - flows.produced).cumsum(axis=1).max(axis=1))
    daily = flows.produced.sum(axis=1) / len(flows.days)
    needed = (start / np.where(made, daily, np.nan))[made]
    return {
        "products": len(flows.products),
        "products_made": int(made.sum()),
        "days": len(flows.days),
        "first_day": str(flows.days[0]),
        "last_day": str(flows.days[-1]),
        "delivered_of_ordered": float(flows.delivered.sum() / flows.ordered.sum()),
        "issued_of_produced": float(flows.issued.sum() / flows.produced.sum()),
        "rows": len(rows),
        "as_of_days": int(rows["day"].nunique()),
        "order_cover_months": {f"p{round(100 * q)}": float(rows["order_cover"].quantile(q)) for q in (0.1, 0.5, 0.9)},
        "opening_stock_days": {"median": float(np.median(needed)), "most": float(needed.max())},
        "tells_output_ahead": {name: _rank_correlation(rows, name) for name in TOLD},
        "order_cover_beyond_own_reversal": _rank_correlation(rows, "order_cover", beside="last_to_usual"),
        "ahead_days": AHEAD_DAYS,
    }


def read_flows() -> Flows:
    """The four tables in units, and the weight delivered. Two columns bear one product's name and are added up."""
    ordered, produced, issued, delivered = (
        _table(f"Temporal_Data_Unit_{name}.csv")
        for name in ("Sales_Order", "Production", "Factory_Issue", "Delivery_To_distributor")
    )
    weight = _table("Temporal_Data_Weight_Delivery_to_Distributor.csv")
    return Flows(
        products=tuple(ordered.index),
        days=ordered.columns.to_numpy("datetime64[D]"),
        ordered=ordered.to_numpy(np.float64),
        produced=produced.loc[ordered.index].to_numpy(np.float64),
        issued=issued.loc[ordered.index].to_numpy(np.float64),
        delivered=delivered.loc[ordered.index].to_numpy(np.float64),
        weight=weight.loc[ordered.index].sum(axis=1).to_numpy(np.float64),
    )


def open_orders(ordered: Array, delivered: Array) -> Array:
    """(product, day): what is ordered and not delivered at the end of each day, never below 0: what was open before
    the first day is not known."""
    still = np.zeros(len(ordered))
    found = np.empty_like(ordered)
    for day in range(ordered.shape[1]):
        still = np.maximum(0.0, still + ordered[:, day] - delivered[:, day])
        found[:, day] = still
    return found


def history_to(flows: Flows, days: int) -> DailyHistory:
    """The history of the products over the first `days` days: parts and open orders are said, nothing else is."""
    count = len(flows.products)
    measures = {item.name: unsaid(count, days) for item in fields(DailyHistory) if item.type == "Measure"}
    ownership = ("within_seconds", "unknown_seconds", "covered_seconds", "machine_days")
    said = {
        **{name: measure for name, measure in measures.items() if name not in ownership},
        "parts": Measure(flows.produced[:, :days]),
        "observed_seconds": Measure(np.full((count, days), SECONDS_A_DAY)),
    }
    last = np.full(count, flows.days[days - 1].astype("datetime64[D]").astype(np.int64))
    units = Units(Level.OBLIGOR, flows.products, flows.products, ("UTC",) * count, last)
    owned = OwnedTime(np.full((count, days), SECONDS_A_DAY), np.ones((count, days)))
    history = history_of(units, said, owned, recent=days)
    return replace(history, open_order_parts=Measure(open_orders(flows.ordered[:, :days], flows.delivered[:, :days])))


def _rows(flows: Flows, chosen: NDArray[np.int64]) -> pd.DataFrame:
    """Of each product that is made and each as-of day: what was known, and the output of the days ahead."""
    window = Window(days=COVER_DAYS, settings=settings_at(shipped_parameters(), datetime(2023, 8, 10, tzinfo=UTC)))
    compute: Any = order_cover.definitions[0].compute
    found = []
    for day in range(COVER_DAYS, len(flows.days) - AHEAD_DAYS + 1, STEP_DAYS):
        cover = compute(history_to(flows, day), window).values
        last = slice(day - AHEAD_DAYS, day)
        ordered, made, issued, delivered = (
            table[:, last].sum(axis=1) for table in (flows.ordered, flows.produced, flows.issued, flows.delivered)
        )
        ahead = flows.produced[:, day : day + AHEAD_DAYS].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            told = {
                "order_cover": cover,
                "filled": delivered / ordered,
                "issued": issued / made,
                "last_to_usual": made
                / (flows.produced[:, day - COVER_DAYS : day].sum(axis=1) * AHEAD_DAYS / COVER_DAYS),
                "change": (ahead - made) / (ahead + made),
            }
        found.append(pd.DataFrame({"product": np.arange(len(cover)), "day": day, **told}).iloc[chosen])
    return pd.concat(found, ignore_index=True)


def _rank_correlation(rows: pd.DataFrame, name: str, *, beside: str | None = None) -> dict[str, Any]:
    """Spearman's with the change of output ahead (`beside`: at equal ranks of that), and its 95 % interval by drawing
    products with all their days."""
    columns = [name, "change", *([beside] if beside else [])]
    known = rows[["product", *columns]].replace([np.inf, -np.inf], np.nan).dropna()
    random = np.random.default_rng(SEED)
    parts = [part[columns] for _, part in known.groupby("product")]
    drawn = []
    for _ in range(DRAWS):
        drawn.append(partial_rank(pd.concat([parts[at] for at in random.integers(0, len(parts), len(parts))])))
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return {"rows": len(known), "value": partial_rank(known[columns]), "lower": float(lower), "upper": float(upper)}


def partial_rank(columns: pd.DataFrame) -> float:
    """Rank correlation of the first two columns; with a third, of what its ranks leave of theirs."""
    first, second, *others = columns.rank().to_numpy().T
    if others:
        (other,) = others
        first, second = (ranks - np.polyval(np.polyfit(other, ranks, 1), other) for ranks in (first, second))
    return float(np.corrcoef(first, second)[0, 1])


def _table(name: str) -> pd.DataFrame:
    days = pd.read_csv(real_data(f"{FOLDER}/{name}"), index_col="Date", parse_dates=True)
    days.columns = [column.removesuffix(".1") for column in days.columns]
    return days.T.groupby(level=0).sum()
