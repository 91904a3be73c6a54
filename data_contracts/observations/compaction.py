"""Compaction: the many small files of a folder become one, and no read, root or leaf can tell the difference.

A gateway that posts every minute leaves a file a minute in each folder that it touches. Rows keep their batch_id and
recorded_time, so what any `as_of` sees, and what any batch commits to, is the same before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identity import repeats_identity, sort_rows
from data_contracts.observations import register
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.rewriting import Retirement, read_registered, replace_files
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import observation_file

LEAST_FILES = 8
"""A folder with fewer small files is left as it is: each rewriting costs its rows once more."""

FULL_FILE_ROWS = 4_000_000
"""A file of so many rows is full; together the files that become one have at most as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One place of a kind in the store, and how many files of it could become one."""

    kind: RecordKind
    partition: str
    bucket: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """A folder after its compaction: `files` became one of `rows` rows."""

    folder: Folder
    files: int
    rows: int


def crowded_folders(connection: Connection, *, least_files: int = LEAST_FILES) -> list[Folder]:
    """Folders with at least `least_files` small files of their contract's present version, in a fixed order."""
    table = observation_file.c
    found = []
    for kind in RecordKind:
        small = (
            sa.select(table.partition, table.bucket, table.rows)
            .where(
                table.kind == kind,
                table.contract_version == load_contract(kind).version,
                table.rows < FULL_FILE_ROWS,
            )
            .order_by(table.partition, table.bucket, table.rows, table.path)
        )
        for (partition, bucket), rows in groupby(
            connection.execute(small), key=lambda row: (row.partition, row.bucket)
        ):
            files = _fitting([row.rows for row in rows])
            if files >= max(least_files, 2):
                found.append(Folder(kind=kind, partition=partition, bucket=bucket, files=files))
    return found


def compact(connection: Connection, store: ObservationStore, folder: Folder, *, now: datetime) -> Compacted:
    """Make one file of the small files of a folder, the smallest first.

    Admissions wait until the caller's transaction ends. Raises StoreDamaged, having changed nothing, where a file's
    bytes are not those that were registered.
    """
    register.take_turn(connection)
    contract = load_contract(folder.kind)
    files = _small_files(connection, folder, contract.version)
    files = files[: _fitting([file.rows for file in files])]
    if len(files) < 2:
        return Compacted(folder=folder, files=0, rows=0)
    sequences = register.batch_sequences(connection, folder.kind)
    tables = [read_registered(store, file).select(contract.names).cast(contract.schema) for file in files]
    merged = pa.concat_tables(tables)
    batches = merged["batch_id"].combine_chunks().dictionary_encode()
    sequence = np.array([sequences[batch] for batch in batches.dictionary.to_pylist()], dtype=np.int64)
    admitted = np.argsort(sequence[batches.indices.to_numpy()], kind="stable")
    rows = sort_rows(merged.take(pa.array(admitted)), admitted, contract)
    merges = any(file.merges for file in files) or bool(repeats_identity(rows, contract).any())
    replace_files(connection, store, contract, files, rows.table, merges=merges, why=Retirement.COMPACTED, now=now)
    return Compacted(folder=folder, files=len(files), rows=merged.num_rows)


def _small_files(connection: Connection, folder: Folder, version: str) -> Sequence[Record]:
    table = observation_file.c
    query = sa.select(observation_file).where(
        table.kind == folder.kind,
        table.partition == folder.partition,
        table.bucket == folder.bucket,
        table.contract_version == version,
        table.rows < FULL_FILE_ROWS,
    )
    return connection.execute(query.order_by(table.rows, table.path)).all()


def _fitting(rows: Sequence[int]) -> int:
    """How many files of so many rows each, taken in this order, fit into one full file."""
    return int((np.cumsum(rows) <= FULL_FILE_ROWS).sum())
