"""The register: the rows that make files count. Every function takes the caller's connection and never commits."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from data_contracts.chunks import Chunks
from data_contracts.contract import Contract, RecordKind
from data_contracts.findings import QuarantinedRow
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ProfileId
from data_contracts.identity import spans
from data_contracts.observations.store import Part, StoredFile
from data_contracts.observations.tables import (
    Instant,
    batch,
    chunk,
    observation_file,
    observation_file_batch,
    observed_machine,
    quarantined_row,
    quarantined_source,
    repeated_rows,
    source_profile,
)
from data_contracts.profile import SourceProfile, parse_profile
from data_contracts.vocabulary import DataOrigin

Connection = sa.Connection
Record = sa.Row[*tuple[Any, ...]]
"""A row of a register table; its columns are attributes."""

ROWS_PER_INSERT = 20_000
VALUES_PER_QUERY = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchKey:
    """The place of a batch in the order of admission, and its public name."""

    sequence: int
    batch_id: BatchId


def take_turn(connection: Connection) -> None:
    """Let admissions happen one after another until the caller's transaction ends.

    What is a duplicate depends on what was admitted before, so two admissions must not look at once. SQLite has one
    writer: any write statement makes this connection it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE batch IN SHARE ROW EXCLUSIVE MODE"))
    else:
        connection.execute(_TURN)


# Prepared once: every admission puts these, and to put them together takes longer than to have them answered.
_TURN = sa.update(batch).where(sa.false()).values(kind=batch.c.kind)
_LAST = sa.select(sa.func.max(batch.c.sequence))
_PROFILE = sa.select(source_profile.c.profile_id).where(source_profile.c.profile_id == sa.bindparam("profile_id"))
_OBSERVED = sa.select(
    observed_machine.c.machine_uid, sa.type_coerce(observed_machine.c.first_recorded_time, sa.BigInteger)
).where(observed_machine.c.machine_uid.between(sa.bindparam("first"), sa.bindparam("last")))


def next_batch(
    connection: Connection, *, source_sha256: str, profile: SourceProfile, obligor: ObligorId | None
) -> BatchKey:
    """The key of the batch that comes next; holds as long as the turn is kept."""
    sequence = (connection.scalar(_LAST) or 0) + 1
    named = json.dumps([sequence, source_sha256, profile.profile_id, obligor], separators=(",", ":"))
    return BatchKey(sequence=sequence, batch_id=BatchId("b" + hashlib.sha256(named.encode()).hexdigest()[:24]))


def save_profile(connection: Connection, profile: SourceProfile) -> None:
    """Store the profile unless it is there."""
    profile_id = profile.profile_id
    if connection.scalar(_PROFILE, {"profile_id": profile_id}) is None:
        row = {"profile_id": profile_id, "canonical": profile.canonical()}
        connection.execute(sa.insert(source_profile), row)


def save_batch(connection: Connection, key: BatchKey, fields: Mapping[str, Any]) -> None:
    """The row of one admission."""
    connection.execute(sa.insert(batch), {"sequence": key.sequence, "batch_id": key.batch_id, **fields})


def file_row(
    file: StoredFile,
    part: Part,
    contract: Contract,
    *,
    merges: bool,
    contract_version: str,
    received_time: datetime,
) -> dict[str, Any]:
    """The register's row of a file of `part`, whose rows are in stored order and at least one."""
    units = part.table[contract.unit_column]
    return {
        "sha256": file.sha256,
        "path": file.path,
        "kind": contract.kind.value,
        "partition": part.partition,
        "bucket": part.bucket,
        "rows": part.table.num_rows,
        "bytes": file.size,
        **spans(part.table),
        "unit_from": units[0].as_py(),
        "unit_until": units[-1].as_py(),
        "merges": merges,
        "contract_version": contract_version,
        "received_time": received_time,
    }


def save_file(connection: Connection, row: Mapping[str, Any], held: Mapping[BatchId, int]) -> None:
    """A new file, and how many rows of each batch it holds."""
    connection.execute(sa.insert(observation_file), dict(row))
    shares = [{"sha256": row["sha256"], "batch_id": batch_id, "rows": rows} for batch_id, rows in held.items()]
    _insert(connection, observation_file_batch, shares)


def save_repeated(connection: Connection, batch_id: BatchId, repeated: Mapping[tuple[str, str], int]) -> None:
    """How many rows of the batch, by unit and period, said nothing new."""
    rows = [
        {"batch_id": batch_id, "unit": unit, "period": period, "rows": count}
        for (unit, period), count in sorted(repeated.items())
    ]
    _insert(connection, repeated_rows, rows)


