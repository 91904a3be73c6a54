"""A month of a block's machines: what they did in each quarter-hour, and what of it was seen, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.factory.day_layout import (
    EXECUTING,
    FAULT,
    IDLE,
    MAINTENANCE,
    NOT_KNOWN,
    OFF,
    SETUP,
    STATES,
    Bools,
    Codes,
    Told,
    across_days,
    breaks_of,
    lay_out,
    told_by,
    told_plainly,
)
from simulator.factory.faults import FailureLog, Failures
from simulator.factory.machines import Machines
from simulator.factory.output import Output
from simulator.factory.schedule import Quarters
from simulator.gateway.outages import Outages
from simulator.parameter_values import PowerParameters
from simulator.streams import Streams
from simulator.world_calendar import QUARTERS_PER_DAY, Month

__all__ = ["EXECUTING", "FAULT", "IDLE", "MAINTENANCE", "OFF", "SETUP", "STATES", "MachineMonth", "Work", "assemble"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Gaps = tuple[Ints, Ints, Ints]
"""Of machine-days (m, days): silent from midnight until, and silent again from and until."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What machines did in a month, before anybody looked."""

    planned: Quarters
    """(m, days): quarter-hours that the machine was meant to be powered."""
    done: Quarters
    """(states, m, days): quarter-hours by state; they add up to the day."""
    cuts: Quarters
    """(jobs - 1, m, days): where the day's work was divided into jobs, see `job_cuts`."""
    failures: Failures


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineMonth:
    """Arrays (m, days), or (states, m, days) for quarter-hours by state.

    `done` is what the machine did and `seen` what its gateway reported of it; `gap_*` are the silent quarter-hours of
    the day as in `Outages`. Powers are in steps of `POWER_STEP_KW`, energies in steps of `ENERGY_STEP_KWH`.
    """

    block: int
    month: Month
    is_reported: Bools
    planned: Quarters
    """Quarter-hours that the machine was meant to be powered."""
    done: Quarters
    seen: Quarters
    cuts: Quarters
    """(jobs - 1, m, days): where the day's work was divided into jobs."""
    fault_starts: Quarters
    """Failures that happened."""
    fault_starts_seen: Quarters
    """Entries into OutOfService from another known state, as `docs/machine-days.md` counts them."""
    state_changes: Quarters
    """Changes between known item states, counted in the same way."""
    failures: FailureLog
    faults_expected: Floats
    """(m,): the compensator of the month's failures, see `Failures.expected`."""
    parts_made: Ints
    """Good parts; with the scrap they are the parts attempted."""
    scrap_made: Ints
    parts_seen: Ints
    scrap_seen: Ints
    tool_changes: Ints
    hour_meter: Ints
    """Executing quarter-hours since the machine was new, at the day's end."""
    run_power: Ints
    peak_power: Ints
    start_quarter: Ints
    """(m,): when the machine's shift begins."""
    gap_front: Ints
    gap_start: Ints
    gap_stop: Ints
    last_known: Codes
    """(m,): item state last known at the month's end."""

    @property
    def unknown(self) -> Ints:
        """Silent quarter-hours."""
        return self.gap_front + self.gap_stop - self.gap_start

    @property
    def is_silent(self) -> Bools:
        """The whole day is unknown."""
        return np.equal(self.unknown, QUARTERS_PER_DAY)

    def codes(self, machine: Ints, column: Ints) -> Codes:
        """(rows, 96): the state of each quarter-hour of these machine-days."""
        breaks = breaks_of(self.failures, machine, column, days=self.month.length)
        return lay_out(
            self.done[:, machine, column], self.cuts[:, machine, column], self.start_quarter[machine], breaks
        )

    def known(self, machine: Ints, column: Ints) -> Bools:
        """(rows, 96): the gateway was not silent."""
        return _known((self.gap_front, self.gap_start, self.gap_stop), machine, column)


def put_together(
    planned: Quarters,
    *,
    setup: Quarters,
    maintenance: Quarters,
    executing: Quarters,
    failures: Failures,
    cuts: Quarters,
) -> Work:
    """The work of a month: failures take executing time, and a machine that waits for its repair is off."""
    idle = planned - setup - maintenance - executing
    powered = np.stack([setup, executing - failures.quarters, failures.quarters, idle, maintenance])
    powered *= ~failures.is_locked
    done = np.concatenate([(QUARTERS_PER_DAY - powered.sum(axis=0))[None], powered]).astype(np.int32)
    return Work(planned=planned, done=done, cuts=cuts, failures=failures)


