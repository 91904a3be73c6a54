"""Daily reports: a month of machines as rows of `machine_day_report`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind, load_contract
from simulator.factory.energy import energy_of
from simulator.factory.machine_month import (
    EXECUTING,
    FAULT,
    IDLE,
    MAINTENANCE,
    OFF,
    SETUP,
    MachineMonth,
)
from simulator.factory.machines import ENERGY_STEP_KWH, POWER_STEP_KW, Machines
from simulator.world_calendar import QUARTER_SECONDS, Calendar

INSTANT = pa.timestamp("us", tz="UTC")

QUARTERS_PER_HOUR = 4
STEPS_PER_KWH = round(1.0 / ENERGY_STEP_KWH)
STEPS_PER_KW = round(1.0 / POWER_STEP_KW)


def report_table(month: MachineMonth, machines: Machines, calendar: Calendar) -> pa.Table:
    """The reports of a month, machine by machine and day by day; recorded at the end of their day.

    On a wholly silent day it says nothing but that the day is unknown.
    """
    rows = np.flatnonzero(month.is_reported)
    machine, column = np.divmod(rows, month.month.length)
    is_silent = month.is_silent.ravel()[rows]
    energy = energy_of(month.seen, month, machines)

    def seconds(quarters: NDArray[np.integer]) -> pa.Array:
        return pa.array(quarters.ravel()[rows] * float(QUARTER_SECONDS))

    def measure(values: NDArray[np.integer], steps: int) -> pa.Array:
        return pa.array(values.ravel()[rows] / steps, mask=is_silent)

    day = calendar.date_of(month.month.days)[column]
    columns = {
        "machine_uid": pa.array(machines.uids).take(pa.array(machine)),
        "day": pa.array(day, type=pa.date32()),
        "unknown_seconds": seconds(month.unknown),
        "off_seconds": seconds(month.seen[OFF]),
        "fault_seconds": seconds(month.seen[FAULT]),
        "maintenance_seconds": seconds(month.seen[MAINTENANCE]),
        "setup_seconds": seconds(month.seen[SETUP]),
        "executing_seconds": seconds(month.seen[EXECUTING]),
        "idle_seconds": seconds(month.seen[IDLE]),
        "energy_kwh": measure(energy.total, STEPS_PER_KWH),
        "energy_executing_kwh": measure(energy.executing, STEPS_PER_KWH),
        "energy_idle_kwh": measure(energy.idle, STEPS_PER_KWH),
        "energy_other_kwh": measure(energy.other, STEPS_PER_KWH),
        "peak_kw": measure(energy.peak_power, STEPS_PER_KW),
        "parts": measure(month.parts_seen, 1),
        "fault_starts": pa.array(month.fault_starts_seen.ravel()[rows].astype(np.int64), mask=is_silent),
        "state_changes": pa.array(month.state_changes.ravel()[rows].astype(np.int64), mask=is_silent),
        "scrap_parts": pa.array(month.scrap_seen.ravel()[rows], mask=is_silent),
        "tool_changes": pa.array(month.tool_changes.ravel()[rows], mask=is_silent),
        "planned_seconds": pa.array(month.planned.ravel()[rows] * float(QUARTER_SECONDS), mask=is_silent),
        "hour_meter_hours": measure(month.hour_meter, QUARTERS_PER_HOUR),
        "recorded_time": pa.array(calendar.midnight(month.month.days + 1)[column], type=INSTANT),
    }
    return pa.table(columns, schema=source_schema(RecordKind.MACHINE_DAY_REPORT, list(columns)))


def source_schema(kind: RecordKind, names: list[str]) -> pa.Schema:
    """The contract's own fields of these names, in this order."""
    schema = load_contract(kind).schema
    return pa.schema([schema.field(name) for name in names])
