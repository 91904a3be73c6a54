"""Stretches of rows, booked: machine-days in the making, what is held at each end, and its readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.machine_day.booking import BOOKED, Cells
from features.machine_day.kernel import FAULT, gains
from features.machine_day.samples import NOT_SAID, Ints, Profiles

NO_FIRST_ROW = np.iinfo(np.int64).max
NO_LAST_ROW = np.iinfo(np.int64).min

_FIRST_AND_LAST = {
    "last_state": ("first_state", "first_state_day"),
    "last_count": ("first_count", "first_count_day", "first_count_profile"),
    "last_register_kwh": ("first_register_kwh", "first_register_time", "first_register_profile"),
}
_LAST_TOO = {"last_register_kwh": ("last_register_time",)}
_NOT_ADDED = {
    "series": np.minimum,
    "day": np.minimum,
    "peak_kw": np.fmax,
    "first_row": np.minimum,
    "last_row": np.maximum,
}


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretch i is of `series[i]`, with a record of `held` and `readings` (booking.HELD, booking.READINGS) and the
    cells where `owner` is i, which lie together and by day."""

    series: Ints
    held: NDArray[Any]
    readings: NDArray[Any]
    cells: Cells
    owner: Ints


def empty_cells(series: Ints, day: Ints) -> Cells:
    """Cells of these series and days to which nothing was booked yet."""
    count = len(series)
    return Cells(
        series=series,
        day=day,
        booked=np.zeros((count, BOOKED), dtype=np.int64),
        kw_micros=np.zeros((count, 3)),
        register_kwh=np.zeros((count, 3)),
        before=np.zeros((count, 3), dtype=np.int64),
        after=np.zeros((count, 3), dtype=np.int64),
        peak_kw=np.full(count, np.nan),
        deltas=np.zeros(count),
        counted=np.zeros(count),
        fault_starts=np.zeros(count, dtype=np.int64),
        state_changes=np.zeros(count, dtype=np.int64),
        first_row=np.full(count, NO_FIRST_ROW),
        last_row=np.full(count, NO_LAST_ROW),
    )


def cells_at(cells: Cells, chosen: Any) -> Cells:
    """Some of the cells, by position or slice."""
    columns: list[Any] = [values[chosen] for values in cells]
    return Cells(*columns)


def one_after_the_other(parts: Sequence[Cells]) -> Cells:
    """The cells of all parts."""
    columns: list[Any] = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return Cells(*columns)


def side_by_side(parts: Sequence[Stretches]) -> Stretches:
    """The stretches of all parts, one part after the other."""
    counts = [len(part.series) for part in parts]
    offsets = np.cumsum(counts) - counts
    return Stretches(
        series=np.concatenate([part.series for part in parts]),
        held=np.concatenate([part.held for part in parts]),
        readings=np.concatenate([part.readings for part in parts]),
        cells=one_after_the_other([part.cells for part in parts]),
        owner=np.concatenate([part.owner + offset for part, offset in zip(parts, offsets, strict=True)]),
    )


def sort_stretches(stretches: Stretches, order: Ints) -> Stretches:
    """Some of the stretches, in another order, their cells with them. What is left out must have no cells."""
    place = np.full(len(stretches.series), -1)
    place[order] = np.arange(len(order))
    owner = place[stretches.owner]
    by_owner = np.argsort(owner, kind="stable")
    cells = cells_at(stretches.cells, by_owner)
    return Stretches(stretches.series[order], stretches.held[order], stretches.readings[order], cells, owner[by_owner])


def join(stretches: Stretches, profiles: Profiles) -> Stretches:
    """Stretches sorted by series, in each of which every one begins where the one before ends, as one a series."""
    if not len(stretches.series):
        return stretches
    first = np.flatnonzero(np.diff(stretches.series, prepend=-1))
    last = np.append(first[1:], len(stretches.series)) - 1
    begins = np.repeat(first, last - first + 1)
    cells = _spread_register(stretches, begins, profiles)
    _count_seams(stretches, begins, cells, profiles)
    number = np.repeat(np.arange(len(first)), last - first + 1)
    return _added(
        Stretches(
            series=stretches.series[first],
            held=stretches.held[last],
            readings=_joined_readings(stretches.readings, first, last, begins),
            cells=cells,
            owner=number[stretches.owner],
        )
    )


def _joined_readings(readings: NDArray[Any], first: Ints, last: Ints, begins: Ints) -> NDArray[Any]:
    """Of each series, the first readings of the first stretch that has some, the last readings of the last one."""
    joined = readings[last].copy()
    joined["said"] = np.bitwise_or.reduceat(readings["said"], first)
    ends = _ends(begins)
    for name, firsts in _FIRST_AND_LAST.items():
        has = _has(readings, name)
        begin = np.where(has[first], first, _later(has, ends)[first])
        end = np.where(has[last], last, _earlier(has, begins)[last])
        some = end >= 0
        for columns, source in ((firsts, begin), ((name, *_LAST_TOO.get(name, ())), end)):
            for column in columns:
                joined[column][some] = readings[column][source[some]]
    return joined


