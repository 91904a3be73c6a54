"""Where days of machines meet: compiled loops over days of work, for comparisons that look at each pair of days.

Days are told by `seconds` (row, day) of each state, `parts` and `kwh` (row, day), NaN where not told (seconds count as
none then); `works` (row, day) says which are days of work. *Cells* of days of work lie row by row, those of a row in
the order of its days: `first` (row + 1,) says where those of each row begin.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from features.data_trust.measured import Bools, Floats, Ints

SAME_SECONDS, SAME_PARTS_SHARE, SAME_LOG_KWH = 300.0, 0.005, 0.08
_LEAST_KWH = 1e-9
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

Cells = NDArray[np.uint64]
Seconds = tuple[Floats, ...]


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def meetings(days: tuple[Seconds, Floats, Floats, Bools], one: Ints, other: Ints, lag: Ints) -> tuple[Bools, Bools]:
    """(pair, day): whether the day of `one` tells the same, up to jitter, as that of `other` so many days before; and
    whether both are days of work. `days` are seconds, parts, kWh and works."""
    seconds, parts, kwh, works = days
    count = works.shape[1]
    same, both = np.zeros((len(one), count), np.bool_), np.zeros((len(one), count), np.bool_)
    for pair in range(len(one)):
        row, twin = one[pair], other[pair]
        for day in range(lag[pair], count):
            before = day - lag[pair]
            if works[row, day] and works[twin, before]:
                both[pair, day] = True
                same[pair, day] = (
                    _same_seconds(seconds, row, day, twin, before)
                    and _same_parts(parts[row, day], parts[twin, before])
                    and _same_kwh(kwh[row, day], kwh[twin, before])
                )
    return same, both


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cells_of(
    seconds: Seconds, parts: Floats, at: tuple[Ints, Ints], tables: tuple[Floats, Cells], width: float
) -> Cells:
    """(table, day of work): the cell of each under each table of random offsets and of numbers that tell the parts of a
    vector apart (table, part).

    A vector is the seconds of each state over `width`, then `parts` (day of work,), which are scaled already.
    """
    offsets, mix = tables
    row, day = at
    cells = np.zeros((len(offsets), len(row)), np.uint64)
    states = len(seconds)
    for place in range(len(row)):
        for table in range(len(offsets)):
            cell = np.uint64(0)
            for state in range(states):
                value = _told(seconds[state][row[place], day[place]]) / width
                cell += np.uint64(np.int64(math.floor(value + offsets[table, state]))) * mix[table, state]
            value = parts[place] + offsets[table, states]
            cells[table, place] = cell + np.uint64(np.int64(math.floor(value))) * mix[table, states]
    return cells


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def lag_votes(cells: Cells, day: Ints, first: Ints, longest: int) -> Ints:
    """(row, lag): how often a day shares a cell with the last day before it in that cell, up to the longest lag."""
    rows = len(first) - 1
    votes = np.zeros((rows, longest + 1), np.int64)
    size = 1
    for row in range(rows):
        while size < 2 * (first[row + 1] - first[row]):
            size *= 2
    keys, last = np.empty(size, np.uint64), np.empty(size, np.int64)
    for table in range(len(cells)):
        for row in range(rows):
            last[:] = -1
            for place in range(first[row], first[row + 1]):
                cell = cells[table, place]
                slot = np.int64((cell * _SPREAD) >> np.uint64(33)) & (size - 1)
                while last[slot] >= 0 and keys[slot] != cell:
                    slot = (slot + 1) & (size - 1)
                if last[slot] >= 0 and day[place] - last[slot] <= longest:
                    votes[row, day[place] - last[slot]] += 1
                keys[slot], last[slot] = cell, day[place]
    return votes


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def keys_of_days(measures: Seconds, works: Bools, mix: Cells) -> Cells:
    """(row, day): a number for all that some measures (row, day) tell of a day of work, the same where they tell the
    same; 0 on other days. `mix` is a random odd number for each measure."""
    keys = np.zeros(works.shape, np.uint64)
    for row in range(works.shape[0]):
        for day in range(works.shape[1]):
            if works[row, day]:
                key = np.uint64(0)
                for place in range(len(measures)):
                    value = measures[place][row, day]
                    bits = np.float64(0.0 if value == 0 else value).view(np.uint64)
                    bits = (bits ^ (bits >> np.uint64(32))) * _SPREAD
                    key += (bits ^ (bits >> np.uint64(29))) * mix[place]
                keys[row, day] = max(key, np.uint64(1))
    return keys


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def sharing_pairs(cells: Cells, day: Ints, first: Ints, owner: Ints, least: int) -> tuple[Ints, Ints]:
    """Pairs of rows of one owner that share the cell of the same day at least so often, over all tables. `owner` rises
    with the rows."""
    pairs = [(0, 0) for _ in range(0)]
    for one in range(len(owner)):
        other = one + 1
        while other < len(owner) and owner[other] == owner[one]:
            shared, here, there = 0, first[one], first[other]
            while here < first[one + 1] and there < first[other + 1]:
                if day[here] == day[there]:
                    for table in range(len(cells)):
                        shared += cells[table, here] == cells[table, there]
                    here += 1
                    there += 1
                elif day[here] < day[there]:
                    here += 1
                else:
                    there += 1
            if shared >= least:
                pairs.append((one, other))
            other += 1
    found = np.empty((2, len(pairs)), np.int64)
    for place in range(len(pairs)):
        found[0, place], found[1, place] = pairs[place]
    return found[0], found[1]


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _same_seconds(seconds: Seconds, row: int, day: int, twin: int, before: int) -> bool:
    for state in range(len(seconds)):
        if abs(_told(seconds[state][row, day]) - _told(seconds[state][twin, before])) > SAME_SECONDS:
            return False
    return True


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _told(seconds: float) -> float:
    return 0.0 if math.isnan(seconds) else seconds


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _same_parts(parts: float, others: float) -> bool:
    return abs(parts - others) <= SAME_PARTS_SHARE * max(parts, others)


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _same_kwh(kwh: float, other: float) -> bool:
    if math.isnan(kwh) or math.isnan(other):
        return math.isnan(kwh) and math.isnan(other)
    return abs(math.log(max(kwh, _LEAST_KWH) / max(other, _LEAST_KWH))) <= SAME_LOG_KWH
