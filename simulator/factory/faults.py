"""Failures: maintenance that slips when a firm is unwell, the failures that follow, and the time that repairs take."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.factory.components import Components, ComponentState, draw_hazard
from simulator.factory.machines import Machines
from simulator.factory.schedule import Quarters
from simulator.firms.obligors import Firms
from simulator.parameter_values import FaultParameters
from simulator.streams import Streams
from simulator.world_calendar import Month

UNEXPOSED_QUARTERS = 2
"""The last half hour of execution of a day is not exposed: a failure needs a repair and some execution after it."""
BEYOND_HOURS = 1e6
NEVER = np.iinfo(np.int64).max

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLog:
    """The failures of a block's month one by one, by machine, day and time. Arrays of length k."""

    machine: Ints
    column: Ints
    """Day of the month, from 0."""
    component: Ints
    """Position among the components of the machine's type."""
    after_quarters: Ints
    """Executing quarter-hours of the day before it: at least 1, more with each failure of the day, and fewer than
    the day has."""
    quarters: Ints
    """In repair on that day."""
    repair_quarters: Ints
    """Of the whole repair."""

    def __len__(self) -> int:
        return len(self.machine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The failures of a block's month: arrays (m, days), and the day until which each machine awaits repair."""

    starts: Quarters
    quarters: Quarters
    """In repair on the day of the failure, out of the executing time."""
    is_locked: Bools
    """The machine is switched off because it awaits a repair begun on an earlier day."""
    locked_until: Ints
    """(m,): last day of the wait that is known at the month's end."""
    expected: Floats
    """(m,): the compensator: the hazard that the machine's components ran through until they failed. Failures less
    this have mean zero, month by month."""
    log: FailureLog
    components: ComponentState
    """At the month's end."""


def maintenance_effort(firms: Firms, health: Floats, *, faults: FaultParameters) -> Floats:
    """Share of due maintenance that a firm does: money and time for it are short when health is low."""
    return np.asarray(expit(faults.effort_intercept + faults.effort_health * (health + firms.quality)))


def next_debt(debt: Floats, effort: Floats, *, faults: FaultParameters) -> Floats:
    """Maintenance left undone: a moving average of what the firm skipped."""
    return faults.debt_persistence * debt + (1.0 - faults.debt_persistence) * (1.0 - effort)


def hazard_ratio(machines: Machines, debt: Floats, *, faults: FaultParameters) -> Floats:
    """(m,): by how much all of a machine's hazards are raised, by its proneness and its firm's undone maintenance."""
    wear = np.exp(faults.debt_log * (debt - faults.debt_reference))
    return machines.proneness * wear[machines.firm]


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
    components: Components,
    state: ComponentState,
    ratio: Floats,
    nominal_quarters: Ints,
    locked_until: Ints,
    faults: FaultParameters,
    streams: Streams,
) -> Failures:
    """The failures of a month, by what hazard each component has left and the hours that its machine executes.

    A failure strikes while the machine executes and is repaired within the day's executing time as far as that goes;
    the machine then executes again. What repair is left makes the machine wait, switched off, on the following days.
    There is executing time before and after every failure, so that each is an entry of its own. A component fails at
    most once in a month: what was repaired holds until the month's end.
    """
    fresh = draw_hazard(block, month.position + 1, components, streams=streams)
    normal = streams.of("fault.repair", block, month.position).standard_normal(state.age.shape)
    repair = faults.repair_median_quarters * components.repair_ratio * np.exp(faults.repair_sd_log * normal)
    hours = components.hours_until(state.age, state.left / ratio[:, None])
    course = _Course(
        executing=executing * (month.days > locked_until[:, None]),
        due=np.where(hours < BEYOND_HOURS, np.ceil(np.clip(hours, 0.25, BEYOND_HOURS) * 4.0).astype(np.int64), NEVER),
        repair=np.ceil(repair).astype(np.int64),
        nominal_quarters=nominal_quarters,
    )
    course.run()
    return _settled(course, month, components, state, ratio=ratio, fresh=fresh, locked_until=locked_until)


