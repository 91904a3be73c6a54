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

    def cells(self, width: int) -> tuple[Ints, Ints]:
        """The rows that lie in the last `width` columns, and the flat cell of each."""
        first = self.days - width
        rows = np.flatnonzero(self.inside & (self.column >= first))
        return rows, self.unit[rows] * width + self.column[rows] - first


def row_values(table: pa.Table, pair: Ints, zones: Sequence[str]) -> dict[str, Array]:
    """What each machine-day says of every measure, NaN where nothing. `pair` is the machine and owner of each row,
    `zones` the zone of each pair's site."""
    taken = {name: floats(table[name]) for name in (*_ALWAYS, *_SOMETIMES)}
    taken |= _paired(taken, floats(table["peak_kw"]))
    taken["repeat_fault_starts"] = _repeats(taken["fault_starts"], pair, day_numbers(table["day"]))
    started = _started(table, taken["executing_seconds"], pair, zones)
    taken["start_seconds"], taken["started_machine_days"] = started, _count(~np.isnan(started))
    return taken


def added_up(values: Mapping[str, Array], grid: Grid) -> dict[str, Measure]:
    """Every measure that machine-days add up to."""
    cells = {width: grid.cells(width) for width in {grid.days, grid.recent}}
    found = {}
    for name, own in values.items():
        width = grid.days if name in LONG_MEASURES else grid.recent
        found[name] = _added(own, *cells[width], units=grid.units, width=width, nullable=name not in ALWAYS)
    return found


def _paired(taken: dict[str, Array], peak: Array) -> dict[str, Array]:
    """The other sides of ratios: the same machine-days that said the one side."""
    executing, powered, kwh = taken["executing_seconds"], taken["powered_seconds"], taken["energy_kwh"]
    parts, plan = taken["parts"], taken["planned_seconds"]
    return {
        "peak_energy_kwh": peak * powered / _SECONDS_PER_HOUR,
        "peaked_energy_kwh": _where(peak, kwh),
        "metered_executing_seconds": np.where(np.isnan(kwh), 0.0, executing),
        "watched_executing_seconds": np.where(np.isnan(taken["fault_starts"]), 0.0, executing),
        "counted_executing_seconds": np.where(np.isnan(parts), 0.0, executing),
        "counted_executing_kwh": _where(parts, taken["energy_executing_kwh"]),
        "counted_kwh": _where(parts, kwh),
        "planned_powered_seconds": _where(plan, powered),
        "planned_executing_seconds": _where(plan, executing),
        "planned_fault_seconds": _where(plan, taken["fault_seconds"]),
        "overtime_seconds": np.maximum(executing - plan, 0.0),
        "inspected_parts": parts + taken["scrap_parts"],
        "reworked_of_parts": _where(taken["rework_parts"], parts),
        "loaded_executing_seconds": _where(taken["no_load_seconds"], executing),
        "factored_powered_seconds": _where(taken["low_power_factor_seconds"], powered),
        "load_entropy_days": _count(~np.isnan(taken["load_entropy"])),
        "alarmed_executing_seconds": _where(taken["alarm_severity"], executing),
        "clocked_machine_days": _count(~np.isnan(taken["clock_jumps"])),
        "observed_machine_days": (taken["observed_seconds"] > 0).astype(np.float64),
        "active_machine_days": (executing > 0).astype(np.float64),
    }


def _where(said: Array, values: Array) -> Array:
    """The values of the rows that said the other side, NaN in the others."""
    return np.where(np.isnan(said), np.nan, values)


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


def _added(values: Array, rows: Ints, cell: Ints, *, units: int, width: int, nullable: bool) -> Measure:
    """Sums by cell; a nullable measure is NaN in the cells in which no row says it."""
    sums = np.full(units * width, np.nan if nullable else 0.0)
    if not _add(values, rows, cell, sums) and nullable:
        return unsaid(units, width)
    return Measure(sums.reshape(units, width))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add(values: Array, rows: Ints, cell: Ints, sums: Array) -> bool:
    """Add what rows say to their cells, of which NaN is an empty one; whether any row says anything."""
    said = False
    for place in range(len(rows)):
        value = values[rows[place]]
        if not math.isnan(value):
            before = sums[cell[place]]
            sums[cell[place]] = 0.0 + value if math.isnan(before) else before + value
            said = True
    return said
