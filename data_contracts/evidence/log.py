"""The append-only log: salted commitments in an RFC 6962 Merkle tree, with proofs of inclusion and of consistency.

Every function takes the caller's connection and never commits. What an entry says stays with whoever said it: the log
keeps SHA-256(0x00 || salt || kind || "\\n" || canonical bytes) only, so that erasing the bytes and the salt erases the
entry while every root and proof stays as it was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from data_contracts.errors import LogDamaged, NotFound
from data_contracts.evidence.commitment import leaf_hash, new_salts
from data_contracts.evidence.tables import log_entry, log_node
from data_contracts.evidence.tree import Node, Span, consistency_spans, fold, grown, inclusion_spans, pieces

Connection = sa.Connection

ERASURE = "erasure"
"""Kind of the entry that says that another (or a chunk) was erased; a missing salt without one is a mutation."""

RETIREMENT = "file_retirement"
"""Kind of the entry that says that a file counts no more, because another stands for it or its rows were erased."""

ENDINGS = (ERASURE, RETIREMENT)
"""Entries that say what their subject says, and whose record is gone."""

VALUES_PER_QUERY = 400

# Prepared once: every append puts these, and to put them together took longer than to have them answered.
_NAMED = sa.select(log_entry.c.kind, log_entry.c.subject).where(
    sa.tuple_(log_entry.c.kind, log_entry.c.subject).in_(sa.bindparam("names", expanding=True))
)
_LEAVES = sa.select(log_entry.c.position, log_entry.c.leaf).where(
    log_entry.c.position.in_(sa.bindparam("positions", expanding=True))
)
_NODES = sa.select(log_node).where(
    sa.tuple_(log_node.c.level, log_node.c.position).in_(sa.bindparam("places", expanding=True))
)
_ONE = sa.select(log_entry).where(
    log_entry.c.kind == sa.bindparam("kind"), log_entry.c.subject == sa.bindparam("subject")
)
_LAST = sa.select(sa.func.max(log_entry.c.position))
_TURN = sa.update(log_entry).where(sa.false()).values(kind=log_entry.c.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be logged: its kind, what it is about (unique within the kind), its bytes, and its salt."""

    kind: str
    subject: str
    canonical: bytes
    salt: bytes

    @property
    def leaf(self) -> bytes:
        """The commitment that goes into the tree."""
        return entry_leaf(self.salt, self.kind, self.canonical)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry at its place in the log."""

    position: int
    entry: Entry


def entry_leaf(salt: bytes, kind: str, canonical: bytes) -> bytes:
    """The leaf of an entry of that kind with these bytes under a salt."""
    return leaf_hash(salt, kind.encode() + b"\n" + canonical)


def new_entry(kind: str, subject: str, canonical: bytes) -> Entry:
    """An entry under a fresh salt."""
    return Entry(kind=kind, subject=subject, canonical=canonical, salt=new_salts(1)[0])


def take_turn(connection: Connection) -> bool:
    """Let those who append do so one after another until the caller's transaction ends.

    A place in the log is given once, so two must not look for the next at the same time. SQLite has one writer: any
    write statement makes this connection it. Whoever also takes the register's turn takes that one first. Returns
    whether others may have appended since the transaction began: SQLite refuses to write over what it has not seen.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE log_entry IN SHARE ROW EXCLUSIVE MODE"))
        return True
    connection.execute(_TURN)
    return False


def append(connection: Connection, entries: Sequence[Entry]) -> list[Placed]:
    """Append those of `entries` whose (kind, subject) is not in the log yet, in order; returns where they stand."""
    known = _known(connection, entries)
    if len(known) == len(entries):
        return []  # nothing to add, so nobody has to wait
    if take_turn(connection):
        known = _known(connection, entries)
    fresh = {(entry.kind, entry.subject): entry for entry in entries if (entry.kind, entry.subject) not in known}
    if not fresh:
        return []  # a rival was first
    size = tree_size(connection)
    frontier = _hashes(connection, pieces((0, size)))
    placed = [Placed(position=position, entry=entry) for position, entry in enumerate(fresh.values(), start=size)]
    leaves = [entry.leaf for entry in fresh.values()]
    made = grown([frontier[node] for node in pieces((0, size))], size, leaves)
    connection.execute(sa.insert(log_entry), [_row(one, leaf) for one, leaf in zip(placed, leaves, strict=True)])
    if made:
        nodes = [{"level": level, "position": place, "hash": digest} for (level, place), digest in made.items()]
        connection.execute(sa.insert(log_node), nodes)
    return placed


def _row(placed: Placed, leaf: bytes) -> dict[str, Any]:
    entry = placed.entry
    said = {"kind": entry.kind, "subject": entry.subject, "salt": entry.salt}
    return {"position": placed.position, "leaf": leaf, **said}


