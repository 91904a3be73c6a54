"""What machine-days add up to: the measures of a history, from rows to (unit, day) sums."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.history import LONG_MEASURES, Array, Measure, unsaid
from features.machine_day.arrow import day_numbers, encoded, floats, micros
from features.machine_day.days import MICROS_PER_SECOND, local_days
from features.machine_day.machine_days import COVERAGE_SILENCE_MEANS_OFF, ENERGIES

Ints = NDArray[np.int64]

REPEAT_DAYS = 3
"""A fault start within so many days (72 hours) of an earlier one of the same machine is a repeat."""

_SECONDS_PER_HOUR = 3600.0
_ALWAYS = (
    "off_seconds",
    "fault_seconds",
    "maintenance_seconds",
    "setup_seconds",
    "executing_seconds",
    "idle_seconds",
    "powered_seconds",
    "observed_seconds",
    "sampled_seconds",
)
"""Measures that every machine-day says: 0 where there is none."""

_COUNTED = (
    "metered_executing_seconds",
    "watched_executing_seconds",
    "counted_executing_seconds",
    "observed_machine_days",
    "active_machine_days",
)

ALWAYS = frozenset({*_ALWAYS, *_COUNTED})
"""Measures that are 0, not unsaid, on a day without a machine-day."""
"""Measures derived from those, which are 0 too."""

_SOMETIMES = (
    *ENERGIES,
    "parts",
    "fault_starts",
    "planned_seconds",
    "scrap_parts",
    "rework_parts",
    "tool_changes",
    "hour_meter_hours",
    "no_load_seconds",
    "low_power_factor_seconds",
    "load_entropy",
    "alarm_severity",
    "clock_jumps",
)

_BESIDE = {
    "peaked_energy_kwh": ("energy_kwh", "peak_kw"),
    "metered_executing_seconds": ("executing_seconds", "energy_kwh"),
    "watched_executing_seconds": ("executing_seconds", "fault_starts"),
    "counted_executing_seconds": ("executing_seconds", "parts"),
    "counted_executing_kwh": ("energy_executing_kwh", "parts"),
    "counted_kwh": ("energy_kwh", "parts"),
    "planned_powered_seconds": ("powered_seconds", "planned_seconds"),
    "planned_executing_seconds": ("executing_seconds", "planned_seconds"),
    "planned_fault_seconds": ("fault_seconds", "planned_seconds"),
    "reworked_of_parts": ("parts", "rework_parts"),
    "loaded_executing_seconds": ("executing_seconds", "no_load_seconds"),
    "factored_powered_seconds": ("powered_seconds", "low_power_factor_seconds"),
    "alarmed_executing_seconds": ("executing_seconds", "alarm_severity"),
}
"""The other sides of ratios: the values of the one measure, of the machine-days that said the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where machine-days go: the unit and the column of each row, and whether it lies inside at all. Of `days`
    columns the last `recent` hold the measures that are not long."""

    units: int
    days: int
    recent: int
    unit: Ints
    column: Ints
    inside: NDArray[np.bool_]

    def runs(self, width: int) -> Ints:
        """The rows that lie in the last `width` columns, as runs (first row, first flat cell, length) in the order of
        rows: within one, each row goes one cell further than the row before it."""
        first = self.days - width
        rows = np.flatnonzero(self.inside & (self.column >= first))
        cells = self.unit[rows] * width + self.column[rows] - first
        starts = np.flatnonzero(np.append(True, (np.diff(rows) != 1) | (np.diff(cells) != 1))[: len(rows)])
        return np.column_stack((rows[starts], cells[starts], np.diff(starts, append=len(rows))))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What each row says of a measure: `values` of the rows in which `beside` is said too. NaN is nothing."""

    values: Array
    beside: Array

    @classmethod
    def alone(cls, values: Array) -> Said:
        """Of every row that has a value."""
        return cls(values, values)


def row_values(table: pa.Table, pair: Ints, zones: Sequence[str]) -> dict[str, Said]:
    """What each machine-day says of every measure. `pair` is the machine and owner of each row,
    `zones` the zone of each pair's site."""
    taken = {name: floats(table[name]) for name in (*_ALWAYS, *_SOMETIMES, "peak_kw")}
    started = _started(table, taken["executing_seconds"], pair, zones)
    said = {
        **{name: taken[name] for name in (*_ALWAYS, *_SOMETIMES)},
        **_derived(taken),
        "repeat_fault_starts": _repeats(taken["fault_starts"], pair, day_numbers(table["day"])),
        "start_seconds": started,
        "started_machine_days": _count(~np.isnan(started)),
    }
    alone = {name: Said.alone(values) for name, values in said.items()}
    return alone | {name: Said(taken[value], taken[beside]) for name, (value, beside) in _BESIDE.items()}


