"""Counters and days that contradict themselves: the hour meter, and days that no machine can have had."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.data_trust.measured import NO_DAY, Bools, Floats, Measured, ever, largest
from features.data_trust.told import Told, or_nothing

METER_RESOLUTION_HOURS = 0.5
NEW_METER_HOURS, NEW_METER_COUNTS_HOURS = 24.0, 1.5
"""A reading under a day may be a new meter's: it asks for the paper of its exchange, no more."""
MEAN_OVER_PEAK = 1.001
"""Mean power of executing over the day's largest, beyond rounding."""
LONGEST_DAY_SECONDS = 90_000.0
"""That of a day on which clocks are turned back."""
_HOUR = 3600.0


def hour_meter_back(told: Told) -> Measured:
    """The largest fall of the hour meter from one reading to the next, in hours: it counts hours since the machine was
    new and cannot fall."""
    reading = told.measures["hour_meter_hours"]
    before = _carried(reading)[:, :-1]
    fall = np.where(np.isnan(reading[:, 1:]), np.nan, before - reading[:, 1:])
    fall = np.where(reading[:, 1:] < NEW_METER_HOURS, np.minimum(fall, NEW_METER_COUNTS_HOURS), fall)
    value, place = largest(fall)
    row = np.arange(len(value))
    return Measured(
        statistic=np.where(np.isnan(value), np.nan, np.maximum(value - METER_RESOLUTION_HOURS, 0.0)),
        since=np.where(np.isnan(value), NO_DAY, place + 1),
        has_source=ever(reading),
        evidence={"before_hours": before[row, place], "after_hours": reading[row, place + 1]}
        if reading.shape[1] > 1
        else {},
    )


def hour_meter_differs(told: Told) -> Measured:
    """Hours that the meter gained on days between two readings of which every second was observed, against the
    executing hours told of them: their difference as a share of the hours told."""
    reading, seconds = told.measures["hour_meter_hours"], told.measures["executing_seconds"]
    gained = np.diff(reading, axis=1)
    whole = (told.measures["unknown_seconds"][:, 1:] == 0) & ~np.isnan(gained) & (gained >= 0)
    executed = np.where(whole, or_nothing(seconds[:, 1:]) / _HOUR, 0.0)
    differing = np.where(whole, np.abs(gained - executed), 0.0)
    beyond = np.where(differing > METER_RESOLUTION_HOURS, differing, 0.0)
    hours = executed.sum(axis=1)
    enough = hours > 0
    return Measured(
        statistic=np.where(enough, beyond.sum(axis=1) / np.where(enough, hours, 1.0), np.nan),
        since=np.where(enough & beyond.any(axis=1), beyond.astype(bool).argmax(axis=1) + 1, NO_DAY),
        has_source=ever(reading),
        evidence={
            "differing_hours": beyond.sum(axis=1),
            "executing_hours": hours,
            "days": beyond.astype(bool).sum(axis=1).astype(np.float64),
        },
    )


def impossible_days(told: Told) -> Measured:
    """The share of a machine's working days that cannot be, each for one of the reasons of `_contradictions`."""
    measures = told.measures
    found = _contradictions(measures)
    impossible = np.logical_or.reduce(list(found.values()))
    working = (or_nothing(measures["executing_seconds"]) > 0) | impossible
    count = working.sum(axis=1)
    return Measured(
        statistic=np.where(count > 0, impossible.sum(axis=1) / np.maximum(count, 1), np.nan),
        since=np.where(impossible.any(axis=1), impossible.argmax(axis=1), NO_DAY),
        has_source=ever(measures["energy_executing_kwh"]) | ever(measures["parts"]),
        evidence={
            name: days.sum(axis=1).astype(np.float64) for name, days in (found | {"working_days": working}).items()
        },
    )


def _contradictions(measures: Mapping[str, Floats]) -> dict[str, Bools]:
    """(row, day) by what no machine can have had on one day: a mean power above the day's largest; good parts or scrap
    where nothing executed or was set up; tools that the controller changed while it was off; and starts that cannot be:
    so late that the work told does not fit after them, on a day without work, or more into faults than the state
    changed at all. Of days not wholly observed only what the hidden hours do not explain."""
    executing = or_nothing(measures["executing_seconds"])
    whole = measures["unknown_seconds"] == 0
    mean = measures["energy_executing_kwh"] * _HOUR / np.where(executing > 0, executing, np.nan)
    no_work = (executing + or_nothing(measures["setup_seconds"]) == 0) & whole
    start = measures["first_start_seconds"]
    return {
        "mean_above_peak_days": mean > measures["peak_kw"] * MEAN_OVER_PEAK,
        "parts_without_work_days": (measures["parts"] > 0) & no_work,
        "scrap_without_work_days": (measures["scrap_parts"] > 0) & no_work,
        "tools_without_power_days": _while_off(measures, (measures["tool_changes"] > 0) & no_work),
        "impossible_start_days": (start + executing > LONGEST_DAY_SECONDS)
        | ((start >= 0) & (executing == 0) & whole)
        | (measures["fault_starts"] > measures["state_changes"]),
    }


def _while_off(measures: Mapping[str, Floats], days: Bools) -> Bools:
    """Those of these days without work on which the machine had no power either; most books have none to look at."""
    if not days.any():
        return days
    awake = sum(or_nothing(measures[f"{name}_seconds"]) for name in ("idle", "fault", "maintenance"))
    return np.asarray(days & (awake == 0))


def _carried(values: Floats) -> Floats:
    """Each value, or the last one before it that was told."""
    place = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(values.shape[1])), axis=1)
    return np.asarray(np.take_along_axis(values, place, axis=1))
