"""Samples: machine-days laid out in rows of 15 minutes that roll up to exactly their daily reports."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator.factory.day_layout import EXECUTING, FAULT, IDLE, ITEM_STATES, MAINTENANCE, MODES, SETUP, STATES
from simulator.factory.machine_month import MachineMonth
from simulator.factory.machines import Machines
from simulator.told.reports import INSTANT, STEPS_PER_KW, source_schema
from simulator.world_calendar import MICROSECONDS, QUARTER_SECONDS, Calendar

__all__ = ["ITEM_STATES", "MODES", "sample_table"]

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
    codes = month.codes(machine, column)
    told = month.known(machine, column)
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