def save_chunks(
    connection: Connection, batch_id: BatchId, chunks: Chunks, salts: Sequence[bytes], leaves: Sequence[bytes]
) -> None:
    """A row for each chunk of the batch, in the order of the leaves."""
    rows = [
        {
            "batch_id": batch_id,
            "position": position,
            "unit": unit,
            "period": period,
            "rows": count,
            "recorded_from": recorded,
            "salt": salt,
            "leaf": leaf,
        }
        for position, (unit, period, count, recorded, salt, leaf) in enumerate(
            zip(
                chunks.units,
                chunks.periods,
                chunks.rows.tolist(),
                chunks.recorded_from.tolist(),
                salts,
                leaves,
                strict=True,
            )
        )
    ]
    _insert(connection, chunk, rows)


def save_quarantined(
    connection: Connection, batch_id: BatchId, rows: Sequence[QuarantinedRow], sources: Mapping[int, str]
) -> None:
    """A row for each fault of each row that was turned away, and each such row as its source wrote it, by number."""
    records = []
    number = position = 0
    for row in rows:
        position = position + 1 if row.row_number == number else 0
        number = row.row_number
        records.append(
            {
                "batch_id": batch_id,
                "row_number": number,
                "position": position,
                "column": row.column,
                "value": row.value,
                "reason": row.reason.value,
            }
        )
    _insert(connection, quarantined_row, records)
    kept = [{"batch_id": batch_id, "row_number": number, "content": text} for number, text in sources.items()]
    _insert(connection, quarantined_source, kept)


def save_machines(
    connection: Connection, batch_id: BatchId, machines: Mapping[MachineUid, tuple[ObligorId, int]]
) -> None:
    """Note machines that telemetry spoke of: uid -> (obligor for whom it came in, earliest recorded_time in UTC µs).

    A machine keeps the obligor under whom it came in first; an earlier recorded_time replaces a later one.
    """
    if not machines:
        return
    span = {"first": min(machines), "last": max(machines)}
    known: dict[str, int] = dict(connection.execute(_OBSERVED, span).all())
    new = [
        {"machine_uid": uid, "obligor_id": obligor, "first_batch_id": batch_id, "first_recorded_time": recorded}
        for uid, (obligor, recorded) in machines.items()
        if uid not in known
    ]
    _insert(connection, observed_machine, new)
    earlier = [
        {"uid": uid, "earlier": recorded}
        for uid, (_, recorded) in machines.items()
        if uid in known and recorded < known[uid]
    ]
    if earlier:
        statement = (
            sa.update(observed_machine)
            .where(observed_machine.c.machine_uid == sa.bindparam("uid"))
            .values(first_recorded_time=sa.bindparam("earlier"))
        )
        connection.execute(statement, earlier)


def paths_of(connection: Connection, batch_id: BatchId) -> list[str]:
    """The files that hold rows of a batch, by their paths in the store."""
    of_batch = observation_file_batch.c.batch_id == batch_id
    joined = observation_file.join(observation_file_batch, observation_file_batch.c.sha256 == observation_file.c.sha256)
    return list(connection.scalars(sa.select(observation_file.c.path).select_from(joined).where(of_batch)))


def files_in(
    connection: Connection, kind: RecordKind, *, buckets: Iterable[int], event_span: tuple[int, int] | None
) -> Sequence[Record]:
    """Registered files of a kind in some buckets that reach into a span of event time (UTC microseconds, both ends
    inclusive; None: whenever)."""
    table = observation_file.c
    query = sa.select(observation_file).where(table.kind == kind, table.bucket.in_(sorted(buckets)))
    if event_span is not None:
        first, last = event_span
        query = query.where(table.event_until >= first, table.event_from <= last)
    return connection.execute(query.order_by(table.path)).all()


def files_about(
    connection: Connection,
    kind: RecordKind,
    units: Sequence[str],
    *,
    event_span: tuple[int, int],
    known_from: int | None,
) -> Sequence[Record]:
    """Registered files that hold rows of a batch of a kind which speaks of one of a few `units` and reaches into a span
    of event time (UTC microseconds, both ends inclusive).

    Batches of which nothing was known before `known_from` (UTC microseconds) are enough. The units come first, so that
    the answer takes as long as their batches are many, however many files of others lie in the same folders.
    """
    first, last = event_span
    asked = {"kind": kind.value, "units": list(units), "first": first, "last": last}
    return connection.execute(_ABOUT, {**asked, "known_from": _LEAST if known_from is None else known_from}).all()


def _about() -> sa.Select[*tuple[Any, ...]]:
    first, last, known_from = (sa.bindparam(name, type_=Instant) for name in ("first", "last", "known_from"))
    speaks = sa.select(chunk.c.batch_id).where(
        chunk.c.unit.in_(sa.bindparam("units", expanding=True)), chunk.c.recorded_from >= known_from
    )
    near = sa.select(batch.c.batch_id).where(
        *(batch.c.batch_id.in_(speaks), batch.c.kind == sa.bindparam("kind")),
        *(batch.c.event_from <= last, batch.c.event_until >= first),
    )
    held = sa.select(observation_file_batch.c.sha256).where(observation_file_batch.c.batch_id.in_(near))
    return sa.select(observation_file).where(observation_file.c.sha256.in_(held)).order_by(observation_file.c.path)


