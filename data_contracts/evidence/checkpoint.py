"""Checkpoints (C2SP tlog-checkpoint): the size and root of the log, signed; and proofs that lead to one.

Functions take the caller's connection and never commit. A checkpoint is never signed that contradicts one before.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from data_contracts.errors import LogDamaged
from data_contracts.evidence import log
from data_contracts.evidence.log import Connection
from data_contracts.evidence.notes import Signer
from data_contracts.evidence.tables import log_checkpoint


def sign_head(connection: Connection, signers: Sequence[Signer], *, now: datetime) -> str:
    """The checkpoint of the log as it stands in the caller's transaction, signed by every one of `signers`.

    It is not kept: whoever hands it out knows that its transaction must be committed first.
    """
    size = log.tree_size(connection)
    return _signed(signers, size, log.tree_root(connection, size), now=now)


def head_proof(connection: Connection, signers: Sequence[Signer], position: int, *, now: datetime) -> str:
    """The proof that the entry at `position` is in the tree of `sign_head`."""
    head = log.head(connection, position)
    return _proof(position, head.path, _signed(signers, head.size, head.root, now=now))


def _signed(signers: Sequence[Signer], size: int, root: bytes, *, now: datetime) -> str:
    text = checkpoint_text(signers[0].name, size, root)
    return text + "\n" + "".join(signer.signature_line(text, now=now) for signer in signers)


def keep_head(connection: Connection, signers: Sequence[Signer], *, now: datetime) -> str:
    """As `sign_head`, and kept; the log at the same size gives the checkpoint that was kept before.

    Raises LogDamaged where the log does not continue the last checkpoint that was kept.
    """
    log.take_turn(connection)  # of two who sign the same size, one must see the other's
    size, last = log.tree_size(connection), latest(connection)
    if last is None:
        note = sign_head(connection, signers, now=now)
    else:
        root = _continued_root(connection, last, size=size)
        if _size(last) == size:
            return last
        note = _signed(signers, size, root, now=now)
    connection.execute(sa.insert(log_checkpoint), {"size": size, "note": note})
    return note


def _continued_root(connection: Connection, note: str, *, size: int) -> bytes:
    """The root of the log of `size`. Raises LogDamaged unless it still has the tree that a checkpoint of ours speaks
    of."""
    signed = _size(note)
    if signed > size:
        raise LogDamaged(
            f"The log has {size} entries, but {signed} were signed for: it was rolled back.",
            hint="Restore the newest backup; nothing is signed before.",
        )
    before, root = log.tree_roots(connection, (signed, size))
    if as_base64(before) != note.split("\n")[2]:
        raise LogDamaged(
            f"The first {signed} entries of the log are not those that were signed for.",
            hint="Restore the newest backup; nothing is signed before.",
        )
    return root


_LATEST = sa.select(log_checkpoint.c.note).order_by(log_checkpoint.c.size.desc()).limit(1)


def latest(connection: Connection) -> str | None:
    """The checkpoint of the largest tree that was kept."""
    return connection.scalar(_LATEST)


def at_size(connection: Connection, size: int) -> str | None:
    """The kept checkpoint of that size."""
    return connection.scalar(sa.select(log_checkpoint.c.note).where(log_checkpoint.c.size == size))


def add_cosignature(connection: Connection, size: int, line: str) -> None:
    """Keep a witness's signature line with the checkpoint of that size, once; the caller has verified it."""
    note = at_size(connection, size)
    assert note is not None, "only a kept checkpoint is cosigned"
    if line not in note:
        connection.execute(sa.update(log_checkpoint).where(log_checkpoint.c.size == size).values(note=note + line))


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint, which is what is signed."""
    return f"{origin}\n{size}\n{as_base64(root)}\n"


def proof_text(connection: Connection, position: int, note: str) -> str:
    """A C2SP tlog-proof that the entry at `position` is in the tree of a checkpoint."""
    return _proof(position, log.inclusion_proof(connection, position, _size(note)), note)


def _proof(position: int, hashes: Sequence[bytes], note: str) -> str:
    return "\n".join(["c2sp.org/tlog-proof@v1", f"index {position}", *_lines(hashes), "", note])


def witness_request(connection: Connection, old: int, note: str) -> str:
    """What a witness that last saw the tree of size `old` needs to cosign a checkpoint (C2SP tlog-witness)."""
    hashes = log.consistency_proof(connection, old, _size(note))
    return "\n".join([f"old {old}", *_lines(hashes), "", note])


def as_base64(raw: bytes) -> str:
    """Standard base64, as all C2SP formats have it."""
    return base64.b64encode(raw).decode()


def _lines(hashes: Sequence[bytes]) -> list[str]:
    return [as_base64(digest) for digest in hashes]


def _size(note: str) -> int:
    return int(note.split("\n")[1])
