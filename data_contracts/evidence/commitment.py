"""What is committed to when rows are admitted: canonical bytes of chunks, salted leaves, and the root over them.

Canonical bytes of a chunk, format 2 (all integers little-endian):

1. header: u32 length, then compact JSON `{"columns": [[name, type], ...], "contract": id, "format": 2, "version": v}`
   with sorted keys; the columns are the contract's in its order, less batch_id;
2. u64 number of rows; rows are sorted as `Contract.sort_names` says, texts by their UTF-8 bytes;
3. validity: one byte (0 or 1) per row, column after column;
4. values of the columns that are no text, column after column, 8 bytes per row: float64, or int64 (whole numbers,
   microseconds since 1970 UTC, days since 1970); zero where null;
5. for each text column: u32 number of distinct texts, each of them as u32 length and UTF-8 in the order in which rows
   first say it, then per row u32 which of them it says (0xFFFFFFFF where null). Most of a chunk's texts say the same in
   every row, so this is a third of what spelling them out would be, to hash and to hand over.

A leaf is SHA-256(0x00 || salt || canonical bytes), so that leaves are RFC 6962 leaf hashes of salted chunks and do not
give small contents away. The root is the RFC 6962 Merkle tree hash of the leaves in the order of (unit, period).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.columns import contiguous
from data_contracts.contract import Contract
from data_contracts.evidence.texts import Texts

FORMAT = 2
SALT_BYTES = 16
_LEAF, _NODE = b"\x00", b"\x01"
_ASIDE = "batch_id"


class ChunkEncoder:
    """Canonical bytes of the chunks of a sorted table: chunk k holds rows bounds[k] to bounds[k + 1]."""

    def __init__(self, table: pa.Table, contract: Contract, bounds: NDArray[np.int64]) -> None:
        columns = [column for column in contract.columns if column.name != _ASIDE]
        arrays = [contiguous(table[column.name]) for column in columns]
        header = {
            "format": FORMAT,
            "contract": contract.contract_id,
            "version": contract.version,
            "columns": [[column.name, str(column.type)] for column in columns],
        }
        body = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        self._header = struct.pack("<I", len(body)) + body
        self._bounds = bounds.tolist()
        valid = [pc.is_valid(array).to_numpy(zero_copy_only=False) for array in arrays]
        fixed = [array for column, array in zip(columns, arrays, strict=True) if not pa.types.is_string(column.type)]
        self._columns = [*valid, *map(_eight_bytes, fixed)]
        texts = [array for column, array in zip(columns, arrays, strict=True) if pa.types.is_string(column.type)]
        self._texts = [Texts(array, bounds) for array in texts]

    def bytes_of(self, chunk: int) -> bytes:
        """Canonical bytes of one chunk."""
        start, stop = self._bounds[chunk], self._bounds[chunk + 1]
        parts = [
            self._header,
            struct.pack("<Q", stop - start),
            *(column[start:stop].tobytes() for column in self._columns),
        ]
        for texts in self._texts:
            parts += [texts.words_of(chunk), texts.codes[start:stop].tobytes()]
        return b"".join(parts)


def _eight_bytes(array: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_floating(array.type):
        floats: NDArray[np.float64] = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(floats, dtype="<f8").view("<i8")
    whole = array.cast(pa.int32()) if pa.types.is_date(array.type) else array
    numbers: NDArray[np.int64] = pc.fill_null(whole.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers, dtype="<i8")


def new_salts(count: int) -> list[bytes]:
    """Fresh random salts, one for each chunk."""
    noise = secrets.token_bytes(SALT_BYTES * count)
    return [noise[start : start + SALT_BYTES] for start in range(0, len(noise), SALT_BYTES)]


def leaf_hash(salt: bytes, canonical: bytes) -> bytes:
    """SHA-256(0x00 || salt || canonical bytes): the leaf of one chunk."""
    return hashlib.sha256(_LEAF + salt + canonical).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): the node above two others."""
    return hashlib.sha256(_NODE + left + right).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The RFC 6962 Merkle tree hash over leaf hashes; of no leaves, SHA-256 of nothing.

    Pairing neighbours level by level, the odd last one carried up, gives the tree that section 2.1 defines by
    splitting at the largest power of two.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[left], level[left + 1]) for left in range(0, len(level) - 1, 2)]
        level = paired if len(level) % 2 == 0 else [*paired, level[-1]]
    return level[0]
