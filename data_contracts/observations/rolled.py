"""Rolled samples that are kept: what each machine sent within a day of the store, rolled up once, in versions.

A *version* is a row of a Parquet file. It rests on every row that its machine had in one partition of the samples when
it was made, and it says from when on it may differ from the version before (`added_from`) and from when on all that it
rests on was known (`known_from`). A later version comes beside the earlier ones; nothing is overwritten. What a version
holds beyond `VERSION_FIELDS` is the business of whoever makes and reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.errors import StoreDamaged
from data_contracts.identifiers import ProfileId
from data_contracts.observations import register
from data_contracts.observations.layout import bucket_of
from data_contracts.observations.places import SamplePlace
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.rewriting import Retirement, read_registered, retire
from data_contracts.observations.store import ROLLED, ObservationStore, Part
from data_contracts.observations.tables import (
    batch,
    chunk,
    machine_day_file,
    machine_day_place,
    machine_day_run,
    observation_file,
    observation_file_batch,
)

INSTANT = pa.timestamp("us", tz="UTC")
VERSION_FIELDS = (
    pa.field("machine_uid", pa.string(), nullable=False),
    pa.field("partition", pa.string(), nullable=False),
    pa.field("sequence", pa.int64(), nullable=False),
    pa.field("is_whole", pa.bool_(), nullable=False),
    pa.field("added_from", INSTANT, nullable=False),
    pa.field("known_from", INSTANT, nullable=False),
)
"""Where `is_whole` is false the version holds nothing: whoever needs that machine and day rolls its samples."""

ROWS_PER_GROUP = 4_096

Rolled = tuple[str, int]
"""Partition and bucket of a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRows:
    """What came in after the latest completed roll-up: for each machine and partition, when the first of it was known
    (microseconds); and the last batch that was looked at."""

    known_from: Mapping[tuple[str, str], int]
    sequence: int

    def known_by(self, as_of: int) -> dict[str, set[str]]:
        """By partition, the machines with new rows in it of which some were known at `as_of` (microseconds)."""
        found: dict[str, set[str]] = defaultdict(set)
        for (uid, partition), known in self.known_from.items():
            if known <= as_of:
                found[partition].add(uid)
        return dict(found)

    def machines_in(self) -> dict[Rolled, set[str]]:
        """The machines with new rows in each place that has some."""
        found: dict[Rolled, set[str]] = defaultdict(set)
        for uid, partition in self.known_from:
            found[partition, bucket_of(uid)].add(uid)
        return dict(found)


def new_rows(connection: Connection, *, machine_uids: Sequence[str] | None = None) -> NewRows:
    """What came in of these machines (all, if None) since the latest completed roll-up. A local day reaches into up to
    three partitions; of those it counts for the ones in which its batch has a file."""
    since = connection.scalar(sa.select(sa.func.max(machine_day_run.c.sequence))) or 0
    until = connection.scalar(sa.select(sa.func.max(batch.c.sequence))) or 0
    is_new = (batch.c.kind == RecordKind.SAMPLE, batch.c.sequence > since, batch.c.sequence <= until)
    places = _places_of_batches(connection, is_new)
    recorded = sa.type_coerce(chunk.c.recorded_from, sa.BigInteger)
    query = (
        sa.select(chunk.c.batch_id, chunk.c.unit, chunk.c.period, recorded)
        .join(batch, batch.c.batch_id == chunk.c.batch_id)
        .where(*is_new)
    )
    known_from: dict[tuple[str, str], int] = {}
    for batch_id, unit, period, known in _of_units(connection, query, machine_uids):
        day, bucket, own = date.fromisoformat(period), bucket_of(unit), places.get(batch_id, set())
        for partition in (str(day + timedelta(days=shift)) for shift in (-1, 0, 1)):
            if (partition, bucket) in own:
                known_from[unit, partition] = min(known, known_from.get((unit, partition), known))
    return NewRows(known_from=known_from, sequence=int(until))


def _places_of_batches(connection: Connection, is_new: Sequence[sa.ColumnElement[bool]]) -> dict[str, set[Rolled]]:
    """The places in which each of these batches has rows."""
    share, file = observation_file_batch.c, observation_file.c
    query = (
        sa.select(share.batch_id, file.partition, file.bucket)
        .join(observation_file, file.sha256 == share.sha256)
        .join(batch, batch.c.batch_id == share.batch_id)
        .where(*is_new)
    )
    found: dict[str, set[Rolled]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.batch_id].add((row.partition, row.bucket))
    return dict(found)


def machine_profiles(
    connection: Connection, *, as_of: datetime, machine_uids: Sequence[str] | None = None
) -> dict[str, set[ProfileId]]:
    """The profiles under which samples of each machine were admitted that were known at `as_of`."""
    query = (
        sa.select(chunk.c.unit, batch.c.profile_id)
        .join(batch, batch.c.batch_id == chunk.c.batch_id)
        .where(batch.c.kind == RecordKind.SAMPLE, chunk.c.recorded_from <= as_of)
        .distinct()
    )
    found: dict[str, set[ProfileId]] = defaultdict(set)
    for unit, profile_id in _of_units(connection, query, machine_uids):
        found[unit].add(ProfileId(profile_id))
    return dict(found)


def rolled_places(connection: Connection) -> set[Rolled]:
    """Places of which every machine has a version, but for what came in since."""
    rows = connection.execute(sa.select(machine_day_place.c.partition, machine_day_place.c.bucket))
    return {(row.partition, row.bucket) for row in rows}


