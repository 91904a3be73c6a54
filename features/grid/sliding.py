"""Arrays of units and days over a stretch of days that moves on with time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from features.history import Array, Measure, unsaid

Ints = NDArray[np.int64]


class SlidingDays:
    """Measures (unit, day) of the last days up to some day, with room for days to come.

    Days are day numbers. Measures named in `zeros` are 0 where nothing was put, the others NaN; one that was never
    said takes no room.
    """

    def __init__(self, units: int, *, keep: int, zeros: Collection[str]) -> None:
        self.units = units
        self.keep = keep
        self.first_day = 0
        self._width = 0
        self._zeros = zeros
        self._values: dict[str, Array] = {}

    def reach(self, last_day: int) -> None:
        """Make room for the `keep` days up to `last_day`; what lies before them may be forgotten."""
        if self._width and last_day < self.first_day + self._width:
            return
        first_day = last_day - self.keep + 1
        width = self.keep + self.keep // 2
        kept = max(self.first_day + self._width - first_day, 0)
        for name, values in self._values.items():
            moved = self._empty(name, width)
            moved[:, :kept] = values[:, self._width - kept : self._width]
            self._values[name] = moved
        self.first_day, self._width = first_day, width

    def put(self, name: str, rows: Ints, first_day: int, measure: Measure) -> None:
        """Set the days from `first_day` on of some units: `measure` is (row, day)."""
        if name not in self._values:
            if np.isnan(measure.values).all() and name not in self._zeros:
                return
            self._values[name] = self._empty(name, self._width)
        start = first_day - self.first_day
        assert start >= 0, "a day that was forgotten"
        self._values[name][rows, start : start + measure.values.shape[1]] = measure.values

    def last(self, name: str, days: int, last_days: Ints) -> Measure:
        """The last `days` days up to the last day of each unit: a view where that is the same of all."""
        if name not in self._values:
            return unsaid(self.units, days)
        values = self._values[name]
        ends = last_days - self.first_day + 1
        if not len(ends) or (ends == ends[0]).all():
            end = int(ends[0]) if len(ends) else days
            return Measure(values[:, end - days : end])
        columns = ends[:, None] - days + np.arange(days)
        return Measure(np.take_along_axis(values, columns, axis=1))

    def _empty(self, name: str, width: int) -> Array:
        return np.full((self.units, width), 0.0 if name in self._zeros else np.nan)
