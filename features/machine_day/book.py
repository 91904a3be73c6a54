"""The book that one pass over a partition writes: what every series holds, its readings, its machine-days so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.machine_day.booking import NEVER, Layout, Places, no_held, no_readings
from features.machine_day.columns import Columns
from features.machine_day.kernel import fold, open_days
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import Ints
from features.machine_day.stretch import Stretches, cells_at, empty_cells, one_after_the_other

SLOTS, CELLS = 1_024, 4_096


class Book:
    """Slots (a series each, in the order in which they were opened) and their cells, which follow one another."""

    def __init__(self, plan: RollUpPlan) -> None:
        self.plan = plan
        self.slots = self.used = 0
        self.series = np.empty(SLOTS, dtype=np.int64)
        self.held, self.readings = no_held(SLOTS), no_readings(SLOTS)
        self.places = Places(*(np.full(SLOTS, -1, dtype=np.int64) for _ in range(3)))
        self.cells = empty_cells(np.empty(CELLS, dtype=np.int64), np.empty(CELLS, dtype=np.int64))
        self.slot_of_cell = np.empty(CELLS, dtype=np.int64)

    def open(self, series: Ints, held: NDArray[Any] | None = None) -> Ints:
        """A slot for each of `series`, holding nothing yet or as given; their numbers."""
        first, self.slots = self.slots, self.slots + len(series)
        if self.slots > len(self.series):
            more = max(self.slots, 2 * len(self.series)) - len(self.series)
            self.series = np.append(self.series, np.empty(more, dtype=np.int64))
            self.held, self.readings = np.append(self.held, no_held(more)), np.append(self.readings, no_readings(more))
            self.places = Places(*(np.append(place, np.full(more, -1, dtype=np.int64)) for place in self.places))
        self.series[first : self.slots] = series
        if held is not None:
            self.held[first : self.slots] = held
        return np.arange(first, self.slots)

    def layout(self, slots: Ints, begins: Ints, ends: Ints) -> Layout:
        """Layout of turns in slots that have no cells: enough to carry on what they hold."""
        nothing = np.zeros(len(slots), dtype=np.int64)
        limits = self.plan.limits(self.series[slots])
        return Layout(begins, ends, slots, nothing, limits, self.plan.calendars.midnights)

    def fold(self, columns: Columns, slots: Ints, begins: Ints, ends: Ints) -> None:
        """Book rows `begins[i]:ends[i]` (some, each) into the slots. A slot that has cells already must be the first
        one here and the last one before."""
        series, current = self.series[slots], self.places.current[slots]
        since = self.held["time"][slots]
        last = self.plan.day_of(series, columns.time[ends - 1])
        fresh = current < 0
        begun = np.where(fresh & (since == NEVER), columns.time[begins], since)
        first = self.plan.day_of(series, begun) + ~fresh
        firsts = self._open_cells(slots, first, last - first + 1)
        self.places.first[slots[fresh]] = self.places.current[slots[fresh]] = firsts[fresh]
        shifts = self.plan.shifts(series, firsts, first)
        layout = self.layout(slots, begins, ends)._replace(shifts=shifts)
        fold(columns, self.plan.profiles, layout, self.places, self.held, self.readings, self.cells)

    def stretches(self) -> Stretches:
        """What was written, a stretch for each slot."""
        cells = cells_at(self.cells, slice(self.used))
        slot_of_cell = self.slot_of_cell[: self.used]
        open_days(cells, self.readings, slot_of_cell)
        return Stretches(
            self.series[: self.slots], self.held[: self.slots], self.readings[: self.slots], cells, slot_of_cell
        )

    def _open_cells(self, slots: Ints, days: Ints, counts: Ints) -> Ints:
        """Empty cells of `counts` days from `days` on for each of the slots; where the first of each lies."""
        first, self.used = self.used, self.used + int(counts.sum())
        if self.used > len(self.slot_of_cell):
            more = max(self.used, 2 * len(self.slot_of_cell)) - len(self.slot_of_cell)
            room = np.empty(more, dtype=np.int64)
            self.cells = one_after_the_other([self.cells, empty_cells(room, room)])
            self.slot_of_cell = np.append(self.slot_of_cell, room)
        firsts = first + np.cumsum(counts) - counts
        of_turn = np.repeat(np.arange(len(slots)), counts)
        new = slice(first, self.used)
        self.slot_of_cell[new] = slots[of_turn]
        self.cells.series[new] = self.series[slots][of_turn]
        self.cells.day[new] = np.arange(first, self.used) + (days - firsts)[of_turn]
        return firsts