_ABOUT = _about()
_LEAST = -(2**63)


def visible_files(
    connection: Connection,
    kind: RecordKind,
    *,
    as_of: datetime,
    event_from: datetime | None,
    event_until: datetime | None,
    buckets: Iterable[int] | None,
) -> Sequence[Record]:
    """Registered files with rows that were known at `as_of` and lie in the span of event time [from, until)."""
    table = observation_file.c
    query = sa.select(observation_file).where(table.kind == kind, table.recorded_from <= as_of)
    if event_from is not None:
        query = query.where(table.event_until >= event_from)
    if event_until is not None:
        query = query.where(table.event_from < event_until)
    if buckets is not None:
        query = query.where(table.bucket.in_(sorted(buckets)))
    return connection.execute(query.order_by(table.partition, table.bucket, table.path)).all()


def observed_machines(
    connection: Connection, as_of: datetime, obligor_ids: Sequence[ObligorId] | None
) -> Sequence[Record]:
    """Machines that telemetry known at `as_of` spoke of, with the obligor for whom they first came in, and since when
    they are known (`first_recorded_time`); by machine."""
    table = observed_machine.c
    query = sa.select(table.machine_uid, table.obligor_id, table.first_recorded_time).where(
        table.first_recorded_time <= as_of
    )
    if obligor_ids is None:
        return connection.execute(query.order_by(table.machine_uid)).all()
    rows = [row for some in slices(obligor_ids) for row in connection.execute(query.where(table.obligor_id.in_(some)))]
    return sorted(rows, key=lambda row: str(row.machine_uid))


def merkle_roots(connection: Connection, batch_ids: Sequence[BatchId]) -> dict[BatchId, str]:
    """What each of these batches committed to, hex."""
    query = sa.select(batch.c.batch_id, batch.c.merkle_root)
    rows = (row for some in slices(batch_ids) for row in connection.execute(query.where(batch.c.batch_id.in_(some))))
    return {BatchId(row.batch_id): row.merkle_root for row in rows}


def units_told_of(connection: Connection, kind: RecordKind, as_of: datetime) -> list[str]:
    """The machines (obligors for ledgers) of which batches of a kind speak that were known at `as_of`, sorted."""
    query = sa.select(chunk.c.unit).join(batch, batch.c.batch_id == chunk.c.batch_id).distinct()
    known = query.where(batch.c.kind == kind, chunk.c.recorded_from <= as_of)
    return sorted(connection.scalars(known))


def batch_sequences(connection: Connection, kind: RecordKind | None) -> dict[BatchId, int]:
    """The place of each batch (of a kind, or of all) in the order of admission."""
    query = sa.select(batch.c.batch_id, batch.c.sequence)
    if kind is not None:
        query = query.where(batch.c.kind == kind)
    return dict(connection.execute(query).all())


def batches_about(connection: Connection, units: Sequence[str], as_of: datetime) -> Iterable[tuple[str, int, BatchId]]:
    """(unit, sequence, batch) of each batch with rows about one of `units` that were known at `as_of`."""
    table = chunk.c
    query = (
        sa.select(table.unit, batch.c.sequence, table.batch_id)
        .join(batch, batch.c.batch_id == table.batch_id)
        .where(table.recorded_from <= as_of)
        .distinct()
    )
    for some in slices(units):
        yield from connection.execute(query.where(table.unit.in_(some)))


def is_origin_of(connection: Connection, origin: DataOrigin, units: Sequence[str], *, besides: BatchId | None) -> bool:
    """Whether a batch of that origin, another than `besides`, speaks of one of these units."""
    table = batch.c
    of_origin = sa.select(chunk.c.batch_id).join(batch, table.batch_id == chunk.c.batch_id)
    of_origin = of_origin.where(table.data_origin == origin.value, table.batch_id != (besides or ""))
    return any(
        connection.scalar(of_origin.where(chunk.c.unit.in_(some)).limit(1)) is not None for some in slices(units)
    )


def profiles(connection: Connection) -> dict[ProfileId, SourceProfile]:
    """Every stored source profile."""
    rows = connection.execute(sa.select(source_profile.c.profile_id, source_profile.c.canonical))
    return {ProfileId(profile_id): parse_profile(canonical) for profile_id, canonical in rows}


def may_hold(file: Record, units: Sequence[str]) -> bool:
    """Whether a file's range of units reaches any of the sorted `units`."""
    place = bisect_left(units, file.unit_from)
    return place < len(units) and units[place] <= file.unit_until


def slices(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in runs that are short enough for one query."""
    return (values[start : start + VALUES_PER_QUERY] for start in range(0, len(values), VALUES_PER_QUERY))


def _insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_PER_INSERT):
        connection.execute(sa.insert(table), list(rows[start : start + ROWS_PER_INSERT]))
