"""A text column by chunks: the distinct texts of each, and for each row which of them it says."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NULL = 0xFFFFFFFF
"""Code of a row that says nothing."""


class Texts:
    """`codes` has for each row the place of its text among its chunk's distinct ones, in the order of first use."""

    def __init__(self, array: pa.Array, bounds: Ints) -> None:
        encoded = array if _has_distinct_words(array) else pc.cast(array, pa.string()).dictionary_encode()
        words = [word.encode() for word in encoded.dictionary.to_pylist()]
        self._spelled = [struct.pack("<I", len(word)) + word for word in words]
        said = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        if (alone := _said_alone(said, bounds)) is not None:
            self.codes = np.zeros(len(said), dtype="<u4")
            self._cuts, self._used = list(range(len(bounds))), alone
            return
        # A word of its own stands for null, so that every row has one.
        chunk = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        first, use = _uses(chunk * (len(words) + 1) + 1 + said)
        # Uses of a chunk lie together in the order of its rows; a code counts from the chunk's first use on.
        order = np.argsort(first, kind="stable")
        order = order[said[first[order]] >= 0]
        used = first[order]
        self._cuts = np.searchsorted(used, bounds).tolist()
        self._used = said[used].tolist()
        codes = np.full(len(first), NULL, dtype="<u4")
        codes[order] = np.arange(len(order)) - np.array(self._cuts, dtype=np.int64)[chunk[used]]
        self.codes = codes[use]

    def words_of(self, chunk: int) -> bytes:
        """How many distinct texts a chunk has, and each of them spelled out."""
        words = self._used[self._cuts[chunk] : self._cuts[chunk + 1]]
        return struct.pack("<I", len(words)) + b"".join([self._spelled[word] for word in words])


def _said_alone(said: NDArray[np.int32], bounds: Ints) -> list[int] | None:
    """The one text of each chunk, where each says one throughout: its unit, or the profile of all rows."""
    sizes = np.diff(bounds)
    if not (sizes > 0).all():
        return None
    first = said[bounds[:-1]]
    is_alone = (first >= 0).all() and (said[bounds[0] : bounds[-1]] == np.repeat(first, sizes)).all()
    return first.tolist() if is_alone and len(said) == sizes.sum() else None


def _uses(keys: Ints) -> tuple[Ints, Ints]:
    """The distinct keys as the row that has each first, and for each row which of them it has.

    Where keys are dense, a table of them takes one pass; sorting is for the others.
    """
    if not len(keys):
        return keys, keys
    size = int(keys.max()) + 1
    if size > 4 * len(keys) + 1024:
        _, first, use = np.unique(keys, return_index=True, return_inverse=True)
        return first, use
    first_of = np.full(size, -1, dtype=np.int64)
    first_of[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)  # the last to write is the first row
    known = np.flatnonzero(first_of >= 0)
    number = np.empty(size, dtype=np.int64)
    number[known] = np.arange(len(known))
    return first_of[known], number[keys]


def _has_distinct_words(array: pa.Array) -> bool:
    """Whether equal texts have equal codes."""
    return pa.types.is_dictionary(array.type) and len(array.dictionary.unique()) == len(array.dictionary)
