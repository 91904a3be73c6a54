"""Places of samples: a day and a bucket with the files that hold it, which anyone may read who has the folder.

A place is a plain value. It can be handed to a thread or to another machine, and read there without the register.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import BatchId
from data_contracts.observations import register
from data_contracts.observations.lake import open_lake
from data_contracts.observations.query import Question, current_rows
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, observation_file_batch, to_microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlace:
    """The files of one UTC day and bucket, by their hashes and by where they lie. Where `is_contested`, versions must
    be chosen, in the order of `sequences`. Event and recorded times (microseconds) are those of the rows."""

    partition: str
    bucket: int
    hashes: tuple[str, ...]
    paths: tuple[Path, ...]
    is_contested: bool
    is_of_older_contract: bool
    sequences: Mapping[BatchId, int]
    event_from: int
    event_until: int
    recorded_from: int
    recorded_until: int

    @property
    def day(self) -> date:
        """The UTC day of all its rows."""
        return date.fromisoformat(self.partition)

    @property
    def ends(self) -> datetime:
        """When its day is over."""
        return datetime.combine(self.day + timedelta(days=1), time.min, tzinfo=UTC)

    def whole_file(self, as_of: datetime) -> str | None:
        """The path of the one file that is all that was known at `as_of`; None where rows must be chosen."""
        is_known = self.recorded_until <= to_microseconds(as_of)
        is_plain = len(self.paths) == 1 and not self.is_contested and not self.is_of_older_contract
        return str(self.paths[0]) if is_known and is_plain else None


def rows_of(
    places: Sequence[SamplePlace], *, as_of: datetime, columns: Sequence[str], machine_uids: Collection[str] | None
) -> pa.Table:
    """The rows of some places that stood at `as_of` (of these machines, unless None), as `ObservationReader.rows` gives
    them. Raises StoreDamaged for a file that cannot be read."""
    question = Question(
        names=columns,
        as_of=as_of,
        event_from=None,
        event_until=None,
        words={} if machine_uids is None else {"machine_uid": sorted(machine_uids)},
    )
    sequences: dict[BatchId, int] = {}
    for place in places:
        sequences |= place.sequences
    with open_lake() as lake:
        return current_rows(
            lake,
            load_contract(RecordKind.SAMPLE),
            question,
            settled=[path for place in places if not place.is_contested for path in place.paths],
            contested=[path for place in places if place.is_contested for path in place.paths],
            sequences=sequences,
            is_of_older_contract=any(place.is_of_older_contract for place in places),
        )


def sample_places(
    connection: Connection,
    store: ObservationStore,
    *,
    as_of: datetime,
    buckets: Collection[int] | None = None,
    machine_uids: Sequence[str] | None = None,
) -> list[SamplePlace]:
    """Places with samples that were known at `as_of`, by bucket and day; with `machine_uids`, of the files in them
    those that may hold these. Raises StoreDamaged for a missing file."""
    files = register.visible_files(
        connection, RecordKind.SAMPLE, as_of=as_of, event_from=None, event_until=None, buckets=buckets
    )
    if machine_uids is not None:
        units = sorted(machine_uids)
        files = [file for file in files if register.may_hold(file, units)]
    by_place = sorted(files, key=lambda file: (file.bucket, file.partition, file.path))
    grouped = [list(group) for _, group in groupby(by_place, key=lambda file: (file.bucket, file.partition))]
    contested = [file.sha256 for group in grouped if _is_contested(group) for file in group]
    sequences = _sequences(connection, contested)
    return [_place(store, group, sequences) for group in grouped]


def _is_contested(files: Sequence[Record]) -> bool:
    return any(file.merges for file in files)


def _place(
    store: ObservationStore, files: Sequence[Record], sequences: Mapping[str, Mapping[BatchId, int]]
) -> SamplePlace:
    version = load_contract(RecordKind.SAMPLE).version
    own: dict[BatchId, int] = {}
    for file in files:
        own |= sequences.get(file.sha256, {})
    return SamplePlace(
        partition=files[0].partition,
        bucket=files[0].bucket,
        hashes=tuple(file.sha256 for file in files),
        paths=tuple(store.path_of(file.path) for file in files),
        is_contested=_is_contested(files),
        is_of_older_contract=any(file.contract_version != version for file in files),
        sequences=own,
        event_from=min(to_microseconds(file.event_from) for file in files),
        event_until=max(to_microseconds(file.event_until) for file in files),
        recorded_from=min(to_microseconds(file.recorded_from) for file in files),
        recorded_until=max(to_microseconds(file.recorded_until) for file in files),
    )


def _sequences(connection: Connection, hashes: Sequence[str]) -> dict[str, dict[BatchId, int]]:
    """The order of admission of the batches in each of these files."""
    found: dict[str, dict[BatchId, int]] = {}
    share = observation_file_batch.c
    query = sa.select(share.sha256, share.batch_id, batch.c.sequence).join(batch, batch.c.batch_id == share.batch_id)
    for some in register.slices(hashes):
        for row in connection.execute(query.where(share.sha256.in_(some))):
            found.setdefault(row.sha256, {})[row.batch_id] = row.sequence
    return found
