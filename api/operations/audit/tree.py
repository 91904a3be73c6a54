"""The log against itself and against a checkpoint: every hash is made anew from the leaves, by the verifier's code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from api.operations.audit.discrepancy import Discrepancy, Verdict
from data_contracts.evidence import verify
from data_contracts.evidence.tables import log_checkpoint, log_entry, log_node
from data_contracts.evidence.verify import Checkpoint, Key

LogEntries = Sequence[sa.Row[Any]]
LOG = "log"


def entries_of(connection: sa.Connection) -> LogEntries:
    """Every entry in order of its place."""
    return connection.execute(sa.select(log_entry).order_by(log_entry.c.position)).all()


def examine_tree(connection: sa.Connection, entries: LogEntries) -> Iterator[Discrepancy]:
    """Whether places are given once and without a gap, and every kept subtree is the hash of what lies below it."""
    places = [row.position for row in entries]
    if places != list(range(len(places))):
        gap = next(index for index, place in enumerate(places) if index != place)
        yield _broken(f"entry {gap}", f"Entry {gap} of the log is missing.")
        return
    made = subtrees([row.leaf for row in entries])
    kept = {(row.level, row.position): row.hash for row in connection.execute(sa.select(log_node))}
    for node in sorted(made.keys() | kept.keys()):
        if made.get(node) != kept.get(node):
            yield _broken(f"subtree {node[0]}/{node[1]}", "A subtree of the log is not the hash of what lies below it.")


def examine_checkpoint(entries: LogEntries, checkpoint: Checkpoint) -> Iterator[Discrepancy]:
    """Whether the log still begins with the tree that was signed."""
    if checkpoint.size > len(entries):
        yield Discrepancy(
            verdict=Verdict.ROLLED_BACK,
            kind=LOG,
            subject=f"checkpoint {checkpoint.size}",
            message=f"{checkpoint.size} entries were signed for, {len(entries)} are there: it was rolled back or cut.",
        )
    elif verify.root_of(row.leaf for row in entries[: checkpoint.size]) != checkpoint.root:
        yield _broken(
            f"checkpoint {checkpoint.size}",
            f"The first {checkpoint.size} entries are not those that were signed for: edited, reordered or forked.",
        )


def examine_kept_checkpoints(
    connection: sa.Connection, entries: LogEntries, keys: Sequence[Key]
) -> Iterator[Discrepancy]:
    """Whether every checkpoint that the home kept is signed by its own keys and of this log."""
    for row in connection.execute(sa.select(log_checkpoint).order_by(log_checkpoint.c.size)):
        try:
            checkpoint = verify.parse_checkpoint(row.note)
            verify.require_log_keys(checkpoint, keys)
        except verify.Invalid as error:
            yield _broken(f"checkpoint {row.size}", f"A kept checkpoint does not hold: {error}")
            continue
        if checkpoint.size != row.size:
            yield _broken(f"checkpoint {row.size}", f"The checkpoint that is kept for {row.size} is of another size.")
        yield from examine_checkpoint(entries, checkpoint)


def subtrees(leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Every complete subtree above the leaves, by level and position."""
    made: dict[tuple[int, int], bytes] = {}
    level, below = 1, list(leaves)
    while len(below) > 1:
        below = [verify.hash_children(below[place], below[place + 1]) for place in range(0, len(below) - 1, 2)]
        made.update({(level, place): digest for place, digest in enumerate(below)})
        level += 1
    return made


def _broken(subject: str, message: str) -> Discrepancy:
    return Discrepancy(verdict=Verdict.LOG_BROKEN, kind=LOG, subject=subject, message=message)
