"""Which rows are about the same thing: order, repeats, conflicts within a batch, and what the store already knows.

A row's identity and content are those of its contract. With identity per named value, every value column of a row
stands for itself: two rows about one machine and instant that say different columns do not disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.columns import contiguous
from data_contracts.contract import Contract

Rows64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
NULL = np.iinfo(np.int64).min
"""Stands for null among comparable bits: as a float it would be -0.0, which no canonical row holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Canonical rows in stored order, each with its place in the source and whether the store has its identity."""

    table: pa.Table
    source_rows: Rows64
    existing: Mask

    def take(self, places: Rows64) -> Rows:
        """The rows at `places`, in that order."""
        if len(places) == self.table.num_rows and (np.diff(places) == 1).all():
            return self
        return Rows(
            table=self.table.take(pa.array(places)),
            source_rows=self.source_rows[places],
            existing=self.existing[places],
        )

    def keep(self, mask: Mask) -> Rows:
        """The rows where `mask` is true."""
        if mask.all():
            return self
        return Rows(
            table=self.table.filter(pa.array(mask)), source_rows=self.source_rows[mask], existing=self.existing[mask]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A batch settled with itself: the rows that remain, how many repeated others, and who disagrees in what."""

    rows: Rows
    duplicates: int
    conflicts: tuple[tuple[str, Rows64], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store has of a batch's rows: their identity, and (by column, or of the row as a whole) their content."""

    existing: Mask
    repeated: Mask | Mapping[str, Mask]


def instants(column: pa.ChunkedArray) -> Rows64:
    """UTC microseconds of a column of instants without nulls."""
    numbers: Rows64 = contiguous(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def spans(table: pa.Table) -> dict[str, int | None]:
    """First and last event_time and recorded_time of some rows, UTC microseconds; None of no rows."""
    found: dict[str, int | None] = {}
    for name in ("event", "recorded"):
        times = instants(table[f"{name}_time"])
        found[f"{name}_from"] = int(times.min()) if len(times) else None
        found[f"{name}_until"] = int(times.max()) if len(times) else None
    return found


def ranks(array: pa.Array) -> NDArray[np.int32]:
    """For text: the place of each value among the distinct ones by UTF-8 bytes, -1 where null."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy(zero_copy_only=False)
    places = np.full(len(order) + 1, -1, dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    codes = pc.fill_null(encoded.indices, len(order)).to_numpy(zero_copy_only=False)
    found: NDArray[np.int32] = places[codes]
    return found


def order_by(table: pa.Table, columns: Sequence[str]) -> Rows64:
    """The places of the rows in order of these columns, rows alike in all of them as they stand."""
    return np.lexsort([_places(table[name]) for name in reversed(columns)])


def _places(column: pa.ChunkedArray) -> NDArray[Any]:
    """Integers that order rows as the values of the column do."""
    if pa.types.is_timestamp(column.type):
        return instants(column)
    return ranks(contiguous(column)) if pa.types.is_string(column.type) else np.asarray(column.to_numpy())


def bits(column: pa.ChunkedArray) -> Rows64:
    """Any column as integers that are equal exactly where the values are; NULL where null."""
    array = contiguous(column)
    if pa.types.is_dictionary(array.type) or pa.types.is_string(array.type):
        codes = ranks(array).astype(np.int64)
        return np.where(codes < 0, NULL, codes)
    if pa.types.is_floating(array.type):
        floats = pc.fill_null(array, -0.0).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(floats, dtype=np.float64).view(np.int64)
    whole = array.cast(pa.int32()) if pa.types.is_date(array.type) else array
    numbers: Rows64 = pc.fill_null(whole.cast(pa.int64()), NULL).to_numpy(zero_copy_only=False)
    return numbers


def sort_rows(table: pa.Table, source_rows: Rows64, contract: Contract) -> Rows:
    """Rows in stored order; equal keys stay in the order of the source."""
    order = _order([bits(table[name]) for name in contract.sort_names])
    unknown = np.zeros(table.num_rows, dtype=np.bool_)
    if order is None:
        return Rows(table=table, source_rows=source_rows, existing=unknown)
    return Rows(table=table.take(pa.array(order)), source_rows=source_rows[order], existing=unknown)


def _order(keys: Sequence[Rows64]) -> Rows64 | None:
    """The stable order by several keys, the first weighing most; None where the rows are in order already."""
    if len(keys[0]) < 2:
        return None
    tied = np.ones(len(keys[0]) - 1, dtype=np.bool_)
    for key in keys:
        steps = np.sign(key[1:] - key[:-1]) if key is not keys[0] else np.diff(key)
        if (tied & (steps < 0)).any():
            return np.lexsort(tuple(reversed(keys))).astype(np.int64)
        tied &= steps == 0
    return None


def settle(rows: Rows, contract: Contract) -> Settled:
    """Find repeats and conflicts within the batch.

    Rows of one identity with other content all go (conflicts); of those with the same content the one recorded
    first stays. With identity per named value this holds for each value: what another row already says is cleared,
    and a row with nothing left to say is a repeat.
    """
    keys = [bits(rows.table[name]) for name in contract.identity]
    order = _order(keys)
    positions = np.arange(rows.table.num_rows) if order is None else order
    starts = _group_starts([key[positions] for key in keys])
    sizes = np.diff(np.append(starts, len(positions)))
    if (sizes <= 1).all():
        return Settled(rows=rows, duplicates=0, conflicts=())
    shared = np.repeat(sizes > 1, sizes)
    members = positions[shared]
    group = np.repeat(np.arange(int((sizes > 1).sum())), sizes[sizes > 1])
    if contract.identity_per_value:
        return _settle_values(rows, contract, members, group)
    return _settle_rows(rows, contract, members, group)


def _group_starts(keys: Sequence[Rows64]) -> Rows64:
    if not len(keys[0]):
        return np.empty(0, dtype=np.int64)
    new = np.zeros(len(keys[0]), dtype=np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new).astype(np.int64)


def _settle_rows(rows: Rows, contract: Contract, members: Rows64, group: Rows64) -> Settled:
    order = np.lexsort((instants(rows.table["recorded_time"])[members], group))
    members, group = members[order], group[order]
    starts = _group_starts([group])
    first = members[starts][group]
    differs = np.zeros(len(members), dtype=np.bool_)
    for name in contract.content_names:
        content = bits(rows.table[name])
        differs |= content[members] != content[first]
    disagree = np.logical_or.reduceat(differs, starts)[group]
    again = ~disagree & (members != first)
    kept = np.ones(rows.table.num_rows, dtype=np.bool_)
    kept[members[disagree | again]] = False
    conflicts = (("row", rows.source_rows[members[disagree]]),) if disagree.any() else ()
    return Settled(rows=rows.keep(kept), duplicates=int(again.sum()), conflicts=conflicts)


def _settle_values(rows: Rows, contract: Contract, members: Rows64, group: Rows64) -> Settled:
    said = {name: bits(rows.table[name])[members] for name in contract.value_names}
    starts = _group_starts([group])
    conflicts: list[tuple[str, Rows64]] = []
    quarrel = np.zeros(len(members), dtype=np.bool_)
    for name, values in said.items():
        given = values != NULL
        least = np.minimum.reduceat(np.where(given, values, np.iinfo(np.int64).max), starts)[group]
        most = np.maximum.reduceat(values, starts)[group]
        at = given & (least != most)
        if at.any():
            conflicts.append((name, rows.source_rows[members[at]]))
            quarrel |= at
    kept = np.ones(rows.table.num_rows, dtype=np.bool_)
    kept[members[quarrel]] = False
    members, group = members[~quarrel], group[~quarrel]
    said = {name: values[~quarrel] for name, values in said.items()}
    cleared = _said_before(rows, members, group, said)
    remaining = replace(rows, table=clear_values(rows.table, cleared))
    silent = np.zeros(rows.table.num_rows, dtype=np.bool_)
    silent[members] = _silent(remaining.table.select(contract.value_names).take(pa.array(members)))
    return Settled(rows=remaining.keep(kept & ~silent), duplicates=int(silent.sum()), conflicts=tuple(conflicts))


def _said_before(rows: Rows, members: Rows64, group: Rows64, said: Mapping[str, Rows64]) -> dict[str, Mask]:
    """For each value column, the rows whose value another row of the group says first (or as early, but says more)."""
    spoken = sum((values != NULL).astype(np.int64) for values in said.values())
    recorded = instants(rows.table["recorded_time"])[members]
    order = np.lexsort((-np.asarray(spoken), recorded, group))
    cleared = {}
    for name, values in said.items():
        given = order[(values != NULL)[order]]
        repeats = np.zeros(len(given), dtype=np.bool_)
        repeats[1:] = group[given][1:] == group[given][:-1]
        mask = np.zeros(rows.table.num_rows, dtype=np.bool_)
        mask[members[given[repeats]]] = True
        cleared[name] = mask
    return cleared


def drop_known(rows: Rows, known: Known, contract: Contract) -> tuple[Rows, int]:
    """The rows that say something the store has not, and how many say nothing new.

    With identity per named value, values that the store has are cleared, so that a re-sent row never undoes a
    correction of one of its values.
    """
    rows = replace(rows, existing=known.existing)
    if isinstance(known.repeated, Mapping):
        rows = replace(rows, table=clear_values(rows.table, known.repeated))
        new = ~_silent(rows.table.select(contract.value_names))
    else:
        new = ~known.repeated
    return rows.keep(new), int((~new).sum())


def merge_rows(rows: Rows, contract: Contract) -> Rows:
    """Rows that are stored: with identity per named value, rows of one identity known at one time become one."""
    if not contract.identity_per_value:
        return rows
    starts = _group_starts([bits(rows.table[name]) for name in (*contract.identity, "recorded_time")])
    if len(starts) == rows.table.num_rows:
        return rows
    merged = rows.table.take(pa.array(starts))
    for name in contract.value_names:
        column = contiguous(rows.table[name])
        given = pc.is_valid(column).to_numpy(zero_copy_only=False)
        places = np.where(given, np.arange(len(column)), len(column))
        first = np.minimum.reduceat(places, starts)
        index = pa.array(first, mask=first == len(column))
        merged = merged.set_column(merged.column_names.index(name), name, column.take(index))
    return Rows(table=merged, source_rows=rows.source_rows[starts], existing=rows.existing[starts])


def clear_values(table: pa.Table, cleared: Mapping[str, Mask]) -> pa.Table:
    """The table with null wherever a column's mask is true."""
    for name, mask in cleared.items():
        if mask.any():
            column = contiguous(table[name])
            places = pa.array(np.arange(len(column)), mask=mask)
            table = table.set_column(table.column_names.index(name), name, column.take(places))
    return table


def _silent(values: pa.Table) -> Mask:
    """Rows of which no column says anything."""
    if any(column.null_count == 0 for column in values.columns):
        return np.zeros(values.num_rows, dtype=np.bool_)
    silent = np.ones(values.num_rows, dtype=np.bool_)
    for column in values.columns:
        silent &= pc.is_null(column).to_numpy()
    return silent


def repeats_identity(rows: Rows, contract: Contract) -> Mask:
    """Stored rows whose identity another row has, in this batch or in the store: a reader must choose among them."""
    starts = (
        _group_starts([bits(rows.table[name]) for name in contract.identity]) if contract.identity_has_time else None
    )
    if starts is None:
        return rows.existing
    sizes = np.diff(np.append(starts, rows.table.num_rows))
    return rows.existing | np.repeat(sizes > 1, sizes)
