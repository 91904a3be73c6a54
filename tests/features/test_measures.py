"""What machine-days add up to, against the same written plainly: every measure row by row, then sums cell by cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from day_tables import FULL, back, day
from sample_tables import MACHINE, SHANGHAI

from features.history import LONG_MEASURES, Array
from features.machine_day.arrow import floats
from features.machine_day.machine_days import SCHEMA
from features.measures import ALWAYS, Grid, added_up, row_values

UNITS, DAYS, RECENT = 4, 40, 25
SAID_BY_SOME = (
    "energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh", "peak_kw", "parts", "fault_starts",
    "planned_seconds", "scrap_parts", "rework_parts", "tool_changes", "hour_meter_hours", "no_load_seconds",
    "low_power_factor_seconds", "load_entropy", "alarm_severity", "clock_jumps", "first_start_seconds",
)  # fmt: skip
BESIDE = {
    "peaked_energy_kwh": ("energy_kwh", "peak_kw"),
    "counted_executing_kwh": ("energy_executing_kwh", "parts"),
    "counted_kwh": ("energy_kwh", "parts"),
    "planned_powered_seconds": ("powered_seconds", "planned_seconds"),
    "planned_executing_seconds": ("executing_seconds", "planned_seconds"),
    "planned_fault_seconds": ("fault_seconds", "planned_seconds"),
    "reworked_of_parts": ("parts", "rework_parts"),
    "loaded_executing_seconds": ("executing_seconds", "no_load_seconds"),
    "factored_powered_seconds": ("powered_seconds", "low_power_factor_seconds"),
    "alarmed_executing_seconds": ("executing_seconds", "alarm_severity"),
    "metered_executing_seconds": ("executing_seconds", "energy_kwh"),
    "watched_executing_seconds": ("executing_seconds", "fault_starts"),
    "counted_executing_seconds": ("executing_seconds", "parts"),
}


@pytest.mark.parametrize("seed", range(6))
def test_every_sum_is_that_of_the_plain_form_to_the_last_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    machines = 9
    table = _table(random, machines=machines, silent=random.choice(SAID_BY_SOME, 5, replace=False))
    if seed % 2:
        table = table.take(pa.array(random.permutation(len(table))))  # rows in no order: runs of one row
    machine = np.array([int(uid[-1]) for uid in table["machine_uid"].to_pylist()])
    column = np.array([(when - back(DAYS - 1)).days for when in table["day"].to_pylist()])
    unit = np.append(random.integers(-1, UNITS, machines - 1), 0)[machine]
    inside = (unit >= 0) & (column >= 0) & (column < DAYS)
    grid = Grid(units=UNITS, days=DAYS, recent=RECENT, unit=unit, column=column, inside=inside)
    found = added_up(row_values(table, machine, [SHANGHAI] * machines), grid)
    plain = _plain(table)
    assert len(plain) == len(found) - 1  # the repeats have a test of their own
    for name, values in plain.items():
        width = DAYS if name in LONG_MEASURES else RECENT
        expected = _summed(values, grid, width, nullable=name not in ALWAYS)
        assert found[name].values.tobytes() == expected.tobytes(), name
    assert any(np.isnan(found[name].values).all() for name in found)
    assert np.isnan(plain["planned_seconds"]).any()


def test_no_rows_say_nothing() -> None:
    nowhere = np.array([], dtype=np.int64)
    grid = Grid(units=1, days=3, recent=2, unit=nowhere, column=nowhere, inside=nowhere.astype(np.bool_))
    found = added_up(row_values(SCHEMA.empty_table(), nowhere, []), grid)
    assert found["executing_seconds"].values.tolist() == [[0, 0, 0]]
    assert np.isnan(found["start_seconds"].values).all()


def _table(random: np.random.Generator, *, machines: int, silent: Array) -> pa.Table:
    """Days of each machine, some beyond the grid, some missing; every number one that no sum holds exactly."""
    rows = []
    for machine in range(machines):
        for ago in range(DAYS + 3, -3, -1):
            if random.random() < 0.1:
                continue
            shares = random.dirichlet(np.ones(5)) * FULL
            said = {name: float(random.random() * 7) for name in SAID_BY_SOME if random.random() < 0.7}
            said |= {"fault_starts": int(random.integers(0, 3))} if "fault_starts" in said else {}
            said = {name: value for name, value in said.items() if name not in silent}
            elements = dict(zip(("off", "fault", "executing", "idle"), shares, strict=False))
            rows.append(day(back(ago), machine=f"{MACHINE}{machine}", **elements, **said))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _plain(table: pa.Table) -> dict[str, Array]:
    """Each measure as an array of rows, NaN where nothing is said."""
    own = {name: floats(table[name]) for name in table.column_names if pa.types.is_floating(table[name].type)}
    own["fault_starts"] = floats(table["fault_starts"])
    return {
        **{name: own[name] for name in _as_reported(own)},
        **{name: np.where(np.isnan(own[beside]), np.nan, own[value]) for name, (value, beside) in BESIDE.items()},
        "peak_energy_kwh": own["peak_kw"] * own["powered_seconds"] / 3_600,
        "overtime_seconds": np.maximum(own["executing_seconds"] - own["planned_seconds"], 0.0),
        "inspected_parts": own["parts"] + own["scrap_parts"],
        "load_entropy_days": np.where(np.isnan(own["load_entropy"]), np.nan, 1.0),
        "clocked_machine_days": np.where(np.isnan(own["clock_jumps"]), np.nan, 1.0),
        "observed_machine_days": np.where(own["observed_seconds"] > 0, 1.0, 0.0),
        "active_machine_days": np.where(own["executing_seconds"] > 0, 1.0, 0.0),
        "start_seconds": own["first_start_seconds"],
        "started_machine_days": np.where(np.isnan(own["first_start_seconds"]), np.nan, 1.0),
    }


def _as_reported(own: Mapping[str, Array]) -> set[str]:
    """What is added up as it is reported."""
    return own.keys() - {"unknown_seconds", "coverage", "peak_kw", "first_start_seconds"}


def _summed(values: Array, grid: Grid, width: int, *, nullable: bool) -> Array:
    """Sums by unit and day, one row after the other."""
    sums = np.zeros((grid.units, width))
    told = np.zeros((grid.units, width), dtype=np.bool_)
    first = grid.days - width
    for row in np.flatnonzero(grid.inside & (grid.column >= first) & ~np.isnan(values)):
        cell = grid.unit[row], grid.column[row] - first
        sums[cell] += values[row]
        told[cell] = True
    return np.where(told, sums, np.nan) if nullable else sums
