"""Failures: maintenance that slips when a firm is unwell, the failures that follow, and the time that repairs take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.factory.machines import Machines
from simulator.factory.schedule import Quarters
from simulator.firms.obligors import Firms
from simulator.parameter_values import FaultParameters
from simulator.streams import Streams
from simulator.world_calendar import Month

MOST_A_DAY = 3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failures of a block's month: arrays (m, days), and the day until which each machine awaits repair."""

    starts: Quarters
    quarters: Quarters
    """In repair on the day of the failure, out of the executing time."""
    is_locked: NDArray[np.bool_]
    """The machine is switched off because it awaits a repair begun on an earlier day."""
    locked_until: Ints
    """(m,): last day of the wait that is known at the month's end."""


def maintenance_effort(firms: Firms, health: Floats, *, faults: FaultParameters) -> Floats:
    """Share of due maintenance that a firm does: money and time for it are short when health is low."""
    return np.asarray(expit(faults.effort_intercept + faults.effort_health * (health + firms.quality)))


def next_debt(debt: Floats, effort: Floats, *, faults: FaultParameters) -> Floats:
    """Maintenance left undone: a moving average of what the firm skipped."""
    return faults.debt_persistence * debt + (1.0 - faults.debt_persistence) * (1.0 - effort)


def hazard_per_hour(machines: Machines, debt: Floats, *, faults: FaultParameters) -> Floats:
    """(m,): failures per executing hour, by the machine's proneness and its firm's undone maintenance."""
    wear = np.exp(faults.debt_log * (debt - faults.debt_reference))
    return machines.proneness * wear[machines.firm] * faults.failures_per_1000_hours / 1000.0


def planned_maintenance(
    block: int,
    month: Month,
    planned: Quarters,
    *,
    machines: Machines,
    effort: Floats,
    faults: FaultParameters,
    streams: Streams,
) -> Quarters:
    """(m, days): quarter-hours of preventive maintenance, on running days, at most half of the planned time."""
    uniform = streams.of("maintenance", block, month.position).random((*planned.shape, 2))
    chance = faults.maintenance_per_month / month.length * effort[machines.firm]
    span = faults.maintenance_quarters_high - faults.maintenance_quarters_low + 1
    wanted = faults.maintenance_quarters_low + np.floor(uniform[..., 1] * span)
    done = np.minimum(wanted, planned // 2) * (uniform[..., 0] < chance[:, None])
    return np.asarray(done, dtype=np.int32)


def strike(
    block: int,
    month: Month,
    executing: Quarters,
    *,
    hazard: Floats,
    nominal_quarters: Ints,
    locked_until: Ints,
    faults: FaultParameters,
    streams: Streams,
) -> Failures:
    """Draw the failures of a month from the hazard (by machine, per executing hour).

    A failure strikes while the machine executes and is repaired within the day's executing time as far as that goes;
    the machine then executes again. What repair is left makes the machine wait, switched off, on the following days.
    There is executing time before and after every failure, so that each is an entry of its own.
    """
    place = (block, month.position)
    counts = streams.of("fault.count", *place).poisson(hazard[:, None] * executing / 4.0)
    starts = np.minimum(np.minimum(counts, MOST_A_DAY), np.maximum(executing - 1, 0) // 3).astype(np.int32)
    machine, day = np.nonzero(starts)
    number, available = starts[machine, day], executing[machine, day]
    left = np.floor((1.0 - streams.of("fault.strike", *place).random(len(machine))) * available).astype(np.int32)
    room = np.clip(left, number, available - number - 1)
    repair = _repairs(number, streams.of("fault.repair", *place), faults=faults)
    in_day = np.minimum(repair, room)
    wait = np.ceil((repair - in_day) / nominal_quarters[machine]).astype(np.int64)
    until = np.full(starts.shape, -1, dtype=np.int64)
    until[machine, day] = np.where(wait > 0, month.days[day] + wait, -1)
    waiting = _locked(until, month, locked_until)
    starts[waiting], until[waiting] = 0, -1  # a machine that stands still cannot fail
    quarters = np.zeros_like(starts)
    quarters[machine, day] = in_day
    return Failures(
        starts=starts,
        quarters=np.where(starts > 0, quarters, 0).astype(np.int32),
        is_locked=_locked(until, month, locked_until),
        locked_until=np.maximum(locked_until, until.max(axis=1)),
    )


def _repairs(number: Quarters, generator: np.random.Generator, *, faults: FaultParameters) -> Quarters:
    """Quarter-hours of all repairs of each machine-day together."""
    normal = generator.standard_normal((len(number), MOST_A_DAY))
    each = np.ceil(faults.repair_median_quarters * np.exp(faults.repair_sd_log * normal))
    counted = np.arange(MOST_A_DAY)[None, :] < number[:, None]
    return np.asarray((each * counted).sum(axis=1), dtype=np.int32)


def _locked(until: Ints, month: Month, locked_until: Ints) -> NDArray[np.bool_]:
    """(m, days): an earlier day's failure keeps the machine waiting."""
    before = np.concatenate([locked_until[:, None], until[:, :-1]], axis=1)
    return np.maximum.accumulate(before, axis=1) >= month.days[None, :]
