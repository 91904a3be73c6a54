"""A machine's day shared out to jobs, where its controller tells which program made how much for which order
or of which part.

A job takes part of what the machine itself counted, drew and executed, and never more: who tells more parts by program
than the counter has is cut to the counter. A day of a machine of which no run is told is nobody's job.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.supply_chain.purchase_order.placing import Placed, placed, with_parts

MEASURES = ("parts", "energy_executing_kwh", "executing_hours")
KEY = ["machine_uid", "day"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedOut:
    """`runs` is the work of the runs, placed on orders as far as they have one; `days` the rest of the firm's days,
    (day, measures), of machine-days of which no run is told; `by_part` the work of runs whose `part` is known, by part
    and day, whatever order it was for."""

    runs: Placed
    days: pd.DataFrame
    by_part: pd.DataFrame


def shared_out(machine_days: pd.DataFrame, runs: pd.DataFrame, orders: pd.DataFrame) -> SharedOut:
    """Share out machine-days (`KEY`, `MEASURES`; NaN where nothing was told) by runs (`KEY`, `program`, `part_number`,
    `order_id`, `parts`, `executing_seconds`) and place these on orders (`placing.ORDER_COLUMNS`)."""
    is_told = pd.MultiIndex.from_frame(machine_days[KEY]).isin(pd.MultiIndex.from_frame(runs[KEY]))
    rest = machine_days[~is_told].groupby("day")[list(MEASURES)].sum(min_count=1).reset_index()
    work = _work(machine_days, with_parts(runs))
    by_part = work.groupby(["part", "day"])[["units", "kwh", "hours"]].sum(min_count=1).reset_index()
    return SharedOut(runs=placed(work, orders), days=rest, by_part=by_part)


def _work(machine_days: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Runs with their part of the machine-day: units by parts, and energy and hours by executing seconds or, where a
    run of that machine-day tells none, by parts. Only what the machine told is shared: a run on a day without a
    machine-day is worth nothing and left out."""
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
    return told.assign(
        units=own_parts * of_counter,
        kwh=told["energy_executing_kwh"].to_numpy(np.float64) * of_time * covered,
        hours=hours * of_time * covered,
    )
