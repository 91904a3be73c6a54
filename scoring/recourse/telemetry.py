"""Machine-days as levers change them; seconds stay those of the day, and counters go on counting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.vocabulary import ELEMENTS
from features.machine_day.machine_days import ENERGIES, ONLY_REPORTED
from features.what_if import Told

SECONDS_PER_HOUR = 3600.0
WORK = ("setup_seconds", "executing_seconds", "idle_seconds")
FLOWS = ("energy_executing_kwh", "energy_idle_kwh", "no_load_seconds", "low_power_factor_seconds")
COUNTS = ("parts", "scrap_parts", "rework_parts", "tool_changes")
KNOWN = tuple(element for element in ELEMENTS if element != "unknown_seconds")
NEIGHBOUR_WEEKS = 5
"""A day that was not told at all is filled by days of its weekday at most so many weeks away."""
NEIGHBOURS = 3
ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """What was told after a change of machine-days, and what the change made more: parts and kWh of each day (both by
    day), executing hours; and the seconds of fault that it took away."""

    told: Told
    more: pd.DataFrame
    hours: float
    freed_seconds: float

    @property
    def parts(self) -> float:
        """Parts made more."""
        return float(self.more["parts"].sum())


def longer_days(told: Told, share: float, days: int) -> Made:
    """Everything that machines do on a working day takes longer by `share`, as far as the day has time off. Faults come
    with the hours."""
    rows = told.machine_days
    recent = recent_rows(told, days)
    busy = rows[[*WORK, "fault_seconds"]].sum(axis=1).to_numpy()
    room = np.divide(rows["off_seconds"].to_numpy(), busy, out=np.zeros(len(rows)), where=busy > 0)
    growth = 1.0 + np.where(recent & (rows["executing_seconds"].to_numpy() > 0), np.minimum(share, room), 0.0)
    changed = rows.copy()
    changed["off_seconds"] = rows["off_seconds"] - busy * (growth - 1.0)
    changed["fault_seconds"] = rows["fault_seconds"] * growth
    for name in ("fault_starts", "state_changes"):
        changed[name] = _recounted(rows, name, growth)
    changed["alarm_severity"] = rows["alarm_severity"] * growth
    changed["planned_seconds"] = rows["planned_seconds"] * growth
    return _made(told, _worked(changed, rows, growth), freed_seconds=0.0)


def fewer_faults(told: Told, share: float, days: int, *, works: bool) -> Made:
    """A `share` of the time in fault and of its starts does not happen. If `works`, the time is spent as the rest of
    that day's work was, else off."""
    rows = told.machine_days
    recent = recent_rows(told, days)
    freed = np.where(recent, rows["fault_seconds"].to_numpy() * share, 0.0)
    busy = rows[list(WORK)].sum(axis=1).to_numpy()
    used = np.where(works & (rows["executing_seconds"].to_numpy() > 0), freed, 0.0)
    growth = 1.0 + np.divide(used, busy, out=np.zeros(len(rows)), where=busy > 0)
    changed = rows.copy()
    changed["fault_seconds"] = rows["fault_seconds"] - freed
    changed["off_seconds"] = rows["off_seconds"] + freed - used
    left = 1.0 - np.where(recent, share, 0.0)
    changed["fault_starts"] = _recounted(rows, "fault_starts", left)
    changed["alarm_severity"] = rows["alarm_severity"] * left
    return _made(told, _worked(changed, rows, growth), freed_seconds=float(freed.sum()))


def filled_gaps(told: Told, share: float, days: int) -> Told | None:
    """A `share` of the unobserved time of each day is told, and is as the rest of that day was; of days that were not
    told at all a share is told, each as the days of its weekday around it. None where nothing is missing."""
    rows = told.machine_days
    recent = recent_rows(told, days)
    known = rows[list(KNOWN)].sum(axis=1).to_numpy()
    missing = np.where(recent & (known > 0), rows["unknown_seconds"].to_numpy() * share, 0.0)
    growth = 1.0 + np.divide(missing, known, out=np.zeros(len(rows)), where=known > 0)
    whole = _missing_days(told, share, days)
    silent = np.where(recent, (rows["observed_seconds"] - rows["sampled_seconds"]).to_numpy() * share, 0.0)
    if not (missing > 1.0).any() and not (silent > 1.0).any() and whole.empty:
        return None
    changed = _worked(rows.copy(), rows, growth)
    for name in ("off_seconds", "fault_seconds", "maintenance_seconds"):
        changed[name] = rows[name] * growth
    for name in ("fault_starts", "state_changes"):
        changed[name] = _recounted(rows, name, growth)
    changed["unknown_seconds"] = rows["unknown_seconds"] - missing
    changed["sampled_seconds"] = rows["sampled_seconds"] + silent + missing
    filled = pd.concat([totals(changed), whole], ignore_index=True) if len(whole) else totals(changed)
    filled = filled.sort_values(["machine_uid", "obligor_id", "day"], kind="stable", ignore_index=True)
    return replace(told, machine_days=filled)


def recent_rows(told: Told, days: int) -> NDArray[np.bool_]:
    """Which machine-days lie in the last `days` complete days."""
    first = first_of(told, days)
    day = told.machine_days["day"]
    return np.asarray((day >= first) & (day <= told.last_day), dtype=np.bool_)


def first_of(told: Told, days: int) -> date:
    """The first of the last `days` complete days."""
    return told.last_day - timedelta(days=days - 1)


