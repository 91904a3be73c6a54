"""RFC 6962 trees, canonical bytes, and roots that move when anything moves."""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from data_contracts.chunks import cut_chunks
from data_contracts.contract import RecordKind, load_contract
from data_contracts.evidence.commitment import SALT_BYTES, ChunkEncoder, leaf_hash, merkle_root, new_salts
from data_contracts.evidence.texts import Texts

# The test vectors of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test.cc).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_known_roots(size: int) -> None:
    leaves = [leaf_hash(b"", bytes.fromhex(text)) for text in INPUTS[:size]]
    assert merkle_root(leaves).hex() == ROOTS[size]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word: split at the largest power of two smaller than n."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


@pytest.mark.parametrize("size", [9, 31, 32, 33, 100, 1023])
def test_roots_by_the_definition(size: int) -> None:
    leaves = [leaf_hash(b"salt", struct.pack("<I", number)) for number in range(size)]
    assert merkle_root(leaves) == by_definition(leaves)


def test_a_leaf_is_the_hash_of_a_zero_byte_the_salt_and_the_content() -> None:
    assert leaf_hash(b"salt", b"content") == hashlib.sha256(b"\x00saltcontent").digest()


def test_salts_are_fresh_and_long_enough() -> None:
    salts = new_salts(1000)
    assert len(set(salts)) == 1000
    assert {len(salt) for salt in salts} == {SALT_BYTES}
    assert SALT_BYTES >= 16


START = int(datetime(2026, 5, 3, 16, tzinfo=UTC).timestamp()) * 1_000_000
CONTRACT = load_contract(RecordKind.SAMPLE)


def samples(machines: list[str], minutes: list[int], power: list[float | None]) -> pa.Table:
    """Sorted sample rows with little in them; minutes count from local midnight in Shanghai."""
    rows = len(machines)
    stamps = pa.array([START + minute * 60_000_000 for minute in minutes], pa.int64()).cast(
        pa.timestamp("us", tz="UTC")
    )
    columns = {
        "machine_uid": pa.array(machines).dictionary_encode(),
        "event_time": stamps,
        "item_state": pa.array(["Executing", None] * rows, pa.string()).slice(0, rows),
        "operation_mode": pa.nulls(rows, pa.string()),
        "power_kw": pa.array(power, pa.float64()),
        "energy_register_kwh": pa.nulls(rows, pa.float64()),
        "part_count": pa.nulls(rows, pa.float64()),
        "part_delta": pa.nulls(rows, pa.float64()),
        "profile_id": pa.array(["p"] * rows),
        "recorded_time": stamps,
    }
    return pa.table(columns)


