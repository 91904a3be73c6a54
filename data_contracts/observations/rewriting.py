"""Replacing registered files by others that hold the same rows, or fewer: what compaction and erasure share.

The new file is on disk before the register names it, and the register changes in the caller's transaction: whatever
happens in between, the register names files that are there. The old files stay on disk, noted as retired, until a
sweep: a reader that listed them a moment ago may still open them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from data_contracts.contract import Contract
from data_contracts.errors import StoreDamaged
from data_contracts.identifiers import BatchId
from data_contracts.observations import register
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.store import ObservationStore, Part
from data_contracts.observations.tables import observation_file, observation_file_batch, retired_file


class Retirement(StrEnum):
    """Why a file counts no more."""

    COMPACTED = "compacted"
    ERASED = "erased"


def read_registered(store: ObservationStore, file: Record) -> pa.Table:
    """All rows of a registered file, in the columns of its own contract version.

    Raises StoreDamaged unless its bytes are those that were registered: damage is never copied into a new file.
    """
    data = store.path_of(file.path).read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise StoreDamaged(f"{file.path} has other bytes than were registered.", hint="Restore it from a backup.")
    return pq.read_table(pa.BufferReader(data))


def replace_files(
    connection: Connection,
    store: ObservationStore,
    contract: Contract,
    old: Sequence[Record],
    table: pa.Table,
    *,
    merges: bool,
    why: Retirement,
    now: datetime,
) -> str | None:
    """Let one new file with the rows of `table` stand for the `old` ones, which lie in one folder.

    `table` is in stored order and not empty, or None is returned and nothing stands for them. `merges` as in the
    register. Returns the new file's path.
    """
    path = None
    if table.num_rows:
        folder = Part(partition=old[0].partition, bucket=old[0].bucket, table=table)
        (stored,) = store.write(contract.kind, [folder])
        path = stored.path
    _forget(connection, [file for file in old if file.path != path], why, now)
    if path is not None and path not in {file.path for file in old}:
        row = register.file_row(
            stored,
            folder,
            contract,
            merges=merges,
            contract_version=old[0].contract_version,
            received_time=max(file.received_time for file in old),
        )
        register.save_file(connection, row, _held(table))
    return path


def retire(connection: Connection, path: str, *, why: Retirement, now: datetime) -> None:
    """Note that a file, which the register names no more, may go."""
    connection.execute(sa.delete(retired_file).where(retired_file.c.path == path))
    connection.execute(sa.insert(retired_file), {"path": path, "retired_time": now, "why": why.value})


def _forget(connection: Connection, files: Sequence[Record], why: Retirement, now: datetime) -> None:
    """Take files out of the register and note that they are retired."""
    for file in files:
        share = observation_file_batch.c.sha256 == file.sha256
        connection.execute(sa.delete(observation_file_batch).where(share))
        connection.execute(sa.delete(observation_file).where(observation_file.c.sha256 == file.sha256))
        retire(connection, file.path, why=why, now=now)


def _held(table: pa.Table) -> dict[BatchId, int]:
    """How many rows of each batch the file holds."""
    counted = table.group_by("batch_id").aggregate([("batch_id", "count")]).sort_by("batch_id").to_pylist()
    return {BatchId(row["batch_id"]): row["batch_id_count"] for row in counted}