def read_versions(
    connection: Connection,
    store: ObservationStore,
    *,
    bucket: int,
    machine_uids: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> list[pa.Table]:
    """Every version of the machines of a bucket (of these, unless None), a table for each file; all columns or these.
    Raises StoreDamaged."""
    table = machine_day_file.c
    query = sa.select(machine_day_file).where(table.bucket == bucket).order_by(table.partition, table.path)
    units = None if machine_uids is None else sorted(machine_uids)
    filters = None if units is None else [("machine_uid", "in", units)]
    found = []
    for file in connection.execute(query):
        if units is None or (units and file.unit_from <= units[-1] and file.unit_until >= units[0]):
            path = store.path_of(file.path)
            try:
                found.append(pq.read_table(path, filters=filters, columns=columns))
            except (pa.ArrowException, OSError) as error:
                raise StoreDamaged(f"{file.path} cannot be read: {error}.", hint="Restore it from a backup.") from error
    return found


def write_versions(store: ObservationStore, versions: pa.Table, *, month: str, bucket: int) -> Mapping[str, object]:
    """Write versions, sorted by machine and partition, to a file; its row for the register, which nobody knows yet."""
    part = Part(partition=month, bucket=bucket, table=versions, rows_per_group=ROWS_PER_GROUP)
    (file,) = store.write(ROLLED, [part])
    units = versions["machine_uid"]
    return {
        "sha256": file.sha256,
        "path": file.path,
        "partition": month,
        "bucket": bucket,
        "rows": versions.num_rows,
        "bytes": file.size,
        "unit_from": units[0].as_py(),
        "unit_until": units[-1].as_py(),
    }


def save_versions(
    connection: Connection, file: Mapping[str, object] | None, places: Sequence[SamplePlace], *, now: datetime
) -> bool:
    """Let a file count (None: there was nothing to write), and its places be rolled. False, and nothing is changed,
    where a file that the versions were made from counts no more: it was compacted or erased meanwhile."""
    register.take_turn(connection)
    hashes = [name for place in places for name in place.hashes]
    present: set[str] = set()
    for some in register.slices(hashes):
        query = sa.select(observation_file.c.sha256).where(observation_file.c.sha256.in_(some))
        present |= set(connection.scalars(query))
    if len(present) < len(set(hashes)):
        return False
    if file is not None and not _is_known(connection, str(file["sha256"])):
        connection.execute(sa.insert(machine_day_file), {**file, "rolled_time": now})
    rolled = rolled_places(connection)
    new = [place for place in places if (place.partition, place.bucket) not in rolled]
    if new:
        rows = [{"partition": place.partition, "bucket": place.bucket} for place in new]
        connection.execute(sa.insert(machine_day_place), rows)
    return True


def save_run(connection: Connection, sequence: int, *, now: datetime) -> None:
    """All rolled places hold what came in up to the batch of this sequence."""
    known = connection.scalar(sa.select(machine_day_run.c.sequence).where(machine_day_run.c.sequence == sequence))
    if known is None:
        connection.execute(sa.insert(machine_day_run), {"sequence": sequence, "rolled_time": now})


def withdraw_versions(
    connection: Connection, store: ObservationStore, units: Collection[str], *, now: datetime
) -> list[str]:
    """Empty every version of these machines, as their rows are erased; the files that count no more. What is left of
    their samples is rolled when it is needed next. Call it within the turn that erases."""
    table = machine_day_file.c
    query = sa.select(machine_day_file).where(table.bucket.in_(sorted({bucket_of(unit) for unit in units})))
    emptied = []
    for file in connection.execute(query.order_by(table.path)).all():
        versions = read_registered(store, file)
        gone = pc.is_in(versions["machine_uid"], value_set=pa.array(sorted(units), pa.string()))
        if pc.any(gone).as_py():
            left = _emptied(versions, gone)
            row = write_versions(store, left, month=file.partition, bucket=file.bucket)
            connection.execute(sa.delete(machine_day_file).where(table.sha256 == file.sha256))
            connection.execute(sa.insert(machine_day_file), {**row, "rolled_time": file.rolled_time})
            retire(connection, file.path, why=Retirement.ERASED, now=now)
            emptied.append(file.path)
    return emptied


def _emptied(versions: pa.Table, gone: pa.ChunkedArray) -> pa.Table:
    names = [field.name for field in VERSION_FIELDS]
    columns = {name: versions[name] for name in names}
    columns["is_whole"] = pc.and_(versions["is_whole"], pc.invert(gone))
    kept = pa.array(np.arange(len(gone)), mask=gone.to_numpy())
    for name in versions.column_names[len(names) :]:
        columns[name] = versions[name].take(kept)
    return pa.table(columns, schema=versions.schema)


def _is_known(connection: Connection, sha256: str) -> bool:
    query = sa.select(machine_day_file.c.sha256).where(machine_day_file.c.sha256 == sha256)
    return connection.scalar(query) is not None


def _of_units(
    connection: Connection, query: sa.Select[tuple[object, ...]], units: Sequence[str] | None
) -> Iterable[Record]:
    if units is None:
        return connection.execute(query)
    slices = register.slices(sorted(units))
    return (row for some in slices for row in connection.execute(query.where(chunk.c.unit.in_(some))))
