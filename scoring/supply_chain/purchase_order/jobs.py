"""A machine's day shared out to jobs, where its controller tells which program made how much for which order.

A job takes part of what the machine itself counted, drew and executed, and never more: who tells more parts by program
than the counter has is cut to the counter. A day of a machine of which no run is told is nobody's job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.supply_chain.purchase_order.order import Work

MEASURES = ("parts", "energy_executing_kwh", "executing_hours")
KEY = ["machine_uid", "day"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedOut:
    """`by_order` is the work of the runs told for each order; `days` the rest of the firm's days, (day, measures), of
    machine-days of which no run is told. Runs for no order, or an order that is not known, are in neither."""

    by_order: Mapping[str, Work]
    days: pd.DataFrame


def shared_out(machine_days: pd.DataFrame, runs: pd.DataFrame, placed: Mapping[str, pd.Timestamp]) -> SharedOut:
    """Share out machine-days (`KEY`, `MEASURES`; NaN where nothing was told) by runs (`KEY`, `order_id`, `parts`,
    `executing_seconds`): units by parts, and energy and hours by executing seconds or, where a run of that machine-day
    tells none, by parts. Only what the machine told is shared: a run on a day without a machine-day is worth nothing,
    and so is one for an order before the day on which it was `placed`."""
    told = runs.merge(machine_days[[*KEY, *MEASURES]].rename(columns={"parts": "counted"}), on=KEY, how="inner")
    by_day = told.groupby(KEY)
    parts = by_day["parts"].transform("sum").to_numpy(np.float64)
    is_timed = by_day["executing_seconds"].transform(lambda seconds: seconds.notna().all()).to_numpy(bool)
    seconds = by_day["executing_seconds"].transform("sum").to_numpy(np.float64)
    own_parts, own_seconds = told["parts"].to_numpy(np.float64), told["executing_seconds"].to_numpy(np.float64)
    of_parts = np.divide(own_parts, parts, out=np.zeros(len(told)), where=parts > 0)
    of_time = np.where(is_timed & (seconds > 0), own_seconds / np.maximum(seconds, 1e-9), of_parts)
    hours = told["executing_hours"].to_numpy(np.float64)
    # Of the machine's hours the programs took as much as they say, at most all of them.
    covered = np.where(is_timed & (hours > 0), np.minimum(1.0, seconds / 3600.0 / np.maximum(hours, 1e-9)), 1.0)
    counted = np.minimum(parts, told["counted"].to_numpy(np.float64))
    of_counter = np.divide(counted, parts, out=np.zeros(len(told)), where=parts > 0)
    begun = told["order_id"].map(dict(placed))
    work = (
        told[["order_id"]]
        .where(told["day"] >= begun)
        .assign(
            units=own_parts * of_counter,
            kwh=told["energy_executing_kwh"].to_numpy(np.float64) * of_time * covered,
            hours=hours * of_time * covered,
        )
    )
    summed = work.dropna(subset=["order_id"]).groupby("order_id")[["units", "kwh", "hours"]].sum(min_count=1)
    is_told = pd.MultiIndex.from_frame(machine_days[KEY]).isin(pd.MultiIndex.from_frame(runs[KEY]))
    rest = machine_days[~is_told].groupby("day")[list(MEASURES)].sum(min_count=1).reset_index()
    return SharedOut(
        by_order={
            str(name): Work(units=_known(row.units), kwh=_known(row.kwh), hours=_known(row.hours))
            for name, row in zip(summed.index, summed.itertuples(index=False), strict=True)
        },
        days=rest,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
