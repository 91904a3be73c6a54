"""Samples: machine-days laid out in rows of 15 minutes that roll up to exactly their daily reports."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.vocabulary import ItemState, OperationMode
from simulator.factory.machine_month import (
    EXECUTING,
    FAULT,
    IDLE,
    MAINTENANCE,
    OFF,
    SETUP,
    STATES,
    MachineMonth,
    day_blocks,
)
from simulator.factory.machines import Machines
from simulator.told.reports import INSTANT, STEPS_PER_KW, source_schema
from simulator.world_calendar import MICROSECONDS, QUARTER_SECONDS, QUARTERS_PER_DAY, Calendar

ITEM_STATES = {
    OFF: ItemState.NOT_AVAILABLE,
    SETUP: ItemState.EXECUTING,
    EXECUTING: ItemState.EXECUTING,
    FAULT: ItemState.OUT_OF_SERVICE,
    IDLE: ItemState.NOT_EXECUTING,
    MAINTENANCE: ItemState.NOT_EXECUTING,
}
MODES = {
    OFF: OperationMode.NONE,
    SETUP: OperationMode.SETUP,
    EXECUTING: OperationMode.PROCESSING,
    FAULT: OperationMode.NONE,
    IDLE: OperationMode.NONE,
    MAINTENANCE: OperationMode.MAINTENANCE,
}

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Ints = NDArray[np.int64]


def sample_table(
    month: MachineMonth, machines: Machines, calendar: Calendar, *, firms: Ints, first_day: int
) -> pa.Table:
    """Samples of the machines of `firms` on the days of the month from `first_day`, by machine and time.

    A row says what the machine did in the 15 minutes that begin at its event_time, and is recorded when they end. A
    silent quarter-hour has no row.
    """
    wanted = np.isin(machines.firm, firms)[:, None] & (month.month.days >= first_day)[None, :]
    machine, column = np.nonzero(wanted & month.is_reported)
    codes = lay_out(month, machine, column)
    told = _told(month, machine, column)
    power = _power(month, machines, machine=machine, column=column, codes=codes, told=told)
    parts = _parts(month.parts_seen[machine, column], (codes == EXECUTING) & told)
    row, quarter = np.nonzero(told)
    state = pa.array(codes[row, quarter].astype(np.int64))
    midnight = calendar.midnight(month.month.days)[column]
    begins = midnight[row] + quarter * (QUARTER_SECONDS * MICROSECONDS)
    columns = {
        "machine_uid": pa.array(machines.uids).take(pa.array(machine[row])),
        "event_time": pa.array(begins, type=INSTANT),
        "item_state": pa.array([ITEM_STATES[code].value for code in range(len(STATES))]).take(state),
        "operation_mode": pa.array([MODES[code].value for code in range(len(STATES))]).take(state),
        "power_kw": pa.array(power[row, quarter] / STEPS_PER_KW),
        "part_delta": pa.array(parts[row, quarter].astype(np.float64)),
        "recorded_time": pa.array(begins + QUARTER_SECONDS * MICROSECONDS, type=INSTANT),
    }
    return pa.table(columns, schema=source_schema(RecordKind.SAMPLE, list(columns)))


def lay_out(month: MachineMonth, machine: Ints, column: Ints) -> Codes:
    """(machine-days, 96): the state of each quarter-hour. Failures lie apart from each other inside executing time."""
    done = month.done[:, machine, column]
    states, ends = day_blocks(done, month.start_quarter[machine])
    quarter = np.arange(QUARTERS_PER_DAY)
    block = (quarter[None, :, None] >= ends.T[:, None, :]).sum(axis=2)
    codes: Codes = states[block].astype(np.int8)
    starts = month.fault_starts[machine, column]
    for row in np.flatnonzero(starts):
        counts = (int(done[EXECUTING, row]), int(done[FAULT, row]), int(starts[row]))
        codes[row, codes[row] == EXECUTING] = interleave(*counts)
    return codes


def interleave(executing: int, fault: int, starts: int) -> Codes:
    """Quarter-hours of execution broken by `starts` failures of together `fault` quarter-hours, as evenly as it goes.

    Needs executing > starts and fault >= starts, so that every failure stands between executing quarter-hours.
    """
    assert executing > starts
    assert fault >= starts
    runs = np.diff(np.arange(starts + 2) * executing // (starts + 1))
    stops = np.diff(np.arange(starts + 1) * fault // starts)
    lengths = np.empty(2 * starts + 1, dtype=np.int64)
    lengths[0::2], lengths[1::2] = runs, stops
    turns = np.where(np.arange(2 * starts + 1) % 2 == 0, EXECUTING, FAULT).astype(np.int8)
    return np.repeat(turns, lengths)


def _told(month: MachineMonth, machine: Ints, column: Ints) -> Bools:
    """(machine-days, 96): the gateway was not silent."""
    quarter = np.arange(QUARTERS_PER_DAY)[None, :]
    front, start, stop = (edge[machine, column][:, None] for edge in (month.gap_front, month.gap_start, month.gap_stop))
    told: Bools = (quarter >= front) & ~((quarter >= start) & (quarter < stop))
    return told


def _power(month: MachineMonth, machines: Machines, *, machine: Ints, column: Ints, codes: Codes, told: Bools) -> Ints:
    """(machine-days, 96): power in steps, constant by state but for the first executing quarter-hour told: the peak."""
    levels = np.zeros((len(machine), len(STATES)), dtype=np.int64)
    levels[:, SETUP] = machines.setup_power[machine]
    levels[:, EXECUTING] = month.run_power[machine, column]
    levels[:, FAULT] = machines.fault_power[machine]
    levels[:, IDLE] = machines.idle_power[machine]
    levels[:, MAINTENANCE] = machines.maintenance_power[machine]
    power = np.take_along_axis(levels, codes.astype(np.int64), axis=1)
    executing = (codes == EXECUTING) & told
    row = np.flatnonzero(executing.any(axis=1))
    power[row, executing[row].argmax(axis=1)] = month.peak_power[machine, column][row]
    return power


def _parts(parts: Ints, executing: Bools) -> Ints:
    """(machine-days, 96): the day's parts over its executing quarter-hours, whole and as evenly as it goes."""
    rank = np.cumsum(executing, axis=1)
    count = np.maximum(rank[:, -1:], 1)
    return np.where(executing, rank * parts[:, None] // count - (rank - 1) * parts[:, None] // count, 0)
