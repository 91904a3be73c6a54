"""Erasure: the rows of some units go, and the salts that tied them to what was committed; every leaf stays.

A leaf is the hash of a salt and the rows. Without both nobody can tell what it was of, not even by guessing the rows;
but the batch's root, and everything that rests on it, is still what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from data_contracts.chunks import periods_of
from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.identifiers import ObligorId
from data_contracts.identity import Mask
from data_contracts.observations import register
from data_contracts.observations.layout import bucket_of
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.rewriting import Retirement, read_registered, replace_files
from data_contracts.observations.rolled import withdraw_versions
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import (
    batch,
    chunk,
    observation_file,
    observation_file_batch,
    quarantined_row,
    quarantined_source,
)

Chunk = tuple[str, str]
"""Unit and period of a chunk within its batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much was erased: chunks that lost their salt, rows that went, and the files that held them or what they were
    rolled up to. Those count no more once the transaction commits, and are to be deleted then."""

    chunks: int
    rows: int
    files: tuple[str, ...]
    rolled_files: tuple[str, ...]


def erase_units(
    connection: Connection,
    store: ObservationStore,
    units: Collection[str],
    *,
    periods: Collection[str] | None = None,
    now: datetime,
) -> Erased:
    """Erase the chunks of these machines or obligors (of all their periods, if None).

    Admissions wait until the caller's transaction ends. Raises StoreDamaged, having changed nothing, where a file's
    bytes are not those that were registered.
    """
    register.take_turn(connection)
    doomed = _chunks_of(connection, units, periods)
    zones = _zones(connection, doomed)
    rows, rewritten = 0, []
    for file in _files_of(connection, doomed):
        contract = load_contract(RecordKind(file.kind))
        table = read_registered(store, file)
        gone = _is_doomed(table, contract, doomed, zones)
        if gone.any():
            left, why = table.filter(pa.array(~gone)), Retirement.ERASED
            replace_files(connection, store, contract, [file], left, merges=file.merges, why=why, now=now)
            rows += int(gone.sum())
            rewritten.append(file.path)
    emptied = withdraw_versions(connection, store, units, now=now)
    for batch_id, chunks in doomed.items():
        for unit, period in chunks:
            of_chunk = (chunk.c.batch_id == batch_id) & (chunk.c.unit == unit) & (chunk.c.period == period)
            connection.execute(sa.update(chunk).where(of_chunk).values(salt=None))
    return Erased(chunks=sum(map(len, doomed.values())), rows=rows, files=tuple(rewritten), rolled_files=tuple(emptied))


def erase_quarantined(connection: Connection, obligor: ObligorId) -> int:
    """Erase the content of rows in quarantine that came in for this obligor or name it; returns how many.

    That a row was turned away, and why, stays: it is counted in its batch.
    """
    came_for = sa.select(batch.c.batch_id).where(batch.c.obligor_id == obligor)
    names = quarantined_source.c.content.contains(obligor, autoescape=True)
    found = connection.execute(
        sa.select(quarantined_source.c.batch_id, quarantined_source.c.row_number).where(
            quarantined_source.c.batch_id.in_(came_for) | names
        )
    ).all()
    for row in found:
        fault, source = quarantined_row.c, quarantined_source.c
        of_fault = (fault.batch_id == row.batch_id) & (fault.row_number == row.row_number)
        of_source = (source.batch_id == row.batch_id) & (source.row_number == row.row_number)
        connection.execute(sa.update(quarantined_row).where(of_fault).values(value=None))
        connection.execute(sa.delete(quarantined_source).where(of_source))
    return len(found)


def _chunks_of(
    connection: Connection, units: Collection[str], periods: Collection[str] | None
) -> dict[str, set[Chunk]]:
    """The chunks to erase, by batch."""
    found: dict[str, set[Chunk]] = defaultdict(set)
    for some in _slices(sorted(units)):
        query = sa.select(chunk.c.batch_id, chunk.c.unit, chunk.c.period).where(
            chunk.c.unit.in_(some), chunk.c.salt.is_not(None)
        )
        for row in connection.execute(query):
            if periods is None or row.period in periods:
                found[row.batch_id].add((row.unit, row.period))
    return dict(found)


def _zones(connection: Connection, batches: Collection[str]) -> dict[str, str]:
    """The site zone of each batch: its chunks' periods are local to it."""
    profiles = register.profiles(connection)
    zones: dict[str, str] = {}
    for some in _slices(sorted(batches)):
        query = sa.select(batch.c.batch_id, batch.c.profile_id).where(batch.c.batch_id.in_(some))
        zones |= {row.batch_id: profiles[row.profile_id].site_zone for row in connection.execute(query)}
    return zones


def _files_of(connection: Connection, doomed: Mapping[str, set[Chunk]]) -> list[Record]:
    """Registered files that may hold rows of these chunks."""
    units = sorted({unit for chunks in doomed.values() for unit, _ in chunks})
    buckets = {bucket_of(unit) for unit in units}
    found: dict[str, Record] = {}
    for some in _slices(sorted(doomed)):
        shared = sa.select(observation_file_batch.c.sha256).where(observation_file_batch.c.batch_id.in_(some))
        query = sa.select(observation_file).where(
            observation_file.c.sha256.in_(shared),
            observation_file.c.bucket.in_(buckets),
            observation_file.c.unit_from <= units[-1],
            observation_file.c.unit_until >= units[0],
        )
        found |= {file.sha256: file for file in connection.execute(query)}
    return [found[name] for name in sorted(found)]


def _is_doomed(table: pa.Table, contract: Contract, doomed: Mapping[str, set[Chunk]], zones: Mapping[str, str]) -> Mask:
    """Which rows belong to chunks that are erased."""
    mask = np.zeros(table.num_rows, dtype=np.bool_)
    for batch_id in table["batch_id"].unique().to_pylist():
        chunks = doomed.get(batch_id, set())
        units = pa.array(sorted({unit for unit, _ in chunks}), pa.string())
        about = pc.and_(pc.equal(table["batch_id"], batch_id), pc.is_in(table[contract.unit_column], value_set=units))
        at = np.flatnonzero(about.combine_chunks().to_numpy(zero_copy_only=False))
        if len(at):
            rows = table.take(pa.array(at))
            named = zip(
                rows[contract.unit_column].to_pylist(), periods_of(rows, contract, zones[batch_id]), strict=True
            )
            mask[at] = [name in chunks for name in named]
    return mask


def _slices(values: Sequence[str]) -> list[Sequence[str]]:
    step = register.VALUES_PER_QUERY
    return [values[start : start + step] for start in range(0, len(values), step)]
