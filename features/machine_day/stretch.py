"""A stretch of rows of some series, booked: machine-days in the making, what is held at its end, and its readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.machine_day.booking import BOOKED, Cells, no_held, no_readings
from features.machine_day.kernel import FAULT, gains
from features.machine_day.samples import NOT_SAID, Ints, Profiles

NO_FIRST_ROW = np.iinfo(np.int64).max
NO_LAST_ROW = np.iinfo(np.int64).min

_KEY_OF_SERIES = 1 << 24
"""Day numbers are smaller than this, so that `series * this + day` orders cells by series and day."""

_FIRST_AND_LAST = {
    "last_state": ("first_state", "first_state_day"),
    "last_count": ("first_count", "first_count_day", "first_count_profile"),
    "last_register_kwh": ("first_register_kwh", "first_register_time", "first_register_profile"),
}
_NOT_ADDED = {
    "series": np.minimum,
    "day": np.minimum,
    "peak_kw": np.fmax,
    "first_row": np.minimum,
    "last_row": np.maximum,
}
_LAST_TOO = {"last_register_kwh": ("last_register_time",)}


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """`series` ascending, with a record of `held` and `readings` each (booking.HELD, booking.READINGS), and their
    cells."""

    series: Ints
    held: NDArray[Any]
    readings: NDArray[Any]
    cells: Cells


def no_stretch() -> Stretch:
    """No series at all."""
    nothing = np.empty(0, dtype=np.int64)
    return Stretch(nothing, no_held(0), no_readings(0), empty_cells(nothing, nothing))


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


def join_stretches(earlier: Stretch, later: Stretch, profiles: Profiles) -> Stretch:
    """Two stretches as one; in every series that both have, `later` begins where `earlier` ends. Changes neither."""
    if not len(later.series):
        return earlier
    if not len(earlier.series):
        return later
    series = np.union1d(earlier.series, later.series)
    held = no_held(len(series))
    held[np.searchsorted(series, earlier.series)] = earlier.held
    held[np.searchsorted(series, later.series)] = later.held
    return Stretch(series, held, _joined_readings(series, earlier, later), _joined_cells(earlier, later, profiles))


def _joined_readings(series: Ints, earlier: Stretch, later: Stretch) -> NDArray[Any]:
    """The first readings of the first stretch that has some, the last readings of the last one."""
    readings = no_readings(len(series))
    readings[np.searchsorted(series, earlier.series)] = earlier.readings
    at = np.searchsorted(series, later.series)
    old, new = readings[at], later.readings
    old["said"] |= new["said"]
    for last, firsts in _FIRST_AND_LAST.items():
        fresh = _has(new, last)
        begins = fresh & ~_has(old, last)
        for name in firsts:
            old[name] = np.where(begins, new[name], old[name])
        for name in (last, *_LAST_TOO.get(last, ())):
            old[name] = np.where(fresh, new[name], old[name])
    readings[at] = old
    return readings


def _joined_cells(earlier: Stretch, later: Stretch, profiles: Profiles) -> Cells:
    common, left, right = np.intersect1d(earlier.series, later.series, return_indices=True)
    old, new = earlier.readings[left], later.readings[right]
    before, after = _spread_register(common, old, new, before=earlier.cells, after=later.cells, profiles=profiles)
    return _added(before, _count_seam(common, old, new, after, profiles))


def _spread_register(
    common: Ints, old: NDArray[Any], new: NDArray[Any], *, before: Cells, after: Cells, profiles: Profiles
) -> tuple[Cells, Cells]:
    """The energy between the last reading of `before` and the first of `after`, spread over the time between them."""
    opened, closed = _has(old, "last_register_kwh"), _has(new, "last_register_kwh")
    both = opened & closed
    kwh = np.zeros(len(common))
    modulus = profiles.register_modulus[new["first_register_profile"]]
    kwh[both] = gains(old["last_register_kwh"][both], new["first_register_kwh"][both], modulus[both])
    span = np.where(both, new["first_register_time"] - old["last_register_time"], 1)
    left, right = _at(common, before.series), _at(common, after.series)
    rate = np.append(kwh / span, 0.0)
    ended, awaited = np.append(both, False), np.append(opened & ~closed, False)
    return (
        before._replace(
            register_kwh=before.register_kwh + rate[left, None] * before.after,
            after=np.where(ended[left, None], 0, before.after),
        ),
        after._replace(
            register_kwh=after.register_kwh + rate[right, None] * after.before,
            before=np.where((ended | awaited)[right, None], 0, after.before),
            after=after.after + np.where(awaited[right, None], after.before, 0),
        ),
    )


def _count_seam(common: Ints, old: NDArray[Any], new: NDArray[Any], after: Cells, profiles: Profiles) -> Cells:
    """Parts counted, and the change of state, between the last reading of one stretch and the first of the next."""
    counted, changes, starts = after.counted.copy(), after.state_changes.copy(), after.fault_starts.copy()
    keys = _keys(after.series, after.day)
    both = _has(old, "last_count") & _has(new, "last_count")
    modulus = profiles.count_modulus[new["first_count_profile"][both]]
    cells = np.searchsorted(keys, _keys(common[both], new["first_count_day"][both]))
    counted[cells] += gains(old["last_count"][both], new["first_count"][both], modulus)
    changed = _has(old, "last_state") & _has(new, "last_state") & (old["last_state"] != new["first_state"])
    cells = np.searchsorted(keys, _keys(common[changed], new["first_state_day"][changed]))
    changes[cells] += 1
    starts[cells] += new["first_state"][changed] == FAULT
    return after._replace(counted=counted, state_changes=changes, fault_starts=starts)


def _added(before: Cells, after: Cells) -> Cells:
    """The cells of both, those of the same series and day added up."""
    columns = Cells(*(np.concatenate(pair) for pair in zip(before, after, strict=True)))
    if not len(columns.series):
        return columns
    keys = _keys(columns.series, columns.day)
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    combine = dict.fromkeys(Cells._fields, np.add) | _NOT_ADDED
    return Cells(
        *(
            combine[name].reduceat(values[order], first, axis=0)
            for name, values in zip(Cells._fields, columns, strict=True)
        )
    )


def _has(readings: NDArray[Any], last: str) -> NDArray[np.bool_]:
    values = readings[last]
    return np.asarray(values != NOT_SAID if last == "last_state" else ~np.isnan(values))


def _keys(series: Ints, day: Ints) -> Ints:
    return np.asarray(series * _KEY_OF_SERIES + day)


def _at(common: Ints, series: Ints) -> Ints:
    """Position in `common` of each of `series`; one past its end where it is not in there."""
    position = np.searchsorted(common, series)
    inside = np.append(common, -1)[position] == series
    return np.where(inside, position, len(common))