def erase(connection: Connection, kind: str, subject: str) -> None:
    """Forget the salt of an entry, and log that it was erased; the caller deletes the bytes. Raises NotFound.

    Without its salt the leaf says nothing any more, not even to one who guesses the bytes.
    """
    row = find(connection, kind, subject)
    append(connection, [ending(ERASURE, f"{kind}/{subject}")])
    connection.execute(sa.update(log_entry).where(log_entry.c.position == row.position).values(salt=None))


def ending(kind: str, subject: str) -> Entry:
    """The entry that says that something ended: which kind of end, and of what."""
    return new_entry(kind, subject, ending_bytes(kind, subject))


def ending_bytes(kind: str, subject: str) -> bytes:
    """What the entry of an ending says."""
    return json.dumps({kind: subject}, separators=(",", ":")).encode()


def counted_erasures(connection: Connection, kind: str) -> dict[str, int]:
    """How often entries of a kind about the same thing were erased; a second one is called `<subject>.1`, and so on."""
    begins = f"{kind}/"
    erased = sa.select(log_entry.c.subject).where(
        log_entry.c.kind == ERASURE, log_entry.c.subject.startswith(begins, autoescape=True)
    )
    names = (subject.removeprefix(begins).partition(".")[0] for subject in connection.scalars(erased))
    return dict(Counter(names))


def endings(connection: Connection, kind: str, subjects: Sequence[str]) -> None:
    """Log that these ended."""
    append(connection, [ending(kind, subject) for subject in subjects])


def tree_size(connection: Connection) -> int:
    """How many entries the log has."""
    last = connection.scalar(_LAST)
    return 0 if last is None else int(last) + 1


def tree_root(connection: Connection, size: int) -> bytes:
    """The root of the tree over the first `size` entries."""
    return tree_roots(connection, (size,))[0]


def tree_roots(connection: Connection, sizes: Sequence[int]) -> list[bytes]:
    """The roots of the trees over the first so many entries, of one look."""
    trees = [pieces((0, size)) for size in sizes]
    hashes = _hashes(connection, {node for nodes in trees for node in nodes})
    return [fold([hashes[node] for node in nodes]) for nodes in trees]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The log as it stands: how many entries it has, the root over them, and the path that leads one of them to it."""

    size: int
    root: bytes
    path: Sequence[bytes]


def head(connection: Connection, position: int) -> Head:
    """The head of the log and the path to it from the entry at a position, of one look."""
    size = tree_size(connection)
    nodes, spans = pieces((0, size)), inclusion_spans(position, size)
    hashes = _hashes(connection, {*nodes, *(node for span in spans for node in pieces(span))})
    return Head(
        size=size,
        root=fold([hashes[node] for node in nodes]),
        path=[fold([hashes[node] for node in pieces(span)]) for span in spans],
    )


def find(connection: Connection, kind: str, subject: str) -> sa.Row[Any]:
    """The entry (position, kind, subject, salt, leaf). Raises NotFound."""
    row = connection.execute(_ONE, {"kind": kind, "subject": subject}).one_or_none()
    if row is None:
        raise NotFound(f"The log has no {kind} {subject!r}.", hint="It was kept before the log was, or not at all.")
    return row


def inclusion_proof(connection: Connection, position: int, size: int) -> list[bytes]:
    """The hashes that lead from the entry's leaf to the root of the tree of `size`, the leaf's sibling first."""
    return _fold_spans(connection, inclusion_spans(position, size))


def consistency_proof(connection: Connection, old: int, new: int) -> list[bytes]:
    """The hashes that show that the tree of size `new` only added to that of size `old`; none when one is empty."""
    return _fold_spans(connection, consistency_spans(old, new))


def _fold_spans(connection: Connection, spans: Sequence[Span]) -> list[bytes]:
    hashes = _hashes(connection, [node for span in spans for node in pieces(span)])
    return [fold([hashes[node] for node in pieces(span)]) for span in spans]


def _hashes(connection: Connection, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Hashes of complete subtrees, leaves included. Raises LogDamaged where one is missing."""
    wanted = list(nodes)
    leaves = [place for level, place in wanted if level == 0]
    above = [(level, place) for level, place in wanted if level > 0]
    found: dict[Node, bytes] = {}
    if leaves:
        found.update({(0, row.position): row.leaf for row in connection.execute(_LEAVES, {"positions": leaves})})
    for start in range(0, len(above), VALUES_PER_QUERY):
        rows = connection.execute(_NODES, {"places": above[start : start + VALUES_PER_QUERY]})
        found.update({(row.level, row.position): row.hash for row in rows})
    if missing := set(wanted) - found.keys():
        raise LogDamaged(
            f"The log has no subtree {min(missing)} (level, position).", hint="Restore the database from a backup."
        )
    return found


def _known(connection: Connection, entries: Sequence[Entry]) -> set[tuple[str, str]]:
    known: set[tuple[str, str]] = set()
    pairs = [(entry.kind, entry.subject) for entry in entries]
    for start in range(0, len(pairs), VALUES_PER_QUERY):
        rows = connection.execute(_NAMED, {"names": pairs[start : start + VALUES_PER_QUERY]})
        known.update((row.kind, row.subject) for row in rows)
    return known
