"""A month of a block's machines: what they did in each quarter-hour, and what of it was seen, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.factory.faults import Failures
from simulator.factory.machines import Machines
from simulator.factory.schedule import Quarters
from simulator.gateway.outages import Outages
from simulator.parameter_values import PowerParameters
from simulator.streams import Streams, round_at_random
from simulator.world_calendar import QUARTER_SECONDS, QUARTERS_PER_DAY, Month

STATES = ("off", "setup", "executing", "fault", "idle", "maintenance")
"""What a machine may do, in the order in which the arrays of a month hold it."""
OFF, SETUP, EXECUTING, FAULT, IDLE, MAINTENANCE = range(len(STATES))

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineMonth:
    """Arrays (m, days), or (states, m, days) for quarter-hours by state.

    `done` is what the machine did and `seen` what its gateway reported of it; `gap_*` are the silent quarter-hours of
    the day as in `Outages`. Powers are in steps of `POWER_STEP_KW`, energies in steps of `ENERGY_STEP_KWH`.
    """

    block: int
    month: Month
    is_reported: Bools
    done: Quarters
    seen: Quarters
    fault_starts: Quarters
    parts_made: Ints
    parts_seen: Ints
    run_power: Ints
    peak_power: Ints
    start_quarter: Ints
    """(m,): when the machine's shift begins."""
    gap_front: Ints
    gap_start: Ints
    gap_stop: Ints

    @property
    def unknown(self) -> Ints:
        """Silent quarter-hours."""
        return self.gap_front + self.gap_stop - self.gap_start

    @property
    def is_silent(self) -> Bools:
        """The whole day is unknown."""
        return np.equal(self.unknown, QUARTERS_PER_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy seen, in steps of `ENERGY_STEP_KWH`, arrays (m, days). The three add up to the total exactly."""

    executing: Ints
    idle: Ints
    other: Ints
    peak_power: Ints

    @property
    def total(self) -> Ints:
        """All energy of the day."""
        return self.executing + self.idle + self.other


def assemble(
    block: int,
    month: Month,
    *,
    machines: Machines,
    is_reported: Bools,
    planned: Quarters,
    setup: Quarters,
    maintenance: Quarters,
    executing: Quarters,
    failures: Failures,
    outages: Outages,
    start_quarter: Ints,
    power: PowerParameters,
    streams: Streams,
) -> MachineMonth:
    """Put the month together: failures take executing time, a machine that waits for repair is off, outages hide.

    The controller of a machine that failed keeps the data of that day and sends them later, so that an outage hides
    the whole of such a day or nothing.
    """
    place = (block, month.position)
    runs = ~failures.is_locked
    idle = planned - setup - maintenance - executing
    powered = np.stack([setup, executing - failures.quarters, failures.quarters, idle, maintenance]) * runs
    done = np.concatenate([(QUARTERS_PER_DAY - powered.sum(axis=0))[None], powered]).astype(np.int32)
    uniform = streams.of("machine.day", *place).random((*planned.shape, 2))
    normal = streams.of("machine.load", *place).standard_normal((*planned.shape, 2))
    per_quarter = (QUARTER_SECONDS / machines.cycle_seconds)[:, None]
    speed = np.clip(1.0 + machines.speed_sd_ratio * normal[..., 1], 0.5, 1.5)
    parts = round_at_random(done[EXECUTING] * per_quarter * speed, uniform[..., 0]).astype(np.int64)
    run = np.round(machines.run_power[:, None] * np.clip(1.0 + power.load_sd_ratio * normal[..., 0], 0.5, 1.5))
    peak = np.round(run * (power.peak_ratio_low + (power.peak_ratio_high - power.peak_ratio_low) * uniform[..., 1]))
    front, start, stop = _gaps(machines, outages, has_failed=failures.starts > 0)
    seen = _seen(done, front, start, stop, start_quarter)
    return MachineMonth(
        block=block,
        month=month,
        is_reported=is_reported,
        done=done,
        seen=seen,
        fault_starts=failures.starts,
        parts_made=parts,
        parts_seen=parts * seen[EXECUTING] // np.maximum(done[EXECUTING], 1),
        run_power=run.astype(np.int64),
        peak_power=peak.astype(np.int64),
        start_quarter=start_quarter,
        gap_front=front,
        gap_start=start,
        gap_stop=stop,
    )


def energy_seen(month: MachineMonth, machines: Machines) -> Energy:
    """Energy and peak power of what was seen: one executing quarter-hour of a day at the peak, the others even."""
    seen = month.seen
    constant = {
        SETUP: machines.setup_power[:, None],
        FAULT: machines.fault_power[:, None],
        IDLE: machines.idle_power[:, None],
        MAINTENANCE: machines.maintenance_power[:, None],
    }
    has_executed = seen[EXECUTING] > 0
    resting = [np.where(seen[state] > 0, level, 0) for state, level in constant.items()]
    return Energy(
        executing=seen[EXECUTING] * month.run_power + has_executed * (month.peak_power - month.run_power),
        idle=seen[IDLE] * constant[IDLE],
        other=seen[SETUP] * constant[SETUP] + seen[FAULT] * constant[FAULT] + seen[MAINTENANCE] * constant[MAINTENANCE],
        peak_power=np.maximum(np.maximum.reduce(resting), has_executed * month.peak_power),
    )


def day_blocks(done: Quarters, start_quarter: Ints) -> tuple[Ints, Ints]:
    """How a day without failures is laid out: (states of the blocks, their ends), ends of shape (blocks, ...).

    Off until the shift begins, setup, executing, idle, maintenance, off. With failures the executing block is divided
    and they lie inside it, see `simulator.told.samples`.
    """
    before = np.minimum(start_quarter, done[OFF])
    lengths = np.stack(
        [before, done[SETUP], done[EXECUTING] + done[FAULT], done[IDLE], done[MAINTENANCE], done[OFF] - before]
    )
    return np.array([OFF, SETUP, EXECUTING, IDLE, MAINTENANCE, OFF]), np.cumsum(lengths, axis=0)


def _gaps(machines: Machines, outages: Outages, *, has_failed: Bools) -> tuple[Ints, Ints, Ints]:
    is_whole_day = (outages.quarters == QUARTERS_PER_DAY)[machines.firm]
    hides = ~has_failed | is_whole_day
    edges = (outages.front_until, outages.start, outages.stop)
    front, start, stop = (edge[machines.firm] * hides for edge in edges)
    return front, start, stop


def _seen(done: Quarters, front: Ints, start: Ints, stop: Ints, start_quarter: Ints) -> Quarters:
    """What is left of `done` outside the silent quarter-hours."""
    seen = done.copy()
    hidden = front + stop - start
    seen[:, hidden == QUARTERS_PER_DAY] = 0
    machine, day = np.nonzero((hidden > 0) & (hidden < QUARTERS_PER_DAY))
    states, ends = day_blocks(done[:, machine, day], start_quarter[machine])
    begins = np.concatenate([np.zeros_like(ends[:1]), ends[:-1]])
    gaps = ((np.zeros_like(front[machine, day]), front[machine, day]), (start[machine, day], stop[machine, day]))
    for state, begin, end in zip(states, begins, ends, strict=True):
        for gap_begin, gap_end in gaps:
            lost = np.clip(np.minimum(end, gap_end) - np.maximum(begin, gap_begin), 0, None)
            seen[state, machine, day] -= lost.astype(np.int32)
    return seen