def _spread_register(stretches: Stretches, begins: Ints, profiles: Profiles) -> Cells:
    """The energy between two readings of different stretches, spread over the time between them. What lies before the
    first reading of a series stays `before`; what follows its last, `after`."""
    cells, readings = stretches.cells, stretches.readings
    has = _has(readings, "last_register_kwh")
    if not has.any():
        return cells
    earlier, later = _earlier(has, begins), _later(has, _ends(begins))
    into = _rate(readings, earlier, np.where(has, np.arange(len(has)), later), profiles)
    out_of = _rate(readings, np.where(has, np.arange(len(has)), earlier), later, profiles)
    owner = stretches.owner
    kwh = (
        cells.register_kwh + into[owner, None] * cells.before + (np.where(has, out_of, 0.0)[owner, None] * cells.after)
    )
    opened, closed = earlier < 0, later < 0
    waits = (~has & ~opened & closed)[owner, None]
    return cells._replace(
        register_kwh=kwh,
        before=np.where(opened[owner, None], cells.before, 0),
        after=np.where((has & closed)[owner, None], cells.after, np.where(waits, cells.before, 0)),
    )


def _rate(readings: NDArray[Any], earlier: Ints, later: Ints, profiles: Profiles) -> NDArray[np.float64]:
    """kWh a microsecond from the last reading of one stretch to the first of another; 0 where one is missing (-1)."""
    both = (earlier >= 0) & (later >= 0)
    rate = np.zeros(len(earlier))
    old, new = readings[earlier[both]], readings[later[both]]
    modulus = profiles.register_modulus[new["first_register_profile"]]
    kwh = gains(old["last_register_kwh"], new["first_register_kwh"], modulus)
    rate[both] = kwh / (new["first_register_time"] - old["last_register_time"])
    return rate


def _count_seams(stretches: Stretches, begins: Ints, cells: Cells, profiles: Profiles) -> None:
    """Note in `cells` the parts counted, and the changes of state, between the last reading of one stretch and the
    first of the next that has one."""
    readings = stretches.readings
    first_cells = np.searchsorted(stretches.owner, np.arange(len(stretches.series)))
    has = _has(readings, "last_count")
    later = np.flatnonzero(has & (_earlier(has, begins) >= 0))
    earlier = _earlier(has, begins)[later]
    new = readings[later]
    at = first_cells[later] + new["first_count_day"] - cells.day[first_cells[later]]
    modulus = profiles.count_modulus[new["first_count_profile"]]
    cells.counted[at] += gains(readings["last_count"][earlier], new["first_count"], modulus)
    has = _has(readings, "last_state")
    earlier = _earlier(has, begins)
    later = np.flatnonzero(has & (earlier >= 0) & (readings["last_state"][earlier] != readings["first_state"]))
    new = readings[later]
    at = first_cells[later] + new["first_state_day"] - cells.day[first_cells[later]]
    cells.state_changes[at] += 1
    cells.fault_starts[at] += new["first_state"] == FAULT


def _added(stretches: Stretches) -> Stretches:
    """Cells of the same series and day added up."""
    cells, owner = stretches.cells, stretches.owner
    if not len(owner):
        return stretches
    starts = np.flatnonzero(np.append(True, (owner[1:] != owner[:-1]) | (cells.day[1:] != cells.day[:-1])))
    combine = dict.fromkeys(Cells._fields, np.add) | _NOT_ADDED
    added = Cells(
        *(combine[name].reduceat(values, starts, axis=0) for name, values in zip(Cells._fields, cells, strict=True))
    )
    return Stretches(stretches.series, stretches.held, stretches.readings, added, owner[starts])


def _has(readings: NDArray[Any], last: str) -> NDArray[np.bool_]:
    values = readings[last]
    return np.asarray(values != NOT_SAID if last == "last_state" else ~np.isnan(values))


def _earlier(has: NDArray[np.bool_], begins: Ints) -> Ints:
    """The nearest earlier position of the same series that has something, -1 where there is none; `begins` is the first
    position of each one's series."""
    latest = np.maximum.accumulate(np.where(has, np.arange(len(has)), -1))
    before = np.append(-1, latest[:-1])
    return np.where(before >= begins, before, -1)


def _later(has: NDArray[np.bool_], ends: Ints) -> Ints:
    """As `_earlier`, the nearest later position; `ends` is the last position of each one's series."""
    count = len(has)
    after = count - 1 - _earlier(has[::-1], count - 1 - ends[::-1])[::-1]
    return np.where(after < count, after, -1)


def _ends(begins: Ints) -> Ints:
    """The last position of each one's series, from the first."""
    first = np.unique(begins)
    counts = np.diff(first, append=len(begins))
    return np.repeat(first + counts - 1, counts)
