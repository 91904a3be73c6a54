"""Partial machine-days: what one partition of the samples says by itself, in a form that its neighbours complete.

A partition does not know what was held when it began. No value holds longer than `longest_hold`, so that from the
first row that lies so long after the partition's first one on, nothing earlier matters to what is held. The rows up
to and with that one are the *head* and are kept as they are; what follows is the *body*, booked once and for all.
Counters and the last known state have no such limit: the body is compared with its neighbour's by first and last
readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.machine_day.booking import NEVER, Layout, no_held, no_readings
from features.machine_day.kernel import close, fold, settle
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import Ints, Rows, join, take
from features.machine_day.stretch import Stretch, empty_cells, join_stretches, no_stretch


@dataclass(frozen=True, slots=True)
class Partial:
    """One partition's machine-days: head rows by series, and the body of the series that have one. Every series of
    `body` has rows in `head`."""

    head: Rows
    body: Stretch


def roll_partition(rows: Rows, plan: RollUpPlan) -> Partial:
    """The partial of one partition: rows of any series, sorted by series and time. A pure function of its arguments;
    the kernel releases the interpreter's lock."""
    every = _groups(rows)
    ends = np.empty(len(every.series), dtype=np.int64)
    settle(rows, every.begins, every.ends, plan.profile_codes.longest_hold, ends)
    heads = _Groups(every.series, every.begins, np.where(ends < 0, every.ends, ends))
    settled = np.flatnonzero(ends >= 0)
    opening = _fold(rows, heads.at(settled), no_stretch(), plan)
    bodies = _Groups(every.series, heads.ends, every.ends).at(settled)
    return Partial(take(rows, heads.rows()), _fold(rows, bodies, opening, plan))


def merge(earlier: Partial, later: Partial, plan: RollUpPlan) -> Partial:
    """Two partials as one; in every series the rows of `earlier` lie before those of `later`.

    Only the head of `later` is folded again, on what `earlier` holds. Associative; times and counts exactly, energies
    up to rounding.
    """
    known = np.isin(later.head.series, earlier.body.series)
    bridge = _fold_all(take(later.head, known), earlier.body, plan)
    return Partial(
        head=join([earlier.head, take(later.head, ~known)]),
        body=join_stretches(join_stretches(earlier.body, bridge, plan.profiles), later.body, plan.profiles),
    )


def merge_all(partials: Sequence[Partial], plan: RollUpPlan) -> Partial:
    """Consecutive partials, one or more, as one."""
    remaining = list(partials)
    while len(remaining) > 1:
        pairs = zip(remaining[::2], remaining[1::2], strict=False)
        odd = remaining[-1:] if len(remaining) % 2 else []
        remaining = [merge(earlier, later, plan) for earlier, later in pairs] + odd
    return remaining[0]


def finish(partial: Partial, plan: RollUpPlan) -> Stretch:
    """The machine-days of a partial that nothing precedes and nothing follows, of every series that has rows."""
    whole = join_stretches(_fold_all(partial.head, no_stretch(), plan), partial.body, plan.profiles)
    last_cells = np.searchsorted(whole.cells.series, whole.series, side="right") - 1
    nothing = _Groups(whole.series, np.zeros_like(whole.series), np.zeros_like(whole.series))
    close(_layout(plan, nothing, last_cells, whole.cells.day[last_cells]), whole.held, whole.cells)
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Series (ascending) and where the rows of each begin and end."""

    series: Ints
    begins: Ints
    ends: Ints

    def at(self, chosen: NDArray[Any]) -> _Groups:
        """Some of the groups, by mask or position."""
        return _Groups(self.series[chosen], self.begins[chosen], self.ends[chosen])

    def rows(self) -> Ints:
        """Positions of all rows of the groups."""
        counts = self.ends - self.begins
        return np.asarray(np.arange(counts.sum()) + np.repeat(self.begins - np.cumsum(counts) + counts, counts))


def _groups(rows: Rows) -> _Groups:
    first = np.flatnonzero(np.diff(rows.series, prepend=-1))
    return _Groups(rows.series[first].astype(np.int64), first, np.append(first[1:], len(rows.series)))


def _fold_all(rows: Rows, before: Stretch, plan: RollUpPlan) -> Stretch:
    return _fold(rows, _groups(rows), before, plan)


def _fold(rows: Rows, groups: _Groups, before: Stretch, plan: RollUpPlan) -> Stretch:
    """The groups' rows booked on what `before` holds: a stretch of the series of both, without cells of `before`."""
    series = np.union1d(before.series, groups.series)
    held, readings = no_held(len(series)), no_readings(len(series))
    held[np.searchsorted(series, before.series)] = before.held
    own = groups.at(groups.ends > groups.begins)
    place = np.searchsorted(series, own.series)
    begins = held["time"][place]
    begins = np.where(begins == NEVER, rows.time[own.begins], begins)
    first_days, last_days = plan.day_of(own.series, begins), plan.day_of(own.series, rows.time[own.ends - 1])
    counts = last_days - first_days + 1
    starts = np.cumsum(counts) - counts
    cells = empty_cells(np.repeat(own.series, counts), np.arange(counts.sum()) + np.repeat(first_days - starts, counts))
    own_held, own_readings = held[place], readings[place]
    fold(rows, plan.profiles, _layout(plan, own, starts, first_days), own_held, own_readings, cells)
    held[place], readings[place] = own_held, own_readings
    return Stretch(series, held, readings, cells)


def _layout(plan: RollUpPlan, groups: _Groups, cells: Ints, days: Ints) -> Layout:
    """Layout of groups whose cells begin at `cells`, which hold local `days`."""
    return Layout(
        begins=groups.begins,
        ends=groups.ends,
        cells=cells,
        shifts=plan.shifts(groups.series, cells, days),
        limits=plan.limits[groups.series],
        midnights=plan.calendars.midnights,
    )
