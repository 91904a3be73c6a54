"""Who owned a machine when: intervals that machine-days are clipped to and that no hold crosses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.machine_day.arrow import encoded
from features.machine_day.days import Micros

FIRST_SAMPLE = np.iinfo(np.int64).min
"""Start of an interval that begins with the machine's first sample, there being no ownership row."""

FOREVER = np.iinfo(np.int64).max
"""End of an interval that has not ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Ownership:
    """Intervals [starts, ends) of one owner, sorted by machine and start, disjoint within a machine. The position of
    an interval is the *series* that its samples form."""

    machine_uids: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    starts: Micros
    ends: Micros

    def __len__(self) -> int:
        return len(self.machine_uids)


@dataclass(frozen=True, slots=True)
class _Interval:
    machine_uid: str
    obligor_id: str
    start: int
    end: int


def ownership_of(machines: pa.Table) -> Ownership:
    """The intervals of a table in the layout of `ObservationReader.machines`, straightened.

    A later owner ends an earlier one; consecutive intervals of one owner are one; a row without an owner or without
    length owns nothing.
    """
    intervals = [interval for rows in _by_machine(machines) for interval in _straight(rows)]
    return Ownership(
        machine_uids=tuple(interval.machine_uid for interval in intervals),
        obligor_ids=tuple(interval.obligor_id for interval in intervals),
        starts=np.array([interval.start for interval in intervals], dtype=np.int64),
        ends=np.array([interval.end for interval in intervals], dtype=np.int64),
    )


@lru_cache(maxsize=16)
def places_of(ownership: Ownership) -> Mapping[str, range]:
    """The series of each machine."""
    places: dict[str, range] = {}
    for position, uid in enumerate(ownership.machine_uids):
        places[uid] = range(places[uid].start if uid in places else position, position + 1)
    return places


def series_of(ownership: Ownership, machine_uids: pa.ChunkedArray, instants: Micros) -> NDArray[np.int32]:
    """The series of each (machine, instant); -1 where nobody owned the machine then."""
    words, codes = encoded(machine_uids)
    if _is_sorted(codes, instants):
        return _series_of_sorted(ownership, words, codes, instants)
    order = np.lexsort((instants, codes))
    found = np.empty(len(codes), dtype=np.int32)
    found[order] = _series_of_sorted(ownership, words, codes[order], instants[order])
    return found


def _series_of_sorted(
    ownership: Ownership, words: Sequence[str], codes: NDArray[np.int64], instants: Micros
) -> NDArray[np.int32]:
    series = np.full(len(codes), -1, dtype=np.int32)
    if not len(codes):
        return series
    code_of = {word: code for code, word in enumerate(words)}
    code = np.array([code_of.get(uid, -1) for uid in ownership.machine_uids], dtype=np.int64)
    earliest = int(instants.min())
    latest = int(instants.max()) + 1
    span = latest - earliest + 1
    most = np.iinfo(np.int64).max // span  # so many machines with their instants have room in one number
    for below in range(0, len(words), most):
        lower, upper = np.searchsorted(codes, [below, below + most])
        own = np.flatnonzero((code >= below) & (code < below + most))
        key = (codes[lower:upper] - below) * span + (instants[lower:upper] - earliest)
        first, last = (
            lower + np.searchsorted(key, (code[own] - below) * span + np.clip(edge[own], earliest, latest) - earliest)
            for edge in (ownership.starts, ownership.ends)
        )
        count = last - first
        row = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        series[row] = np.repeat(own, count)
    return series


def _by_machine(machines: pa.Table) -> Iterator[list[_Interval]]:
    """The stated intervals of each machine, in order of their starts."""
    known = machines.filter(pc.is_valid(machines["obligor_id"]))
    starts = known["owned_from"].cast(pa.int64()).to_pylist()
    ends = known["owned_until"].cast(pa.int64()).to_pylist()
    stated = sorted(
        (uid, FIRST_SAMPLE if start is None else start, FOREVER if end is None else end, obligor)
        for uid, obligor, start, end in zip(
            known["machine_uid"].to_pylist(), known["obligor_id"].to_pylist(), starts, ends, strict=True
        )
    )
    rows: list[_Interval] = []
    for uid, start, end, obligor in stated:
        if rows and rows[0].machine_uid != uid:
            yield rows
            rows = []
        rows.append(_Interval(uid, obligor, int(start), int(end)))
    if rows:
        yield rows


def _straight(rows: list[_Interval]) -> list[_Interval]:
    """The intervals of one machine, cut where the next begins, joined where the owner stays."""
    joined: list[_Interval] = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        end = row.end if following is None else min(row.end, following.start)
        if end <= row.start:
            continue
        if joined and joined[-1].obligor_id == row.obligor_id and joined[-1].end == row.start:
            joined[-1] = _Interval(row.machine_uid, row.obligor_id, joined[-1].start, end)
        else:
            joined.append(_Interval(row.machine_uid, row.obligor_id, row.start, end))
    return joined


def _is_sorted(codes: NDArray[np.int64], instants: Micros) -> bool:
    if len(codes) < 2:
        return True
    rising = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (instants[1:] >= instants[:-1]))
    return bool(rising.all())