@dataclass(slots=True, kw_only=True)
class _Course:
    """A month on its way: failures are taken in the order of time, and each changes the time that is left.

    Exposed quarter-hours count a component's way to its failure: those of execution but the last of each day.
    """

    executing: Quarters
    """(m, days): what is left of executing time."""
    due: Ints
    """(m, C): the exposed quarter-hour of the month in which each component fails."""
    repair: Ints
    """(m, C): quarter-hours, should it fail."""
    nominal_quarters: Ints
    """(m,): repair done in a day of waiting."""
    exposed: Quarters = field(init=False)
    starts: Quarters = field(init=False)
    in_day: Quarters = field(init=False)
    locked: Bools = field(init=False)
    wait_until: Ints = field(init=False)
    """(m,): last day of the month's own waits, as a column that may lie beyond its end; -1 for none."""
    failed_at: Ints = field(init=False)
    """(m, C): the exposed quarter-hour in which it failed, NEVER where it did not."""
    entries: list[FailureLog] = field(default_factory=list)

    def run(self) -> None:
        """Let all failures of the month happen."""
        shape = self.executing.shape
        self.exposed = np.maximum(self.executing - UNEXPOSED_QUARTERS, 0)
        self.starts, self.in_day = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
        self.locked = np.zeros(shape, dtype=np.bool_)
        self.wait_until = np.full(shape[0], -1, dtype=np.int64)
        self.failed_at = np.full(self.due.shape, NEVER)
        rows = np.flatnonzero(self.due.min(axis=1) <= self.exposed.sum(axis=1))
        last = np.zeros(shape[0], dtype=np.int64)
        while len(rows):
            component = self.due[rows].argmin(axis=1)
            # two that are due in one quarter-hour fail in the order of their names, the second as soon as it can
            at = np.maximum(self.due[rows, component], last[rows] + 1)
            happens = at <= self.exposed[rows].sum(axis=1)
            rows, component, at = rows[happens], component[happens], at[happens]
            self._fail(rows, component, at)
            last[rows] = at
            rows = rows[self.due[rows].min(axis=1) <= self.exposed[rows].sum(axis=1)]

    def _fail(self, rows: Ints, component: Ints, at: Ints) -> None:
        """One failure of each of these machines, in the exposed quarter-hour `at` of the month."""
        passed = np.cumsum(self.exposed[rows], axis=1)
        column = (passed < at[:, None]).sum(axis=1)
        index = np.arange(len(rows))
        after = at - (passed[index, column] - self.exposed[rows, column])
        repair = self.repair[rows, component]
        here = np.minimum(repair, self.executing[rows, column] - after - 1)
        wait = -(-(repair - here) // self.nominal_quarters[rows])
        self.executing[rows, column] -= here
        self.in_day[rows, column] += here
        self.starts[rows, column] += 1
        self.exposed[rows, column] = np.maximum(self.executing[rows, column] - UNEXPOSED_QUARTERS, after)
        days = np.arange(self.executing.shape[1])[None, :]
        waits = (days > column[:, None]) & (days <= (column + wait)[:, None])
        self.locked[rows] |= waits
        self.executing[rows] *= ~waits
        self.exposed[rows] *= ~waits
        self.wait_until[rows] = np.where(wait > 0, column + wait, self.wait_until[rows])
        self.failed_at[rows, component] = at
        self.due[rows, component] = NEVER
        log = FailureLog(
            machine=rows,
            column=column,
            component=component,
            after_quarters=after,
            quarters=here,
            repair_quarters=repair,
        )
        self.entries.append(log)


def _settled(
    course: _Course,
    month: Month,
    components: Components,
    state: ComponentState,
    *,
    ratio: Floats,
    fresh: Floats,
    locked_until: Ints,
) -> Failures:
    """What the month leaves behind: hazard run through, ages, and what components have left."""
    has_failed = course.failed_at < NEVER
    hours = np.broadcast_to(course.exposed.sum(axis=1)[:, None] / 4.0, has_failed.shape)
    run_through = ratio[:, None] * components.hazard_run_through(state.age, hours)
    spent = np.where(has_failed, state.left, np.minimum(run_through, state.left))
    since = hours - np.where(has_failed, course.failed_at, 0) / 4.0
    renewed = has_failed & components.is_wear_part
    known = np.where(course.wait_until >= 0, month.first_day + course.wait_until, -1)
    return Failures(
        starts=course.starts,
        quarters=course.in_day,
        is_locked=course.locked | (month.days <= locked_until[:, None]),
        locked_until=np.maximum(locked_until, known),
        expected=spent.sum(axis=1),
        log=_in_order(course.entries, days=course.executing.shape[1]),
        components=ComponentState(
            age=np.where(renewed, since, state.age + hours), left=np.where(has_failed, fresh, state.left - spent)
        ),
    )


def _in_order(entries: list[FailureLog], *, days: int) -> FailureLog:
    names = list(FailureLog.__dataclass_fields__)
    none = [np.array([], dtype=np.int64)]
    whole = {name: np.concatenate(none + [getattr(entry, name) for entry in entries]) for name in names}
    order = np.lexsort((whole["after_quarters"], whole["machine"] * days + whole["column"]))
    return FailureLog(**{name: column[order] for name, column in whole.items()})
