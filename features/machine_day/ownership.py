"""Who owned a machine when: intervals that machine-days are clipped to and that no hold crosses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.identity import ranks
from features.machine_day.arrow import encoded
from features.machine_day.days import Micros

FIRST_SAMPLE = np.iinfo(np.int64).min
"""Start of an interval that begins with the machine's first sample, there being no ownership row."""

FOREVER = np.iinfo(np.int64).max
"""End of an interval that has not ended."""

Ranks = NDArray[np.int32]


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


def ownership_of(machines: pa.Table) -> Ownership:
    """The intervals of a table in the layout of `ObservationReader.machines`, straightened.

    A later owner ends an earlier one; consecutive intervals of one owner are one; a row without an owner or without
    length owns nothing.
    """
    known = machines.filter(pc.is_valid(machines["obligor_id"]))
    machine, owner = (ranks(known[name].combine_chunks()) for name in ("machine_uid", "obligor_id"))
    starts, ends = (
        np.asarray(known[name].cast(pa.int64()).fill_null(missing).to_numpy())
        for name, missing in (("owned_from", FIRST_SAMPLE), ("owned_until", FOREVER))
    )
    order = np.lexsort((owner, ends, starts, machine))
    ends = _cut(machine[order], starts[order], ends[order])
    kept = np.flatnonzero(ends > starts[order])
    order, ends = order[kept], ends[kept]
    first, last = _runs(machine[order], owner[order], starts[order], ends)
    rows = known.select(["machine_uid", "obligor_id"]).take(pa.array(order[first]))
    return Ownership(
        machine_uids=tuple(rows["machine_uid"].to_pylist()),
        obligor_ids=tuple(rows["obligor_id"].to_pylist()),
        starts=starts[order[first]],
        ends=ends[last],
    )


def _cut(machine: Ranks, starts: Micros, ends: Micros) -> Micros:
    """The ends of rows sorted by machine and start, each at the latest where the next of its machine begins."""
    next_start = np.where(machine[1:] == machine[:-1], starts[1:], FOREVER)
    return np.asarray(np.minimum(ends, np.append(next_start, FOREVER)[: len(ends)]))


def _runs(machine: Ranks, owner: Ranks, starts: Micros, ends: Micros) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last row of each run in which one owner follows itself without a gap."""
    goes_on = (machine[1:] == machine[:-1]) & (owner[1:] == owner[:-1]) & (ends[:-1] == starts[1:])
    first = np.append(np.arange(min(len(machine), 1)), np.flatnonzero(~goes_on) + 1)
    return first, np.append(first[1:], len(machine))[: len(first)] - 1


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


def _is_sorted(codes: NDArray[np.int64], instants: Micros) -> bool:
    if len(codes) < 2:
        return True
    rising = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (instants[1:] >= instants[:-1]))
    return bool(rising.all())