def assemble(
    block: int,
    month: Month,
    work: Work,
    output: Output,
    *,
    machines: Machines,
    is_reported: Bools,
    outages: Outages,
    start_quarter: Ints,
    last_known: Codes,
    power: PowerParameters,
    streams: Streams,
) -> MachineMonth:
    """The month as it was and as it was seen; `last_known` is each machine's item state before it."""
    done = work.done
    run, peak = _powers(block, month, machines, shape=is_reported.shape, power=power, streams=streams)
    front, start, stop = (edge[machines.firm] for edge in (outages.front_until, outages.start, outages.stop))
    seen, told = _seen(work, (front, start, stop), start_quarter, is_reported)
    told, last_known = across_days(told, last_known)
    executed = np.maximum(done[EXECUTING], 1)
    good = output.attempted - output.scrap
    return MachineMonth(
        block=block,
        month=month,
        is_reported=is_reported,
        planned=work.planned,
        done=done,
        seen=seen,
        cuts=work.cuts,
        fault_starts=work.failures.starts,
        fault_starts_seen=told.fault_starts,
        state_changes=told.changes,
        failures=work.failures.log,
        faults_expected=work.failures.expected,
        parts_made=good,
        scrap_made=output.scrap,
        parts_seen=good * seen[EXECUTING] // executed,
        scrap_seen=output.scrap * seen[EXECUTING] // executed,
        tool_changes=output.tool_changes,
        hour_meter=output.meter,
        run_power=run,
        peak_power=peak,
        start_quarter=start_quarter,
        gap_front=front,
        gap_start=start,
        gap_stop=stop,
        last_known=last_known,
    )


def _powers(
    block: int, month: Month, machines: Machines, *, shape: tuple[int, ...], power: PowerParameters, streams: Streams
) -> tuple[Ints, Ints]:
    """(run, peak) power of each machine-day: idle power and the day's load of cutting on top of it."""
    place = (block, month.position)
    normal = streams.of("machine.load", *place).standard_normal(shape)
    uniform = streams.of("machine.peak", *place).random(shape)
    load = machines.load_power[:, None] * np.clip(1.0 + power.load_sd_ratio * normal, 0.5, 1.5)
    run = machines.idle_power[:, None] + np.round(load).astype(np.int64)
    ratio = power.peak_ratio_low + (power.peak_ratio_high - power.peak_ratio_low) * uniform
    return run, np.round(run * ratio).astype(np.int64)


def _seen(work: Work, gaps: Gaps, start_quarter: Ints, is_reported: Bools) -> tuple[Quarters, Told]:
    """What is left of `done` outside the silent quarter-hours, and what each day tells of item states.

    Days without gap and failure are told by counting, wholly silent days tell nothing, the others are laid out.
    """
    seen = work.done.copy()
    front, start, stop = gaps
    hidden = front + stop - start
    is_silent = hidden == QUARTERS_PER_DAY
    seen = work.done * ~is_silent
    told = told_plainly(work.done, work.cuts, start_quarter)
    machine, day = np.nonzero(((hidden > 0) | (work.failures.starts > 0)) & ~is_silent)
    breaks = breaks_of(work.failures.log, machine, day, days=hidden.shape[1])
    codes = lay_out(work.done[:, machine, day], work.cuts[:, machine, day], start_quarter[machine], breaks)
    known = _known(gaps, machine, day)
    for state in range(len(STATES)):
        seen[state, machine, day] = ((codes == state) & known).sum(axis=1)
    special = told_by(codes, known)
    untold = is_silent | ~is_reported
    for whole, part, nothing in zip(told.arrays, special.arrays, (NOT_KNOWN, NOT_KNOWN, 0, 0), strict=True):
        whole[machine, day] = part
        whole[untold] = nothing
    return seen, told


def _known(gaps: Gaps, machine: Ints, column: Ints) -> Bools:
    quarter = np.arange(QUARTERS_PER_DAY)[None, :]
    front, start, stop = (edge[machine, column][:, None] for edge in gaps)
    return np.asarray((quarter >= front) & ~((quarter >= start) & (quarter < stop)))
