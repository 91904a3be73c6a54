"""Partial machine-days: what one partition of the samples says by itself, in a form that its neighbours complete.

A partition does not know what was held when it began. No value of a series holds longer than the plan says, so that
from the first row that lies so long after the partition's first one on, nothing earlier matters to what is held. The
rows up to and with that one are the *head* and are kept as they are; what follows is the *body*, booked once and for
all. Counters and the last known state have no such limit: the body is compared with its neighbour's by first and last
readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.machine_day.book import Book
from features.machine_day.booking import NEVER, Layout, Places, no_held
from features.machine_day.columns import columns_of_rows, rows_at
from features.machine_day.kernel import carry, close
from features.machine_day.partition import Group, OutOfOrder, Partition, group_of, in_order, tables_of
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import SAMPLE_COLUMNS, Ints, Rows, join_rows, take
from features.machine_day.stretch import Stretches, join, side_by_side, sort_stretches
from features.machine_day.turns import first_at

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Partial:
    """One partition's machine-days: head rows by series, and the body of the series that have one. Every series of
    `body` has rows in `head`. Rows that nobody owned and rows after `as_of` are only counted, by machine."""

    head: Rows
    body: Stretches
    outside_ownership: Counts = field(default_factory=dict)
    after_as_of: Counts = field(default_factory=dict)


def roll_partition(partition: Partition, plan: RollUpPlan) -> Partial:
    """The partial of one partition. A pure function of its arguments; the kernel releases the interpreter's lock, and
    no more than a row group is in memory at a time, unless the rows are out of order: then the whole partition is."""
    try:
        return _roll_groups(partition, plan)
    except OutOfOrder:
        return _roll_groups(in_order(partition), plan)


def merge(partials: Sequence[Partial], plan: RollUpPlan) -> Partial:
    """Consecutive partials as one; in every series the rows of each lie before those of the next.

    Only heads are folded again, on what the body before them holds. Associative; times and counts exactly, energies up
    to rounding.
    """
    head, bodies = _chain(partials, plan, from_the_start=False)
    outside = _total([partial.outside_ownership for partial in partials])
    return Partial(head, bodies, outside, _total([partial.after_as_of for partial in partials]))


def finish(partials: Sequence[Partial], plan: RollUpPlan) -> Stretches:
    """The machine-days of consecutive partials that nothing precedes and nothing follows, a stretch for every series
    that has rows."""
    _, whole = _chain(partials, plan, from_the_start=True)
    last = np.searchsorted(whole.owner, np.arange(len(whole.series)), side="right") - 1
    slots = np.arange(len(whole.series))
    shifts = plan.shifts(whole.series, last, whole.cells.day[last])
    nothing = np.zeros_like(slots)
    layout = Layout(nothing, nothing, slots, shifts, plan.limits(whole.series), plan.calendars.midnights)
    close(layout, Places(last, last, last), whole.held, whole.cells)
    return whole


class _Heads:
    """The slots of a book whose first rows are still being kept, and those rows."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rows: list[Rows] = []
        self.ended: dict[int, bool] = {}
        """Whether the head of each slot has ended."""
        self.open_until = NEVER
        """When the head of the last slot ends, if it has not."""

    def book_bodies(self, group: Group) -> None:
        """Keep the rows of the group that are heads and book the others."""
        book, turns = self.book, group.turns
        goes_on = int(book.slots > 0 and len(turns.series) > 0 and turns.series[0] == book.series[book.slots - 1])
        slots = np.append(np.arange(book.slots - goes_on, book.slots), book.open(turns.series[goes_on:]))
        bodies = self._keep(group, slots)
        some = bodies < turns.ends
        book.fold(group.columns, slots[some], bodies[some], turns.ends[some])

    def _keep(self, group: Group, slots: Ints) -> Ints:
        """Keep the rows of the group that are heads; where the body of each turn begins."""
        time, turns = group.columns.time, group.turns
        begins, ends = turns.begins, turns.ends
        is_new = self.book.held["time"][slots] == NEVER
        until = np.where(is_new, time[begins] + np.maximum(self.book.plan.holds[turns.series], 1), NEVER)
        if len(slots) and not is_new[0]:
            until[0] = self.open_until
        settled = first_at(time, begins, ends, until)
        bodies = np.where(until == NEVER, begins, np.minimum(settled + 1, ends))
        at = _positions(begins, bodies)
        self.rows.append(rows_at(group.columns, at, np.repeat(turns.series, bodies - begins)))
        carry(group.columns, self.book.plan.profiles, self.book.layout(slots, begins, bodies), self.book.held)
        has_ended = (until == NEVER) | (settled < ends)
        self.ended.update(zip(slots.tolist(), has_ended.tolist(), strict=True))
        self.open_until = NEVER if not len(slots) or has_ended[-1] else until[-1]
        return bodies


