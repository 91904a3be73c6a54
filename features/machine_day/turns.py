"""Where each series has its rows among those of a table: one pass that also proves that they are in order."""

# ruff: noqa: PLR0917 (compiled code: Numba takes no keyword-only arguments)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.machine_day.columns import Words
from features.machine_day.days import Micros
from features.machine_day.samples import Ints

OUT_OF_ORDER, REPEATED = -1, -2


class Turns(NamedTuple):
    """A turn is a run of rows of one series: `begins[i]` to `ends[i]`. `outside` and `late` count, by number of the
    machine, rows that nobody owned and rows after `as_of`."""

    series: Ints
    begins: Ints
    ends: Ints
    outside: Ints
    late: Ints


class Owned(NamedTuple):
    """The intervals of each machine of a table, by its number there: series `first[m]` and `intervals[m] - 1` more,
    which last from `starts` up to `ends` (by series)."""

    first: Ints
    intervals: Ints
    starts: Micros
    ends: Micros


@njit(cache=True, nogil=True)
def find_turns(machine: NDArray[np.int32], time: Micros, profile: Words, owned: Owned, as_of: int, turns: Turns) -> int:
    """Fill `turns` (room for every interval of every machine) and return how many there are; `OUT_OF_ORDER` where a
    machine's rows are apart or not by time, `REPEATED` where two of one profile bear one time."""
    found, begin, seen = 0, 0, np.zeros(len(owned.first), dtype=np.bool_)
    while begin < len(time):
        number = machine[begin]
        if seen[number]:
            return OUT_OF_ORDER
        seen[number] = True
        end = begin + 1
        while end < len(time) and machine[end] == number:
            if time[end] <= time[end - 1]:
                if time[end] < time[end - 1] or _rank(profile, end) < _rank(profile, end - 1):
                    return OUT_OF_ORDER
                if _rank(profile, end) == _rank(profile, end - 1):
                    return REPEATED
            end += 1
        known = begin + np.searchsorted(time[begin:end], as_of, side="right")
        turns.late[number] = end - known
        turns.outside[number] = known - begin
        for series in range(owned.first[number], owned.first[number] + owned.intervals[number]):
            lower = begin + np.searchsorted(time[begin:known], owned.starts[series])
            upper = begin + np.searchsorted(time[begin:known], owned.ends[series])
            if lower < upper:
                turns.series[found], turns.begins[found], turns.ends[found] = series, lower, upper
                turns.outside[number] -= upper - lower
                found += 1
        begin = end
    return found


@njit(cache=True, nogil=True)
def first_at(time: Micros, begins: Ints, ends: Ints, instants: Micros) -> Ints:
    """Position of the first row of each turn at or after an instant, the end of the turn where there is none. The rows
    sought lie near the beginning."""
    found = np.empty(len(begins), dtype=np.int64)
    for turn in range(len(begins)):
        row = begins[turn]
        while row < ends[turn] and time[row] < instants[turn]:
            row += 1
        found[turn] = row
    return found


@njit(cache=True, nogil=True, forceinline=True)
def _rank(profile: Words, row: int) -> Any:
    return profile.codes[profile.positions[row]]
