"""Does the store still hold what was committed to? A batch's root recomputed from its files and salts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from data_contracts.chunks import cut_chunks, leaf_hashes
from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.errors import NotFound, StoreDamaged
from data_contracts.evidence.commitment import ChunkEncoder, merkle_root
from data_contracts.identifiers import BatchId
from data_contracts.identity import sort_rows
from data_contracts.observations import register
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, chunk

_GONE = b""
"""Stands for the leaf of rows that nobody committed to, or of a chunk whose rows are gone without erasure."""


def recompute_root(connection: Connection, store: ObservationStore, batch_id: BatchId) -> str:
    """The Merkle root (hex) of a batch from the rows that its files hold now and the salts of its chunks.

    It equals `batch.merkle_root` exactly when no row was changed, added or lost since admission; a chunk that was
    erased (no salt any more) counts by its leaf. Raises NotFound for a batch that is not known, StoreDamaged when a
    file is missing or unreadable.
    """
    row = connection.execute(sa.select(batch).where(batch.c.batch_id == batch_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no batch {batch_id}.")
    contract = _as_admitted(connection, store, row)
    site_zone = register.profiles(connection)[row.profile_id].site_zone
    table = _rows_of(connection, store, contract, batch_id)
    committed = connection.execute(
        sa.select(chunk).where(chunk.c.batch_id == batch_id).order_by(chunk.c.position)
    ).all()
    salts = {(entry.unit, entry.period): entry.salt for entry in committed}
    found = _leaves(table, contract, site_zone, salts)
    leaves = [entry.leaf if entry.salt is None else found.pop((entry.unit, entry.period), _GONE) for entry in committed]
    return merkle_root([*leaves, *(_GONE for _ in found)]).hex()


def chunk_bytes(connection: Connection, store: ObservationStore, batch_id: BatchId, position: int) -> bytes:
    """The canonical bytes of one chunk of a batch, out of its files. Raises as `recompute_root`."""
    row = connection.execute(sa.select(batch).where(batch.c.batch_id == batch_id)).one_or_none()
    of_chunk = (chunk.c.batch_id == batch_id) & (chunk.c.position == position)
    entry = connection.execute(sa.select(chunk).where(of_chunk)).one_or_none()
    if row is None or entry is None:
        raise NotFound(f"There is no chunk {position} of a batch {batch_id}.")
    contract = _as_admitted(connection, store, row)
    site_zone = register.profiles(connection)[row.profile_id].site_zone
    table = _rows_of(connection, store, contract, batch_id)
    chunks = cut_chunks(table, contract, site_zone)
    named = list(zip(chunks.units, chunks.periods, strict=True))
    if (entry.unit, entry.period) not in named:
        raise StoreDamaged(f"The rows of chunk {position} of batch {batch_id} are gone.", hint="Restore a backup.")
    place = named.index((entry.unit, entry.period))
    return ChunkEncoder(table, contract, chunks.bounds).bytes_of(place)


def _leaves(
    table: pa.Table, contract: Contract, site_zone: str, salts: dict[tuple[str, str], bytes | None]
) -> dict[tuple[str, str], bytes]:
    chunks = cut_chunks(table, contract, site_zone)
    keys = list(zip(chunks.units, chunks.periods, strict=True))
    hashes = leaf_hashes(table, contract, chunks, [salts.get(key) or _GONE for key in keys])
    return dict(zip(keys, hashes, strict=True))


def _as_admitted(connection: Connection, store: ObservationStore, row: Record) -> Contract:
    """The contract that the batch was admitted under: columns only ever join a contract, and files keep their own."""
    contract = load_contract(RecordKind(row.kind))
    if row.contract_version == contract.version:
        return contract
    names = set(contract.names)
    for path in register.paths_of(connection, row.batch_id):
        try:
            names &= set(pq.read_schema(store.path_of(path)).names)
        except (pa.ArrowException, OSError) as error:
            raise StoreDamaged(f"{path} cannot be read: {error}.", hint="Restore it from a backup.") from error
    columns = tuple(column for column in contract.columns if column.name in names)
    return replace(contract, version=row.contract_version, columns=columns)


def _rows_of(connection: Connection, store: ObservationStore, contract: Contract, batch_id: BatchId) -> pa.Table:
    """The batch's rows in stored order, out of all files that hold some."""
    tables = [contract.schema.empty_table()]
    for path in register.paths_of(connection, batch_id):
        try:
            table = pq.read_table(store.path_of(path), page_checksum_verification=True)
            table = table.select(contract.names).cast(contract.schema)
            table.validate(full=True)
        except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            raise StoreDamaged(f"{path} cannot be read: {error}.", hint="Restore it from a backup.") from error
        tables.append(table)
    rows = pa.concat_tables(tables)
    rows = rows.filter(pc.equal(rows["batch_id"], batch_id))
    return sort_rows(rows, np.arange(rows.num_rows), contract).table
