"""NumPy columns to Arrow tables of a fixed schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_FEW_BOUNDS = 200
"""Up to so many edges of runs, slices of a table are quicker than its rows one by one."""


def table_of(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The columns of `schema`, in its order and types."""
    arrays = [_array(columns[field.name]).cast(field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def names_at(names: Sequence[str], positions: NDArray[Any]) -> pa.Array:
    """The name at each position."""
    return pa.array(list(names), pa.string()).take(pa.array(positions))


def null_where(absent: NDArray[np.bool_], values: NDArray[Any]) -> pa.Array:
    """The values, null where absent."""
    return pa.array(values, mask=absent)


def dates(days: NDArray[np.int64]) -> pa.Array:
    """Day numbers (days since 1970-01-01) as dates."""
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def day_numbers(days: pa.ChunkedArray) -> NDArray[np.int64]:
    """Dates as day numbers."""
    return np.asarray(days.cast(pa.int32()).to_numpy(), dtype=np.int64)


def micros(instants: pa.ChunkedArray) -> NDArray[np.int64]:
    """Instants as UTC microseconds since 1970."""
    return np.asarray(instants.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())


def floats(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Numbers as float64, NaN where null."""
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def encoded(values: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Text as its distinct words and the position of each; null is one past the last word."""
    array = values.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    words = array.dictionary.to_pylist()
    return words, np.asarray(array.indices.cast(pa.int64()).fill_null(len(words)).to_numpy(zero_copy_only=False))


def rows_where(table: pa.Table, chosen: pa.ChunkedArray) -> pa.Table:
    """The chosen rows: slices of the table where they lie together in a few runs, which copies nothing."""
    mask = np.asarray(chosen.to_numpy(), dtype=np.bool_)
    bounds = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    if len(bounds) > _FEW_BOUNDS:
        return table.filter(chosen)
    runs = zip(bounds[::2].tolist(), bounds[1::2].tolist(), strict=True)
    return pa.concat_tables([table.schema.empty_table(), *(table.slice(at, until - at) for at, until in runs)])


def _array(values: Any) -> pa.Array:
    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
