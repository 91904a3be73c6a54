"""Told machine-days as dense arrays of quarter-hours: what a fraud works on, and what reports and samples come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid
from simulator.factory.machine_month import EXECUTING, FAULT, IDLE, MAINTENANCE, OFF, SETUP, STATES
from simulator.told.reports import INSTANT, STEPS_PER_KW, STEPS_PER_KWH, source_schema
from simulator.told.samples import ITEM_STATES, MODES
from simulator.world_calendar import MICROSECONDS, QUARTER_SECONDS, QUARTERS_PER_DAY

SILENT = -1
QUARTER = QUARTER_SECONDS * MICROSECONDS
STATE_PAIRS = pa.array([f"{ITEM_STATES[code].value}/{MODES[code].value}" for code in range(len(STATES))])
ITEM_OF = np.array([sorted(set(ITEM_STATES.values())).index(ITEM_STATES[code]) for code in range(len(STATES))])
"""By state: the number of its item state."""
ELEMENTS = {
    "off_seconds": OFF,
    "fault_seconds": FAULT,
    "maintenance_seconds": MAINTENANCE,
    "setup_seconds": SETUP,
    "executing_seconds": EXECUTING,
    "idle_seconds": IDLE,
}

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Quarter-hours of some machines of a block in a month: arrays (machines, days, 96).

    `state` is a position in `STATES` or `SILENT`; `power` counts steps of `POWER_STEP_KW`; both `power` and `parts` are
    0 where the gateway was silent.
    """

    uids: tuple[MachineUid, ...]
    rows: Ints
    """(machines,): their rows in the block."""
    first_day: int
    state: Ints
    power: Ints
    parts: Ints

    @property
    def days(self) -> Ints:
        """(days,): indices of the days in the world."""
        return self.first_day + np.arange(self.state.shape[1])

    def of(self, rows: Ints) -> Bools:
        """(machines,): which of the grid's machines have these rows in the block."""
        return np.isin(self.rows, rows)

    def told(self, chosen: Bools, **values: Ints) -> Grid:
        """The grid with other values at some of its quarter-hours."""
        merged: dict[str, Any] = {name: np.where(chosen, new, getattr(self, name)) for name, new in values.items()}
        return replace(self, **merged)

    def changed_days(self, other: Grid) -> Bools:
        """(machines, days): the other grid tells something else."""
        differs = (self.state != other.state) | (self.power != other.power) | (self.parts != other.parts)
        return np.asarray(differs.any(axis=2))


def grid_of(samples: pa.Table, *, machines: Sequence[tuple[MachineUid, int]], first_day: int, midnight: Ints) -> Grid:
    """The grid of a month's samples; `midnight` (days) are the instants at which its days begin."""
    uids = tuple(uid for uid, _ in machines)
    shape = (len(uids), len(midnight), QUARTERS_PER_DAY)
    state, power, parts = np.full(shape, SILENT, dtype=np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    machine = np.asarray(pc.index_in(samples["machine_uid"], pa.array(uids, type=pa.string())), dtype=np.int64)
    time = np.asarray(samples["event_time"].cast(pa.int64()))
    day = np.searchsorted(midnight, time, side="right") - 1
    place = (machine, day, (time - midnight[day]) // QUARTER)
    words = pc.binary_join_element_wise(samples["item_state"], samples["operation_mode"], "/")
    state[place] = np.asarray(pc.index_in(words, STATE_PAIRS), dtype=np.int64)
    power[place] = np.rint(np.asarray(samples["power_kw"]) * STEPS_PER_KW).astype(np.int64)
    parts[place] = np.asarray(samples["part_delta"]).astype(np.int64)
    rows = np.array([row for _, row in machines], dtype=np.int64)
    return Grid(uids=uids, rows=rows, first_day=first_day, state=state, power=power, parts=parts)


def samples_of(grid: Grid, *, midnight: Ints) -> pa.Table:
    """The grid as samples, each recorded when its quarter of an hour ends."""
    machine, day, quarter = np.nonzero(grid.state != SILENT)
    begins = midnight[day] + quarter * QUARTER
    state = pa.array(grid.state[machine, day, quarter])
    columns = {
        "machine_uid": pa.array(grid.uids, type=pa.string()).take(pa.array(machine)),
        "event_time": pa.array(begins, type=INSTANT),
        "item_state": pa.array([ITEM_STATES[code].value for code in range(len(STATES))]).take(state),
        "operation_mode": pa.array([MODES[code].value for code in range(len(STATES))]).take(state),
        "power_kw": pa.array(grid.power[machine, day, quarter] / STEPS_PER_KW),
        "part_delta": pa.array(grid.parts[machine, day, quarter].astype(np.float64)),
        "recorded_time": pa.array(begins + QUARTER, type=INSTANT),
    }
    return pa.table(columns, schema=source_schema(RecordKind.SAMPLE, list(columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a grid's machine-days come to: (machines, days) by column of the report; whole steps until divided."""

    seconds: dict[str, NDArray[np.float64]]
    measures: dict[str, NDArray[np.float64]]
    """Unknown on a wholly silent day."""
    is_silent: Bools


def totals(grid: Grid, last_item: Ints) -> tuple[Totals, Ints]:
    """The totals of each machine-day, and the item state known last (-1: none), `last_item` being that before it."""
    counts = {name: (grid.state == state).sum(axis=2) for name, state in ELEMENTS.items()}
    counts["unknown_seconds"] = (grid.state == SILENT).sum(axis=2)
    executing, idle = (np.where(grid.state == state, grid.power, 0).sum(axis=2) for state in (EXECUTING, IDLE))
    other = grid.power.sum(axis=2) - executing - idle
    entries, changes, last = _changes(grid, last_item)
    measures = {
        "energy_kwh": grid.power.sum(axis=2) / STEPS_PER_KWH,
        "energy_executing_kwh": executing / STEPS_PER_KWH,
        "energy_idle_kwh": idle / STEPS_PER_KWH,
        "energy_other_kwh": other / STEPS_PER_KWH,
        "peak_kw": grid.power.max(axis=2) / STEPS_PER_KW,
        "parts": grid.parts.sum(axis=2).astype(np.float64),
        "fault_starts": entries,
        "state_changes": changes,
    }
    seconds = {name: count * float(QUARTER_SECONDS) for name, count in counts.items()}
    return Totals(seconds=seconds, measures=measures, is_silent=counts["unknown_seconds"] == QUARTERS_PER_DAY), last


def _changes(grid: Grid, last_item: Ints) -> tuple[Ints, Ints, Ints]:
    """(machines, days) entries into OutOfService and changes between known item states, and the last one known."""
    machines, days, quarters = grid.state.shape
    item = np.where(grid.state == SILENT, -1, ITEM_OF[grid.state]).reshape(machines, days * quarters)
    item = np.concatenate([last_item[:, None], item], axis=1)
    place = np.maximum.accumulate(np.where(item >= 0, np.arange(item.shape[1]), 0), axis=1)
    held = np.take_along_axis(item, place, axis=1)
    before, now = held[:, :-1], held[:, 1:]
    changes = (before != now) & (before >= 0)
    entries = changes & (now == ITEM_OF[FAULT])
    by_day = (machines, days, quarters)
    return entries.reshape(by_day).sum(axis=2), changes.reshape(by_day).sum(axis=2), held[:, -1]