def added_up(values: Mapping[str, Said], grid: Grid) -> dict[str, Measure]:
    """Every measure that machine-days add up to."""
    runs = {width: grid.runs(width) for width in {grid.days, grid.recent}}
    found = {}
    for name, own in values.items():
        width = grid.days if name in LONG_MEASURES else grid.recent
        found[name] = _added(own, runs[width], units=grid.units, width=width, nullable=name not in ALWAYS)
    return found


def _derived(taken: Mapping[str, Array]) -> dict[str, Array]:
    """What is reckoned row by row from several measures."""
    executing, parts = taken["executing_seconds"], taken["parts"]
    return {
        "peak_energy_kwh": taken["peak_kw"] * taken["powered_seconds"] / _SECONDS_PER_HOUR,
        "overtime_seconds": np.maximum(executing - taken["planned_seconds"], 0.0),
        "inspected_parts": parts + taken["scrap_parts"],
        "load_entropy_days": _count(~np.isnan(taken["load_entropy"])),
        "clocked_machine_days": _count(~np.isnan(taken["clock_jumps"])),
        "observed_machine_days": (taken["observed_seconds"] > 0).astype(np.float64),
        "active_machine_days": (executing > 0).astype(np.float64),
    }


def _count(rows: NDArray[np.bool_]) -> Array:
    """1 in these rows, NaN in the others."""
    return np.where(rows, 1.0, np.nan)


def _repeats(starts: Array, pair: Ints, day: Ints) -> Array:
    """Fault starts of each row that follow another one of the same machine and owner within `REPEAT_DAYS`."""
    repeats = np.where(np.isnan(starts), np.nan, np.maximum(starts - 1.0, 0.0))
    faulty = np.flatnonzero(starts > 0)
    faulty = faulty[np.lexsort((day[faulty], pair[faulty]))]
    before, after = faulty[:-1], faulty[1:]
    close = after[(pair[after] == pair[before]) & (day[after] - day[before] <= REPEAT_DAYS)]
    repeats[close] = starts[close]
    return repeats


def _started(table: pa.Table, executing: Array, pair: Ints, zones: Sequence[str]) -> Array:
    """Seconds from local midnight to the first start: as reported, or, where silence means off and so the first sample
    is the switching on, of the first sample of a day with execution."""
    started = np.array(floats(table["first_start_seconds"]))
    if table["first_sample"].null_count == len(table):
        return started
    words, basis = encoded(table["coverage_basis"])
    silent = basis == (words.index(COVERAGE_SILENCE_MEANS_OFF) if COVERAGE_SILENCE_MEANS_OFF in words else -1)
    rows = np.flatnonzero(silent & (executing > 0) & table["first_sample"].is_valid().to_numpy())
    if not len(rows):
        return started
    instants, day = micros(table["first_sample"].take(pa.array(rows))), day_numbers(table["day"])[rows]
    zone_of_row = np.array(zones)[pair[rows]]
    for zone in np.unique(zone_of_row):
        own = zone_of_row == zone
        calendar = local_days(str(zone), int(day[own].min()), int(day[own].max()))
        started[rows[own]] = (instants[own] - calendar.starts(day[own])) / MICROS_PER_SECOND
    return started


def _added(said: Said, runs: Ints, *, units: int, width: int, nullable: bool) -> Measure:
    """Sums by cell; a nullable measure is NaN in the cells in which no row says it."""
    if nullable and not _any_said(said.values, said.beside, runs):
        return unsaid(units, width)
    sums = np.full(units * width, np.nan if nullable else 0.0)
    _add(said.values, said.beside, runs, sums)
    return Measure(sums.reshape(units, width))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _any_said(values: Array, beside: Array, runs: Ints) -> bool:
    """Whether any row of the runs says anything."""
    for run in range(len(runs)):
        for row in range(runs[run, 0], runs[run, 0] + runs[run, 2]):
            if not (math.isnan(values[row]) or math.isnan(beside[row])):
                return True
    return False


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add(values: Array, beside: Array, runs: Ints, sums: Array) -> None:
    """Add what rows say to their cells, of which NaN is an empty one, in the order of rows.

    The cells of a run differ, so that processors add several at once: hence no branches."""
    for run in range(len(runs)):
        row, cell, length = runs[run]
        own, other, into = values[row : row + length], beside[row : row + length], sums[cell : cell + length]
        for at in range(length):
            value, before = own[at], into[at]
            added = (0.0 if math.isnan(before) else before) + value
            into[at] = before if math.isnan(value) | math.isnan(other[at]) else added
