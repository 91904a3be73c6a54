"""Samples as the kernel reads them: the buffers of Arrow columns as they are, with their validity bitmaps and
dictionary codes. Nothing is copied that Arrow holds in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.vocabulary import ITEM_STATE_CODES, OPERATION_MODE_CODES
from features.machine_day.days import Micros
from features.machine_day.samples import NOT_SAID, Floats, Ints, ProfileCodes, Rows

Bits = NDArray[np.uint8]
EVERY_ROW, ONE_FOR_ALL = -1, 0


class Numbers(NamedTuple):
    """A column of numbers. Row r is said where bit r of `said` is set, the least significant of a byte first; with
    `reach` `ONE_FOR_ALL` the first byte of `said` stands for every row, with `EVERY_ROW` each row has its bit."""

    values: Floats
    said: Bits
    reach: int


class Words(NamedTuple):
    """A column of words: the word of row r has the code `codes[positions[r]]`; `said` and `reach` as in `Numbers`."""

    positions: NDArray[np.int32]
    codes: NDArray[np.int32]
    said: Bits
    reach: int


class Columns(NamedTuple):
    """Samples in any order. `machine` numbers the machines of these rows alone."""

    machine: NDArray[np.int32]
    time: Micros
    state: Words
    mode: Words
    power_kw: Numbers
    register_kwh: Numbers
    part_count: Numbers
    part_delta: Numbers
    profile: Words


def columns_of(samples: pa.Table, profiles: ProfileCodes) -> tuple[Columns, list[str]]:
    """The columns of a table (`SAMPLE_COLUMNS`), and the names of the machines in the order of their numbers."""
    machines = _encoded(samples["machine_uid"])
    time = _one_piece(samples["event_time"].cast(pa.timestamp("us", tz="UTC")))
    columns = Columns(
        machine=_values(machines.indices, np.int32),
        time=_values(time, np.int64),
        state=_words(samples["item_state"], ITEM_STATE_CODES),
        mode=_words(samples["operation_mode"], OPERATION_MODE_CODES),
        power_kw=_numbers(samples["power_kw"]),
        register_kwh=_numbers(samples["energy_register_kwh"]),
        part_count=_numbers(samples["part_count"]),
        part_delta=_numbers(samples["part_delta"]),
        profile=_words(samples["profile_id"], profiles.code_of),
    )
    return columns, machines.dictionary.to_pylist()


def columns_of_rows(rows: Rows) -> Columns:
    """Rows that were kept, as columns again."""
    return Columns(
        machine=_read_only(rows.series),
        time=_read_only(rows.time),
        state=_kept_words(rows.state, len(ITEM_STATE_CODES)),
        mode=_kept_words(rows.mode, len(OPERATION_MODE_CODES)),
        power_kw=_kept_numbers(rows.power_kw),
        register_kwh=_kept_numbers(rows.register_kwh),
        part_count=_kept_numbers(rows.part_count),
        part_delta=_kept_numbers(rows.part_delta),
        profile=_kept_words(rows.profile, int(rows.profile.max(initial=0)) + 1),
    )


def rows_at(columns: Columns, at: Ints, series: Ints) -> Rows:
    """The rows at these positions, which belong to these series."""
    return Rows(
        series=series.astype(np.int32),
        time=columns.time[at],
        state=_codes_at(columns.state, at).astype(np.int8),
        mode=_codes_at(columns.mode, at).astype(np.int8),
        power_kw=_numbers_at(columns.power_kw, at),
        register_kwh=_numbers_at(columns.register_kwh, at),
        part_count=_numbers_at(columns.part_count, at),
        part_delta=_numbers_at(columns.part_delta, at),
        profile=_codes_at(columns.profile, at),
    )


def _said_at(column: Numbers | Words, at: Ints) -> NDArray[np.bool_]:
    return np.asarray((column.said[(at >> 3) & column.reach] >> (at & 7)) & 1, dtype=np.bool_)


def _numbers_at(column: Numbers, at: Ints) -> Floats:
    said = _said_at(column, at)
    return np.where(said, column.values[np.where(said, at, 0)], np.nan) if said.any() else np.full(len(at), np.nan)


def _codes_at(column: Words, at: Ints) -> NDArray[np.int32]:
    said = _said_at(column, at)
    positions = column.positions[at] if said.any() else np.zeros(len(at), dtype=np.int32)
    return np.where(said, column.codes[np.where(said, positions, 0)], np.int32(NOT_SAID)).astype(np.int32)


def _words(column: pa.ChunkedArray, codes: Mapping[str, int]) -> Words:
    array = _encoded(column)
    words = array.dictionary.to_pylist()
    said, reach = _validity(array.indices)
    of_word = np.array([codes[word] for word in words] or [NOT_SAID], dtype=np.int32)
    return Words(_values(array.indices, np.int32), _read_only(of_word), said, reach)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    array = _one_piece(column)
    if pa.types.is_null(array.type) or array.null_count == len(array):
        return Numbers(_NO_NUMBERS, _NEVER_SAID, ONE_FOR_ALL)
    if not pa.types.is_float64(array.type):
        array = array.cast(pa.float64())
    return Numbers(_values(array, np.float64), *_validity(array))


def _kept_words(codes: NDArray[Any], count: int) -> Words:
    positions = np.maximum(codes, 0).astype(np.int32)
    every = np.arange(count, dtype=np.int32)
    return Words(_read_only(positions), _read_only(every), _packed(codes != NOT_SAID), EVERY_ROW)


def _kept_numbers(values: Floats) -> Numbers:
    return Numbers(_read_only(values), _packed(~np.isnan(values)), EVERY_ROW)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A text column as dictionary codes of 32 bits, in one piece."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    array = _one_piece(column)
    if array.indices.type != pa.int32():
        array = pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), array.dictionary)
    return array


def _one_piece(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return (
        column.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(column.type) else column.combine_chunks()
    )


def _values(array: pa.Array, dtype: type[Any]) -> NDArray[Any]:
    """The numbers of an array where they lie; those of nulls are arbitrary."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return _read_only(np.zeros(0, dtype=dtype))
    return _read_only(np.frombuffer(buffer, dtype=dtype)[array.offset : array.offset + len(array)])


def _validity(array: pa.Array) -> tuple[Bits, int]:
    if not array.null_count:
        return _ALWAYS_SAID, ONE_FOR_ALL
    if array.null_count == len(array):
        return _NEVER_SAID, ONE_FOR_ALL
    if array.offset % 8:
        return _packed(pc.is_valid(array).to_numpy(zero_copy_only=False)), EVERY_ROW
    return _read_only(np.frombuffer(array.buffers()[0], dtype=np.uint8)[array.offset // 8 :]), EVERY_ROW


def _packed(said: NDArray[np.bool_]) -> Bits:
    return _read_only(np.append(np.packbits(said, bitorder="little"), np.uint8(0)))


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    """What comes from Arrow is read-only; if all is, the kernel is compiled for one kind of array."""
    values.setflags(write=False)
    return values


_NO_NUMBERS = _read_only(np.zeros(0))
_ALWAYS_SAID = _read_only(np.array([0xFF], dtype=np.uint8))
_NEVER_SAID = _read_only(np.array([0], dtype=np.uint8))