def test_the_canonical_bytes_are_as_documented() -> None:
    """The encoding written out by hand for two rows, so that another implementation could follow."""
    found = encoded(samples(["X/m1", "X/m1"], [0, 5], [1.5, None]))
    types = {"event_time": "timestamp[us, tz=UTC]", "recorded_time": "timestamp[us, tz=UTC]"}
    texts = {"machine_uid", "item_state", "operation_mode", "profile_id"}
    names = [name for name in CONTRACT.names if name != "batch_id"]
    header = {
        "columns": [[name, types.get(name, "string" if name in texts else "double")] for name in names],
        "contract": "urn:millgrade:data-contract:sample",
        "format": 2,
        "version": "1.0.0",
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    validity = {"item_state": [1, 0], "power_kw": [1, 0]}
    nothing = {"operation_mode", "energy_register_kwh", "part_count", "part_delta"}
    stamps = [START, START + 300_000_000]
    expected = struct.pack("<I", len(text)) + text + struct.pack("<Q", 2)
    for name in names:
        expected += bytes(validity.get(name, [0, 0] if name in nothing else [1, 1]))
    expected += struct.pack("<2q", *stamps)
    expected += struct.pack("<2d", 1.5, 0.0)
    expected += struct.pack("<6d", *[0.0] * 6)
    expected += struct.pack("<2q", *stamps)
    null = 0xFFFFFFFF
    for words, said in ((["X/m1"], [0, 0]), (["Executing"], [0, null]), ([], [null, null]), (["p"], [0, 0])):
        expected += struct.pack("<I", len(words))
        for word in words:
            expected += struct.pack("<I", len(word)) + word.encode()
        expected += struct.pack("<2I", *said)
    assert found == expected


def encoded(table: pa.Table) -> bytes:
    """Canonical bytes of a whole table as one chunk."""
    return ChunkEncoder(table, CONTRACT, np.array([0, table.num_rows])).bytes_of(0)


def test_texts_are_numbered_as_they_come() -> None:
    """Whatever a file's dictionary lists, in whatever order."""
    table = samples(["X/b", "X/a", "X/b", "X/c"], [0, 1, 2, 3], [1.0] * 4)
    place = table.column_names.index("machine_uid")
    codes, words = pa.array([3, 1, 3, 0], pa.int32()), pa.array(["X/c", "X/a", "X/unused", "X/b"])
    other = table.set_column(place, "machine_uid", pa.DictionaryArray.from_arrays(codes, words))
    plain = table.set_column(place, "machine_uid", pa.array(["X/b", "X/a", "X/b", "X/c"]))
    assert encoded(table) == encoded(other) == encoded(plain)
    assert encoded(table) != encoded(samples(["X/b", "X/a", "X/b", "X/d"], [0, 1, 2, 3], [1.0] * 4))


@pytest.mark.parametrize("words", [3, 5000])
def test_codes_count_from_each_chunks_first_use(words: int) -> None:
    """Dense and sparse keys, against the plain reading of the definition."""
    draw = np.random.default_rng(words)
    said = [None if draw.random() < 0.2 else f"w{draw.integers(words)}" for _ in range(400)]
    bounds = np.array([0, 7, 7, 300, 400])
    texts = Texts(pa.array(said, pa.string()), bounds)
    for chunk, (start, stop) in enumerate(pairwise(bounds)):
        listed = list(dict.fromkeys(word for word in said[start:stop] if word is not None))
        spelled = b"".join(struct.pack("<I", len(word)) + word.encode() for word in listed)
        assert texts.words_of(chunk) == struct.pack("<I", len(listed)) + spelled
        expected = [0xFFFFFFFF if word is None else listed.index(word) for word in said[start:stop]]
        assert texts.codes[start:stop].tolist() == expected


def test_a_run_of_rows_is_encoded_as_if_it_stood_alone() -> None:
    machines = ["X/m1", "X/m1", "X/铣床", "X/铣床"]
    table = samples(machines, [0, 5, 0, 5], [1.0, 2.0, None, 4.0])
    for bounds in ([0, 2, 4], [0, 1, 3, 4], [0, 0, 4, 4]):
        whole = ChunkEncoder(table, CONTRACT, np.array(bounds))
        for chunk, (start, stop) in enumerate(pairwise(bounds)):
            assert whole.bytes_of(chunk) == encoded(table.slice(start, stop - start))


def test_chunks_are_units_and_local_days() -> None:
    day = 24 * 60
    table = samples(["X/m1", "X/m1", "X/m1", "X/m10"], [0, day - 1, day, 3], [1.0] * 4)
    chunks = cut_chunks(table, CONTRACT, "Asia/Shanghai")
    assert list(zip(chunks.units, chunks.periods, chunks.rows.tolist(), strict=True)) == [
        ("X/m1", "2026-05-04", 2),
        ("X/m1", "2026-05-05", 1),
        ("X/m10", "2026-05-04", 1),
    ]
    in_utc = cut_chunks(table, CONTRACT, "UTC")
    assert in_utc.periods == ["2026-05-03", "2026-05-04", "2026-05-03"]
    assert chunks.recorded_from.tolist() == [START, START + day * 60_000_000, START + 3 * 60_000_000]


def test_no_rows_make_no_chunks() -> None:
    empty = samples([], [], [])
    assert len(cut_chunks(empty, CONTRACT, "UTC")) == 0


def test_any_changed_value_changes_the_leaf() -> None:
    table = samples(["X/m1", "X/m1"], [0, 5], [1.5, None])
    salt = b"s" * SALT_BYTES
    leaves = {leaf_hash(salt, encoded(table))}
    changed = {
        "machine_uid": ["X/m1", "X/m2"],
        "item_state": ["Executing", "Executing"],
        "operation_mode": [None, "None"],
        "power_kw": [1.5, 0.0],
        "part_delta": [0.0, None],
        "profile_id": ["p", ""],
    }
    for name, values in changed.items():
        place = table.column_names.index(name)
        other = table.set_column(place, name, pa.array(values, CONTRACT.column(name).type))
        leaves.add(leaf_hash(salt, encoded(other)))
    shifted = table["recorded_time"].cast(pa.int64()).to_numpy() + np.array([0, 1])
    later = pa.array(shifted).cast(pa.timestamp("us", tz="UTC"))
    other = table.set_column(table.column_names.index("recorded_time"), "recorded_time", later)
    leaves.add(leaf_hash(salt, encoded(other)))
    assert len(leaves) == len(changed) + 2
