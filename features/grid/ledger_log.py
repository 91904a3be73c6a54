"""Ledgers with all their versions, made ready once to be placed on the days of one history after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import RememberedObservations, Versions
from data_contracts.reference.calendars import local_days
from features.bookings import Book
from features.declaration import HISTORY_DAYS
from features.grid.owners import Pairs
from features.ledgers import COLUMNS, TIMELESS
from features.loading import ZONE_MARGIN
from features.machine_day.arrow import encoded, micros
from features.machine_day.days import to_micros

Ints = NDArray[np.int64]

IDS: Mapping[str, str] = {
    "order_id": "order",
    "delivery_id": "delivery",
    "invoice_id": "invoice",
    "corrected_invoice_id": "invoice",
    "supplier_invoice_id": "supplier_invoice",
    "facility_id": "facility",
    "buyer_id": "party",
    "supplier_id": "party",
    "counterparty_id": "party",
    "currency": "currency",
}
"""Columns that only tell things apart, and what they name: numbers stand in for their words."""

_NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """The rows of one ledger: the unit and the event time of each, and its columns."""

    frame: pd.DataFrame
    versions: Versions
    unit: Ints
    happened: Ints
    local_day: Mapping[str, Ints]
    """By zone."""


class LedgerLog:
    """The ledgers that are remembered of some obligors (all but places, which machines have)."""

    def __init__(self, memory: RememberedObservations, obligor_ids: Sequence[str], zones: Sequence[str]) -> None:
        kinds = [kind for kind in COLUMNS if kind is not RecordKind.LOCATION]
        numbers = _numbers({kind: memory.versions(kind).table for kind in kinds})
        position = {obligor: number for number, obligor in enumerate(obligor_ids)}
        self._kinds = {kind: _kind(kind, memory.versions(kind), numbers, position, zones) for kind in kinds}

    def placed(self, book: Book, as_of: datetime) -> dict[RecordKind, pd.DataFrame]:
        """As `Book.placed` places the rows known at `as_of` of each ledger: the same rows in the same order, ids as
        numbers that sort as their words do."""
        return {
            kind: _placed(rows, book, as_of=as_of, since=0 if kind in TIMELESS else _since(as_of))
            for kind, rows in self._kinds.items()
        }


class UpkeepLog:
    """What was done on machines, as far as their owner had it done. `pairs` are machines with each of their owners."""

    def __init__(self, memory: RememberedObservations, pairs: Pairs, zones: Sequence[str]) -> None:
        kind = RecordKind.MAINTENANCE
        versions = memory.versions(kind)
        rows = _kind(kind, versions, {}, {}, zones)
        unit = pairs.of(versions.table["machine_uid"], versions.table["obligor_id"])
        self._rows = replace(rows, unit=unit, frame=rows.frame.drop(columns="machine_uid"))

    def placed(self, book: Book, as_of: datetime, stands: NDArray[np.bool_]) -> pd.DataFrame:
        """As `Book.placed` places the rows known at `as_of` on pairs, of those that `stands` marks."""
        unit = self._rows.unit
        own = replace(self._rows, unit=np.where(np.append(stands, False)[unit], unit, _NOBODY))
        return _placed(own, book, as_of=as_of, since=_since(as_of))


def _since(as_of: datetime) -> int:
    return to_micros(as_of - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN)


def _placed(rows: _Kind, book: Book, *, as_of: datetime, since: int) -> pd.DataFrame:
    chosen = np.flatnonzero(
        rows.versions.standing(to_micros(as_of)) & (rows.happened >= since) & (rows.unit != _NOBODY)
    )
    unit = rows.unit[chosen]
    zones = np.array(book.zones, dtype=np.str_)
    day = np.zeros(len(chosen), dtype=np.int64)
    for zone, local_day in rows.local_day.items():
        own = zones[unit] == zone
        day[own] = local_day[chosen[own]]
    column = day - book.last_days[unit] + book.days - 1
    within = column < book.days
    return rows.frame.take(chosen[within]).assign(unit=unit[within], column=column[within])


def _kind(
    kind: RecordKind,
    versions: Versions,
    numbers: Mapping[str, Mapping[str, int]],
    position: Mapping[str, int],
    zones: Sequence[str],
) -> _Kind:
    table = versions.table
    words, code = encoded(table["obligor_id"])
    happened = micros(table["event_time"])
    names = (*COLUMNS[kind], *(("obligor_id",) if kind is RecordKind.FACILITY else ()))
    columns = {
        name: _numbered(table[name], numbers[IDS[name]]) if name in IDS else _quick(table[name]) for name in names
    }
    return _Kind(
        frame=pd.DataFrame({**columns, "event_time": happened}),
        versions=versions,
        unit=np.array([*(position.get(word, _NOBODY) for word in words), _NOBODY], dtype=np.int64)[code],
        happened=happened,
        local_day={zone: local_days(happened, zone).astype(np.int64) for zone in {*zones, "UTC"}},
    )


def _quick(column: pa.ChunkedArray) -> pd.Series:
    """A column whose rows are quickly taken: words as categories, dates as numpy has them."""
    if pa.types.is_date(column.type):
        return pd.Series(column.to_numpy().astype("datetime64[s]"))
    return (column.dictionary_encode() if pa.types.is_string(column.type) else column).to_pandas()


def _numbers(tables: Mapping[RecordKind, pa.Table]) -> dict[str, dict[str, int]]:
    """For each thing that ids name, the place of every id among all, sorted."""
    found: dict[str, set[str]] = {thing: set() for thing in IDS.values()}
    for kind, table in tables.items():
        for name in IDS.keys() & set(COLUMNS[kind]):
            found[IDS[name]].update(word for word in table[name].unique().to_pylist() if word is not None)
    return {thing: {word: number for number, word in enumerate(sorted(words))} for thing, words in found.items()}


def _numbered(column: pa.ChunkedArray, numbers: Mapping[str, int]) -> Ints:
    """Numbers of words; -1 for none."""
    words, code = encoded(column)
    return np.array([*(numbers[word] for word in words), -1], dtype=np.int64)[code]
