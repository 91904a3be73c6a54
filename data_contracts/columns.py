"""Columns of a table as one array."""

from __future__ import annotations

import pyarrow as pa


def contiguous(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; one that is of one piece already is not copied, as `combine_chunks` would."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
