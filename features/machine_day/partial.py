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

import numpy as np

from features.machine_day.kernel import NEVER, Layout, close, fold, no_held, no_readings, settle
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
    series, bounds = _groups(rows)
    ends = np.empty(len(series), dtype=np.int64)
    settle(rows, bounds, plan.profile_codes.longest_hold, ends)
    settled = np.flatnonzero(ends >= 0)
    if not len(settled):
        return Partial(rows, no_stretch())
    in_head = np.ones(len(rows.time), dtype=np.bool_)
    for group in settled:
        in_head[ends[group] : bounds[group + 1]] = False
    head = take(rows, in_head)
    opening = _fold(take(head, np.isin(head.series, series[settled])), no_stretch(), plan)
    return Partial(head, _fold(take(rows, ~in_head), opening, plan))


def merge(earlier: Partial, later: Partial, plan: RollUpPlan) -> Partial:
    """Two partials as one; in every series the rows of `earlier` lie before those of `later`.

    Only the head of `later` is folded again, on what `earlier` holds. Associative; times and counts exactly, energies
    up to rounding.
    """
    known = np.isin(later.head.series, earlier.body.series)
    bridge = _fold(take(later.head, known), earlier.body, plan)
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
    whole = join_stretches(_fold(partial.head, no_stretch(), plan), partial.body, plan.profiles)
    last_cells = np.searchsorted(whole.cells.series, whole.series, side="right") - 1
    no_rows = np.zeros(len(whole.series) + 1, dtype=np.int64)
    close(_layout(plan, whole.series, no_rows, last_cells, whole.cells.day[last_cells]), whole.held, whole.cells)
    return whole


def _fold(rows: Rows, before: Stretch, plan: RollUpPlan) -> Stretch:
    """The rows booked on what `before` holds: a stretch of the series of both, without what `before` has booked."""
    series = np.union1d(before.series, rows.series.astype(np.int64))
    held = no_held(len(series))
    held[np.searchsorted(series, before.series)] = before.held
    bounds = np.searchsorted(rows.series, np.append(series, np.iinfo(np.int32).max))
    with_rows = bounds[1:] > bounds[:-1]
    own, first, last = series[with_rows], bounds[:-1][with_rows], bounds[1:][with_rows] - 1
    begins = held["time"][with_rows]
    begins = np.where(begins == NEVER, rows.time[first], begins)
    first_days, last_days = plan.day_of(own, begins), plan.day_of(own, rows.time[last])
    counts = last_days - first_days + 1
    starts = np.cumsum(counts) - counts
    cells = empty_cells(
        np.repeat(own, counts), np.arange(counts.sum()) - np.repeat(starts, counts) + np.repeat(first_days, counts)
    )
    layout = _layout(plan, own, np.append(first, last[-1:] + 1), starts, first_days)
    readings = no_readings(len(series))
    own_held, own_readings = held[with_rows], readings[with_rows]
    fold(rows, plan.profiles, layout, own_held, own_readings, cells)
    held[with_rows], readings[with_rows] = own_held, own_readings
    return Stretch(series, held, readings, cells)


def _layout(plan: RollUpPlan, series: Ints, rows: Ints, cells: Ints, days: Ints) -> Layout:
    """Layout of series whose cells begin at `cells`, which hold local `days`."""
    return Layout(
        rows=rows,
        cells=cells,
        shifts=plan.shifts(series, cells, days),
        limits=plan.limits[series],
        midnights=plan.calendars.midnights,
    )


def _groups(rows: Rows) -> tuple[Ints, Ints]:
    """The series that have rows, ascending, and where the rows of each begin (with the end of the last one)."""
    first = np.flatnonzero(np.diff(rows.series, prepend=-1))
    return rows.series[first].astype(np.int64), np.append(first, len(rows.series))
