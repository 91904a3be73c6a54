"""A full audit: everything that was logged before a checkpoint is what it was, by the log's key and that checkpoint
alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from api.home import Home
from api.operations.audit import files, records, tree
from api.operations.audit.discrepancy import Discrepancy, Verdict
from data_contracts.evidence import verify
from data_contracts.evidence.verify import Checkpoint, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """How many entries the log has, how many of them the checkpoint covers, and everything that is not as logged."""

    entries: int
    covered: int
    discrepancies: Sequence[Discrepancy]


def audit(connection: sa.Connection, home: Home, *, checkpoint: Checkpoint, keys: Sequence[Key]) -> Audited:
    """Examine the log, the records and the files of a home. Raises verify.Invalid where the checkpoint does not hold.

    Nothing that the home itself says is trusted: not its keys, its checkpoints, its tree or its hashes.
    """
    signed_time = verify.require_log_keys(checkpoint, keys)
    entries = tree.entries_of(connection)
    said = records.all_claims(connection, home)
    examinations = (
        tree.examine_checkpoint(entries, checkpoint),
        examine_log(connection, entries, keys),
        records.examine_records(entries, said, size=checkpoint.size, signed_time=signed_time),
        records.examine_orphans(connection),
        records.examine_chunk_salts(connection, entries),
        files.examine_observation_files(connection, home),
        files.examine_batches(connection, home),
        files.examine_register(connection),
        files.examine_snapshots(connection, home),
        files.examine_named_files(home, entries),
    )
    found = [discrepancy for examination in examinations for discrepancy in _to_the_end(examination)]
    return Audited(entries=len(entries), covered=min(checkpoint.size, len(entries)), discrepancies=found)


def _to_the_end(examination: Iterator[Discrepancy]) -> Iterator[Discrepancy]:
    """What an examination finds; where a row stops it, that row is a finding and the other examinations go on."""
    try:
        yield from examination
    except records.MALFORMED as error:
        yield Discrepancy(
            verdict=Verdict.UNREADABLE, kind="row", subject="", message=f"A row cannot be read any more: {error!r}."
        )


def examine_log(connection: sa.Connection, entries: tree.LogEntries, keys: Sequence[Key]) -> Iterator[Discrepancy]:
    """The log against itself and the checkpoints that its home kept."""
    yield from tree.examine_tree(connection, entries)
    yield from tree.examine_kept_checkpoints(connection, entries, keys)