def _roll_groups(partition: Partition, plan: RollUpPlan) -> Partial:
    book = Book(plan)
    heads = _Heads(book)
    outside: list[Counts] = []
    late: list[Counts] = []
    for table in tables_of(partition, SAMPLE_COLUMNS):
        group = group_of(table, plan)
        heads.book_bodies(group)
        outside.append(_counts(group.machine_uids, group.turns.outside))
        late.append(_counts(group.machine_uids, group.turns.late))
        del table, group
    stretches = book.stretches()
    if len(np.unique(stretches.series)) < len(stretches.series):
        raise OutOfOrder
    order = np.argsort(stretches.series, kind="stable")
    ended = np.array([heads.ended[slot] for slot in order.tolist()], dtype=np.bool_)
    return Partial(join_rows(heads.rows), sort_stretches(stretches, order[ended]), _total(outside), _total(late))


def _chain(partials: Sequence[Partial], plan: RollUpPlan, *, from_the_start: bool) -> tuple[Rows, Stretches]:
    """Partials in a row: the rows that precede every body (none, when they are folded too), and all that follows as one
    stretch a series."""
    count = len(partials)
    bodies = side_by_side([partial.body for partial in partials])
    keys = bodies.series * count + np.repeat(np.arange(count), [len(partial.body.series) for partial in partials])
    order = np.argsort(keys, kind="stable")
    bodies, keys = sort_stretches(bodies, order), keys[order]
    heads = join_rows([partial.head for partial in partials])
    parts = np.repeat(np.arange(count), [len(partial.head.series) for partial in partials])
    parts = parts[np.argsort(np.concatenate([partial.head.series for partial in partials]), kind="stable")]
    series = heads.series.astype(np.int64)
    before = np.searchsorted(keys, series * count + parts)
    leading = before == np.searchsorted(keys, series * count)
    if not from_the_start:
        leading_rows, rows, before = take(heads, leading), take(heads, ~leading), before[~leading]
        bridges, after = _fold_on(rows, before, before > -1, bodies, plan)
    else:
        leading_rows = take(heads, np.zeros_like(leading))
        bridges, after = _fold_on(heads, before, ~leading, bodies, plan)
    places = np.append(2 * np.arange(len(keys)), 2 * after - 1)
    every = side_by_side([bodies, bridges])
    every = sort_stretches(every, np.lexsort((places, every.series)))
    return leading_rows, join(every, plan.profiles)


def _fold_on(
    rows: Rows, before: Ints, follows: np.ndarray, bodies: Stretches, plan: RollUpPlan
) -> tuple[Stretches, Ints]:
    """Rows folded on what the last of the `before` bodies holds where they follow one of their series, else on nothing;
    and `before` of each stretch."""
    book = Book(plan)
    series = rows.series.astype(np.int64)
    begins = np.flatnonzero(np.append(True, (np.diff(series) != 0) | (np.diff(before) != 0))[: len(series)])
    held = no_held(len(begins))
    on_body = follows[begins]
    held[on_body] = bodies.held[before[begins][on_body] - 1]
    slots = book.open(series[begins], held)
    book.fold(columns_of_rows(rows), slots, begins, np.append(begins[1:], len(series))[: len(begins)])
    return book.stretches(), before[begins]


def _positions(begins: Ints, ends: Ints) -> Ints:
    """Positions of all rows from each begin to its end."""
    counts = ends - begins
    return np.asarray(np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts))


def _counts(machine_uids: Sequence[str], counts: Ints) -> Counts:
    return {machine_uids[number]: int(counts[number]) for number in np.flatnonzero(counts).tolist()}


def _total(parts: Sequence[Counts]) -> Counts:
    total: dict[str, int] = {}
    for part in parts:
        for machine, count in part.items():
            total[machine] = total.get(machine, 0) + count
    return total
