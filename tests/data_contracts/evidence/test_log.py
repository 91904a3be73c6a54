"""The log and the independent verifier against published vectors and against each other, on both databases."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import InvalidEvidence, LogDamaged, NotFound
from data_contracts.evidence import checkpoint, log, tree, verify
from data_contracts.evidence.commitment import leaf_hash, merkle_root
from data_contracts.evidence.log import Entry, new_entry
from data_contracts.evidence.notes import SignatureType, Signer, read_signer
from data_contracts.evidence.tables import log_entry, log_node, metadata

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SIGNERS = [
    Signer("millgrade.test/log", SignatureType.ED25519, b"e" * 32),
    Signer("millgrade.test/log", SignatureType.ML_DSA_44_COSIGNATURE, b"m" * 32),
]
KEYS = [verify.parse_key(signer.public_line) for signer in SIGNERS]

# The test vectors of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test.cc).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [leaf_hash(b"", bytes.fromhex(text)) for text in INPUTS]
A = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
B = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
AB = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
CD = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
E_ = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
EF = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
GH = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
ABCD = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
EFGH = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = [
    (0, 1, []),
    (0, 8, [B, CD, EFGH]),
    (5, 8, [E_, GH, ABCD]),
    (2, 3, [AB]),
    (1, 5, [A, CD, E_]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [B, CD, EFGH]), (6, 8, [EF, GH, ABCD]), (2, 5, [CD, E_])]


def folded(spans: list[tree.Span]) -> list[str]:
    return [merkle_root(LEAVES[start:stop]).hex() for start, stop in spans]


@pytest.mark.parametrize(("index", "size", "expected"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, expected: list[str]) -> None:
    assert folded(tree.inclusion_spans(index, size)) == expected
    root = verify.root_by_inclusion(LEAVES[index], index, size, [bytes.fromhex(text) for text in expected])
    assert root == merkle_root(LEAVES[:size])


@pytest.mark.parametrize(("old", "new", "expected"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, expected: list[str]) -> None:
    assert folded(tree.consistency_spans(old, new)) == expected
    path = [bytes.fromhex(text) for text in expected]
    verify.check_consistency(old, new, merkle_root(LEAVES[:old]), merkle_root(LEAVES[:new]), path)


@pytest.mark.parametrize("size", range(9))
def test_the_verifiers_root_is_the_logs(size: int) -> None:
    """`test_commitment.py` holds the log's roots to the published ones."""
    assert verify.root_of(LEAVES[:size]) == merkle_root(LEAVES[:size])
    assert [verify.hash_leaf(bytes.fromhex(text)) for text in INPUTS] == LEAVES


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Connection]:
    """The log's tables on each database; what a test does is rolled back."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    else:
        engine = request.getfixturevalue("postgresql_server")
    metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
        opened.rollback()
    if request.param == "sqlite":
        engine.dispose()


def entries(count: int, *, start: int = 0) -> list[Entry]:
    return [new_entry("thing", str(number), f'{{"n":{number}}}'.encode()) for number in range(start, start + count)]


@pytest.mark.parametrize("portions", [[1] * 9, [9], [3, 1, 5], [8, 1], [2, 7]])
def test_every_proof_of_the_log_convinces_the_verifier(connection: sa.Connection, portions: list[int]) -> None:
    said: list[Entry] = []
    for portion in portions:
        new = entries(portion, start=len(said))
        log.append(connection, new)
        said += new
    size = log.tree_size(connection)
    assert size == len(said)
    roots = [log.tree_root(connection, part) for part in range(size + 1)]
    assert roots == [merkle_root([entry.leaf for entry in said[:part]]) for part in range(size + 1)]
    for new_size in range(1, size + 1):
        for position in range(new_size):
            path = log.inclusion_proof(connection, position, new_size)
            assert verify.root_by_inclusion(said[position].leaf, position, new_size, path) == roots[new_size]
        for old in range(new_size + 1):
            path = log.consistency_proof(connection, old, new_size)
            verify.check_consistency(old, new_size, roots[old], roots[new_size], path)


def test_a_subject_is_logged_once(connection: sa.Connection) -> None:
    first, again = entries(1)[0], entries(1)[0]
    log.append(connection, [first])
    log.append(connection, [again, *entries(1, start=1)])
    assert log.tree_size(connection) == 2
    assert log.find(connection, "thing", "0").leaf == first.leaf
    with pytest.raises(NotFound, match="no thing '2'"):
        log.find(connection, "thing", "2")


def test_an_erased_entry_leaves_every_root_and_proof(connection: sa.Connection) -> None:
    log.append(connection, entries(5))
    leaf = log.find(connection, "thing", "3").leaf
    root, path = log.tree_root(connection, 5), log.inclusion_proof(connection, 3, 5)
    log.erase(connection, "thing", "3")
    row = log.find(connection, "thing", "3")
    assert (row.salt, row.leaf) == (None, leaf)
    assert (log.tree_root(connection, 5), log.inclusion_proof(connection, 3, 5)) == (root, path)
    told = log.find(connection, log.ERASURE, "thing/3")
    assert log.entry_leaf(told.salt, log.ERASURE, log.ending_bytes(log.ERASURE, "thing/3")) == told.leaf


def test_a_lost_subtree_is_named(connection: sa.Connection) -> None:
    log.append(connection, entries(5))
    connection.execute(sa.delete(log_node).where(log_node.c.level == 1, log_node.c.position == 1))
    with pytest.raises(LogDamaged, match=r"no subtree \(1, 1\)"):
        log.inclusion_proof(connection, 0, 5)


def test_a_checkpoint_and_its_proofs_verify(connection: sa.Connection) -> None:
    said = entries(6)
    log.append(connection, said)
    note = checkpoint.keep_head(connection, SIGNERS, now=NOW)
    assert checkpoint.keep_head(connection, SIGNERS, now=NOW) == note
    parsed = verify.parse_checkpoint(note)
    assert (parsed.origin, parsed.size) == ("millgrade.test/log", 6)
    assert verify.require_log_keys(parsed, KEYS) == NOW
    proof = verify.parse_proof(checkpoint.proof_text(connection, 4, note))
    assert verify.root_by_inclusion(said[4].leaf, proof.place, parsed.size, proof.path) == parsed.root


@pytest.mark.parametrize("line", range(3))
def test_a_changed_checkpoint_is_forged(connection: sa.Connection, line: int) -> None:
    log.append(connection, entries(3))
    lines = checkpoint.sign_head(connection, SIGNERS, now=NOW).split("\n")
    lines[line] = ["other.test/log", "2", base64.b64encode(bytes(32)).decode()][line]
    with pytest.raises(verify.Invalid, match="changed or forged"):
        verify.require_log_keys(verify.parse_checkpoint("\n".join(lines)), KEYS)


def test_every_key_must_have_signed(connection: sa.Connection) -> None:
    note = checkpoint.sign_head(connection, SIGNERS[:1], now=NOW)
    assert verify.require_log_keys(verify.parse_checkpoint(note), KEYS[:1]) is None
    with pytest.raises(verify.Invalid, match=r"no signature of millgrade\.test/log \(ML-DSA-44\)"):
        verify.require_log_keys(verify.parse_checkpoint(note), KEYS)


def test_nothing_is_signed_after_a_rollback_or_a_change(connection: sa.Connection) -> None:
    log.append(connection, entries(4))
    checkpoint.keep_head(connection, SIGNERS, now=NOW)
    log.append(connection, entries(1, start=4))
    connection.execute(sa.update(log_node).where(log_node.c.level == 2).values(hash=bytes(32)))
    with pytest.raises(LogDamaged, match="first 4 entries of the log are not those"):
        checkpoint.keep_head(connection, SIGNERS, now=NOW)
    connection.execute(sa.delete(log_entry).where(log_entry.c.position >= 3))
    with pytest.raises(LogDamaged, match="3 entries, but 4 were signed"):
        checkpoint.keep_head(connection, SIGNERS, now=NOW)


def test_a_witness_request_shows_that_the_log_only_grew(connection: sa.Connection) -> None:
    log.append(connection, entries(3))
    old = verify.parse_checkpoint(checkpoint.keep_head(connection, SIGNERS, now=NOW))
    log.append(connection, entries(4, start=3))
    request = checkpoint.witness_request(connection, 3, checkpoint.keep_head(connection, SIGNERS, now=NOW))
    head, _, note = request.partition("\n\n")
    told, *lines = head.split("\n")
    new = verify.parse_checkpoint(note)
    assert (told, new.size) == ("old 3", 7)
    verify.check_consistency(3, 7, old.root, new.root, [base64.b64decode(line) for line in lines])
    with pytest.raises(verify.Invalid, match="does not continue"):
        verify.check_consistency(3, 7, bytes(32), new.root, [base64.b64decode(line) for line in lines])
    with pytest.raises(verify.Invalid, match="rolled back"):
        verify.check_consistency(7, 3, new.root, old.root, [])
    with pytest.raises(verify.Invalid, match="forked"):
        verify.check_consistency(7, 7, new.root, old.root, [])


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_private_key_survives_its_line(signer: Signer) -> None:
    assert read_signer(signer.private_line) == signer
    assert signer.seed.hex() not in repr(signer)
    assert base64.b64encode(signer.seed).decode() not in repr(signer)
    with pytest.raises(InvalidEvidence):
        read_signer(signer.private_line[:-4])
    with pytest.raises(InvalidEvidence):
        read_signer(signer.public_line)


def test_the_published_signed_note() -> None:
    """The example of golang.org/x/mod/sumdb/note: we sign it to the byte and verify it, and no other text."""
    line = (
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signer = read_signer("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    assert signer.public_line == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert signer.signature_line(text, now=NOW) == line
    key, signature = verify.parse_key(signer.public_line), verify._signature(line.rstrip())
    assert verify.check_signatures(verify.Checkpoint(text, "", 0, b"", (signature,)), [key]) == [(key, None)]
    with pytest.raises(verify.Invalid, match="changed or forged"):
        verify.check_signatures(verify.Checkpoint(text.upper(), "", 0, b"", (signature,)), [key])


hashes = st.binary(min_size=32, max_size=32)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_other_proof_convinces(data: st.DataObject) -> None:
    """Any change of a leaf, an index, a size or a hash leads elsewhere."""
    size = data.draw(st.integers(1, 40))
    leaves = [leaf_hash(b"", bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = [merkle_root(leaves[start:stop]) for start, stop in tree.inclusion_spans(index, size)]
    root = merkle_root(leaves)
    assert verify.root_by_inclusion(leaves[index], index, size, path) == root
    change = data.draw(st.sampled_from(["leaf", "index", "hash", "shorter", "longer"]))
    other, place, changed = leaves[index], index, list(path)
    if change == "leaf":
        other = data.draw(hashes)
    elif change == "index":
        place = data.draw(st.integers(0, size - 1).filter(lambda value: value != index)) if size > 1 else size
    elif change == "hash" and path:
        changed[data.draw(st.integers(0, len(path) - 1))] = data.draw(hashes)
    elif change == "shorter" and path:
        changed.pop()
    else:
        changed.append(data.draw(hashes))
    try:
        found = verify.root_by_inclusion(other, place, size, changed)
    except verify.Invalid:
        return
    assert found != root


@settings(max_examples=100, deadline=None)
@given(old=st.integers(0, 60), more=st.integers(0, 60), forged=st.integers(0, 200))
def test_a_rewritten_past_never_passes(old: int, more: int, forged: int) -> None:
    leaves = [leaf_hash(b"", bytes([number])) for number in range(old + more)]
    path = [merkle_root(leaves[start:stop]) for start, stop in tree.consistency_spans(old, old + more)]
    old_root, new_root = merkle_root(leaves[:old]), merkle_root(leaves)
    verify.check_consistency(old, old + more, old_root, new_root, path)
    if not old:
        return
    rewritten = list(leaves)
    rewritten[forged % old] = bytes(32)
    path = [merkle_root(rewritten[start:stop]) for start, stop in tree.consistency_spans(old, old + more)]
    with pytest.raises(verify.Invalid):
        verify.check_consistency(old, old + more, old_root, merkle_root(rewritten), path)