def _worked(changed: pd.DataFrame, rows: pd.DataFrame, growth: Floats) -> pd.DataFrame:
    """Work, what it draws and what it makes, grown day by day; the hour meter goes with the hours."""
    for name in (*WORK, *FLOWS):
        changed[name] = rows[name] * growth
    for name in COUNTS:
        changed[name] = _recounted(rows, name, growth)
    hours = rows["executing_seconds"].to_numpy() * (growth - 1.0) / SECONDS_PER_HOUR
    changed["hour_meter_hours"] = hours_later(rows, hours)
    changed["energy_kwh"] = rows["energy_kwh"] + sum(
        (changed[name] - rows[name]).fillna(0.0) for name in ("energy_executing_kwh", "energy_idle_kwh")
    )
    return changed


def hours_later(rows: pd.DataFrame, hours: Floats) -> pd.Series:
    """The hour meter's readings where each machine has worked so many `hours` more on each day."""
    return rows["hour_meter_hours"] + pd.Series(hours, index=rows.index).groupby(_machine(rows)).cumsum()


def _made(told: Told, changed: pd.DataFrame, *, freed_seconds: float) -> Made:
    rows = told.machine_days
    changed = totals(changed)
    more = pd.DataFrame(
        {
            "day": rows["day"],
            "parts": (changed["parts"] - rows["parts"]).fillna(0.0),
            "energy_kwh": (changed["energy_kwh"] - rows["energy_kwh"]).fillna(0.0),
        }
    )
    hours = (changed["executing_seconds"] - rows["executing_seconds"]).sum() / SECONDS_PER_HOUR
    return Made(
        told=replace(told, machine_days=changed),
        more=more.groupby("day", as_index=False).sum(),
        hours=float(hours),
        freed_seconds=freed_seconds,
    )


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that follow from others: sums, and a first start that leaves room for the day's work."""
    powered = rows[["fault_seconds", "maintenance_seconds", *WORK]].sum(axis=1)
    observed = rows[list(KNOWN)].sum(axis=1)
    whole = observed + rows["unknown_seconds"]
    starts = rows["first_start_seconds"]
    return rows.assign(
        first_start_seconds=np.minimum(starts, whole - rows["executing_seconds"]),  # who works longer starts sooner
        powered_seconds=powered,
        observed_seconds=observed,
        sampled_seconds=np.minimum(rows["sampled_seconds"], observed),
        coverage=(observed / whole).where(whole > 0),
    )


def _recounted(rows: pd.DataFrame, name: str, growth: Floats) -> pd.Series:
    """Whole counts that have grown: each machine's running total is rounded (of faults, up), so that little is lost by
    the day. Unsaid stays so, and what does not grow stays what it is."""
    said = rows[name].astype(np.float64)
    machine = _machine(rows)
    beyond = (said.fillna(0.0) * (growth - 1.0)).groupby(machine).cumsum()
    beyond = np.ceil(beyond - ROUNDING) if name == "fault_starts" else beyond.round()
    return said + beyond.groupby(machine).diff().fillna(beyond)


def _machine(rows: pd.DataFrame) -> NDArray[np.int64]:
    codes, _ = pd.factorize(rows["machine_uid"])
    return np.asarray(codes, dtype=np.int64)


def _missing_days(told: Told, share: float, days: int) -> pd.DataFrame:
    """Rows for a share of the days on which nothing was told of a machine that was heard before and after them, or
    that the obligor still has."""
    rows = told.machine_days
    made = []
    for uid in told.machine_uids:
        own = rows[rows["machine_uid"] == uid]
        said = set(own["day"])
        first = max(first_of(told, days), own["day"].min() if len(own) else told.last_day)
        absent = [
            day
            for day in (first + timedelta(days=n) for n in range((told.last_day - first).days + 1))
            if day not in said
        ]
        chosen = [day for n, day in enumerate(absent) if int((n + 1) * share) > int(n * share)]
        made += [row for day in chosen if (row := _like_its_neighbours(own, day)) is not None]
    return pd.DataFrame(made, columns=rows.columns).astype(rows.dtypes.to_dict()) if made else rows.iloc[:0]


def _like_its_neighbours(own: pd.DataFrame, day: date) -> dict[str, object] | None:
    """A day as the mean of the nearest days of its weekday of which all was told; None where there is none."""
    apart = own["day"].map(lambda other: abs((other - day).days))
    alike = own[(apart % 7 == 0) & (apart <= 7 * NEIGHBOUR_WEEKS) & (own["unknown_seconds"] < 1.0)]
    if alike.empty:
        return None
    near = alike.loc[apart[alike.index].sort_values(kind="stable").index[:NEIGHBOURS]]
    row: dict[str, object] = {**near.iloc[0].to_dict(), "day": day, "first_sample": pd.NaT, "last_sample": pd.NaT}
    for name in (*ELEMENTS, "powered_seconds", "observed_seconds", *ENERGIES, *ONLY_REPORTED):
        row[name] = float(near[name].mean())
    for name in (*COUNTS, "fault_starts", "state_changes"):
        mean = near[name].astype(np.float64).mean()
        row[name] = mean if np.isnan(mean) else float(round(mean))
    return {**row, "peak_kw": float(near["peak_kw"].max()), "hour_meter_hours": np.nan, "coverage": 1.0,
            "sampled_seconds": row["observed_seconds"]}  # fmt: skip
