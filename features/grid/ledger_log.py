"""Ledgers with all their versions, made ready once to be placed on the days of one history after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import RememberedObservations, Versions
from data_contracts.reference.calendars import local_days
from features.bookings import Book
from features.declaration import HISTORY_DAYS
from features.grid.owners import Pairs, positions
from features.ledger_rows import Rows, Words, numbered, words_of
from features.ledgers import COLUMNS, TIMELESS
from features.loading import ZONE_MARGIN
from features.machine_day.days import to_micros

Ints = NDArray[np.int64]

_NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """The rows of one ledger as numbers, with the unit and, by zone, the local day of each."""

    rows: Rows
    versions: Versions
    unit: Ints
    local_day: Mapping[str, Ints]


class LedgerLog:
    """The ledgers that are remembered of some obligors (all but places, which machines have)."""

    def __init__(self, memory: RememberedObservations, obligor_ids: Sequence[str], zones: Sequence[str]) -> None:
        told = {kind: memory.versions(kind) for kind in COLUMNS if kind is not RecordKind.LOCATION}
        words = words_of(versions.table.select(COLUMNS[kind]) for kind, versions in told.items())
        self._kinds = {
            kind: _kind(kind, versions, words, positions(versions.table["obligor_id"], obligor_ids), zones)
            for kind, versions in told.items()
        }

    def placed(self, book: Book, as_of: datetime) -> dict[RecordKind, Rows]:
        """As `Ledgers.placed` places the rows known at `as_of` of each ledger: the same rows in the same order."""
        return {
            kind: _placed(rows, book, as_of=as_of, since=0 if kind in TIMELESS else _since(as_of))
            for kind, rows in self._kinds.items()
        }


class UpkeepLog:
    """What was done on machines, as far as their owner had it done. `pairs` are machines with each of their owners."""

    def __init__(self, memory: RememberedObservations, pairs: Pairs, zones: Sequence[str]) -> None:
        kind = RecordKind.MAINTENANCE
        versions = memory.versions(kind)
        unit = pairs.of(versions.table["machine_uid"], versions.table["obligor_id"])
        self._rows = _kind(kind, versions, words_of([versions.table.select(COLUMNS[kind])]), unit, zones)

    def placed(self, book: Book, as_of: datetime, stands: NDArray[np.bool_]) -> Rows:
        """As `Ledgers.upkeep` places the rows known at `as_of` on pairs, of those that `stands` marks."""
        unit = self._rows.unit
        own = replace(self._rows, unit=np.where(np.append(stands, False)[unit], unit, _NOBODY))
        return _placed(own, book, as_of=as_of, since=_since(as_of))


def _since(as_of: datetime) -> int:
    return to_micros(as_of - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN)


def _placed(told: _Kind, book: Book, *, as_of: datetime, since: int) -> Rows:
    chosen = np.flatnonzero(
        told.versions.standing(to_micros(as_of)) & (told.rows["event_time"] >= since) & (told.unit != _NOBODY)
    )
    unit = told.unit[chosen]
    zones = sorted(set(book.zones))
    zone = np.array([zones.index(name) for name in book.zones], dtype=np.int64)[unit]
    day = np.zeros(len(chosen), dtype=np.int64)
    for number, name in enumerate(zones):
        own = zone == number
        day[own] = told.local_day[name][chosen[own]]
    column = day - book.last_days[unit] + book.days - 1
    within = column < book.days
    return told.rows.of(chosen[within], unit=unit[within], column=column[within])


def _kind(kind: RecordKind, versions: Versions, words: Words, unit: Ints, zones: Sequence[str]) -> _Kind:
    rows = numbered(versions.table.select(["event_time", *COLUMNS[kind]]), words)
    local_day = {zone: local_days(rows["event_time"], zone).astype(np.int64) for zone in {*zones, "UTC"}}
    return _Kind(rows, versions, unit, local_day)
