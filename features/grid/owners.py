"""Machines with their owners, and what changes when ownership is told anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import RememberedObservations
from features.machine_day.arrow import encoded
from features.machine_day.days import LocalDays
from features.machine_day.ownership import FOREVER, Ownership

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_NAMED = ("machine_uid", "obligor_id")
Story = tuple[tuple[str, int, int], ...]
"""(owner, start, end) of the intervals of one machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Machines with each owner that they ever had, sorted; positions of both, and the pair of each combination (-1:
    none)."""

    machine_uids: Sequence[str]
    obligor_ids: Sequence[str]
    machine: Ints
    obligor: Ints
    number: NDArray[np.int64]

    def of(self, machine_uids: pa.ChunkedArray, obligor_ids: pa.ChunkedArray) -> Ints:
        """The pair of each row; -1 where the owner is none of these obligors or the machine none of these."""
        machine = positions(machine_uids, self.machine_uids)
        obligor = positions(obligor_ids, self.obligor_ids)
        found = np.full(len(machine), -1)
        known = (machine >= 0) & (obligor >= 0)
        found[known] = self.number[machine[known], obligor[known]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Ownership as known at an instant: the pair of each interval (-1: of nobody here), and its bounds."""

    pair: Ints
    starts: Ints
    ends: Ints

    def of(self, chosen: Mask) -> Spans:
        """Some of them."""
        return Spans(self.pair[chosen], self.starts[chosen], self.ends[chosen])

    def is_current(self, instant: int) -> Mask:
        """Those that hold at an instant."""
        return np.asarray((self.starts <= instant) & (instant < self.ends))

    def holds(self, at: int, calendar: LocalDays, days: Ints) -> bool:
        """Whether one of the days belongs to a span: a day does to the span in which it begins or, where it begins in
        no span of its pair, ends."""
        own = self.pair == self.pair[at]
        begins, ends = calendar.starts(days)[:, None], calendar.ends(days)[:, None] - 1
        opened = (self.starts[own] <= begins) & (begins < self.ends[own])
        instant = np.where(opened.any(axis=1)[:, None], begins, ends)
        return bool(((self.starts[at] <= instant) & (instant < self.ends[at])).any())


def pairs_of(memory: RememberedObservations, obligor_ids: Sequence[str]) -> Pairs:
    """The machines with each of these obligors that ever owned them, in whatever version."""
    told = [memory.versions(RecordKind.MACHINE_OWNERSHIP).table, memory.observed]
    rows = [row for table in told for row in zip(*(table[name].to_pylist() for name in _NAMED), strict=True)]
    uids = sorted({uid for uid, _ in rows})
    position = {uid: number for number, uid in enumerate(uids)}
    place = {obligor: number for number, obligor in enumerate(obligor_ids)}
    found = sorted({(position[uid], place[owner]) for uid, owner in rows if owner in place})
    machine, obligor = np.array(found, dtype=np.int64).reshape(-1, 2).T
    number = np.full((len(uids), len(obligor_ids)), -1)
    number[machine, obligor] = np.arange(len(found))
    return Pairs(uids, tuple(obligor_ids), machine, obligor, number)


def ownership_changes(before: Ownership, after: Ownership, *, until: int) -> dict[str, int]:
    """The machines of which another story is told, up to `until`: from which instant on (microseconds)."""
    earlier, later = _stories(before, until), _stories(after, until)
    return {
        uid: _first_difference(earlier.get(uid, ()), later.get(uid, ()))
        for uid in earlier.keys() | later.keys()
        if earlier.get(uid) != later.get(uid)
    }


def _stories(ownership: Ownership, until: int) -> dict[str, Story]:
    """(owner, start, end) of each machine's intervals that had begun, those that had not ended without an end."""
    found: dict[str, Story] = {}
    bounds = ownership.starts.tolist(), ownership.ends.tolist()
    for uid, owner, start, end in zip(ownership.machine_uids, ownership.obligor_ids, *bounds, strict=True):
        if start <= until:
            found[uid] = (*found.get(uid, ()), (owner, start, FOREVER if end > until else end))
    return found


def _first_difference(one: Story, other: Story) -> int:
    """The first instant at which two stories name different owners."""

    def owner(story: Story, instant: int) -> str | None:
        return next((owner for owner, start, end in story if start <= instant < end), None)

    instants = sorted({bound for story in (one, other) for _, start, end in story for bound in (start, end)})
    return next((at for at in instants if owner(one, at) != owner(other, at)), instants[0])


def positions(values: pa.ChunkedArray, names: Sequence[str]) -> Ints:
    """The position of each value among the names; -1 where it is none of them."""
    if pa.types.is_dictionary(values.type):
        words, code = encoded(values)
        return np.append(positions(pa.chunked_array([pa.array(words, pa.string())]), names), -1)[code]
    places = pc.index_in(values, value_set=pa.array(list(names), pa.string()))
    return np.asarray(places.fill_null(-1).to_numpy(), dtype=np.int64)
