"""What a home must be after every restart: register, files, commitments and the evidence log agree."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

import pyarrow.parquet as pq
import sqlalchemy as sa

from api.home import Home
from api.operations.audit.records import all_claims, examine_records
from api.operations.audit.tree import entries_of, examine_tree
from data_contracts.evidence.commitment import merkle_root
from data_contracts.observations.audit import recompute_root
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, chunk, observation_file, observation_file_batch


class Inspector:
    """Looks at a home again and again; a file whose bytes were read once is not read again: it never changes."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.read: set[str] = set()

    def faults(self) -> list[str]:
        """What disagrees now, in words; empty where all is well."""
        with self.home.engine.connect() as connection:
            return [*self._files(connection), *_counts(connection), *_roots(connection), *_log(connection, self.home)]

    def _files(self, connection: sa.Connection) -> Iterator[str]:
        for row in connection.execute(sa.select(observation_file.c.path, observation_file.c.sha256)):
            path = self.home.observations / row.path
            if not path.is_file():
                yield f"{row.path} is registered and not there"
            elif row.path not in self.read:
                if hashlib.sha256(path.read_bytes()).hexdigest() != row.sha256:
                    yield f"{row.path} has other bytes than were registered"
                self.read.add(row.path)


def _counts(connection: sa.Connection) -> Iterator[str]:
    """Files against batches: every admitted row lies in files of its batch, and files hold nothing else."""
    by_file = sa.select(
        observation_file_batch.c.sha256, sa.func.sum(observation_file_batch.c.rows).label("rows")
    ).group_by(observation_file_batch.c.sha256)
    shares = {row.sha256: row.rows for row in connection.execute(by_file)}
    for row in connection.execute(sa.select(observation_file.c.sha256, observation_file.c.rows)):
        if shares.get(row.sha256) != row.rows:
            yield f"file {row.sha256} has {row.rows} rows and shares of {shares.get(row.sha256)}"
    by_batch = sa.select(
        observation_file_batch.c.batch_id, sa.func.sum(observation_file_batch.c.rows).label("rows")
    ).group_by(observation_file_batch.c.batch_id)
    held = {row.batch_id: row.rows for row in connection.execute(by_batch)}
    for row in connection.execute(sa.select(batch.c.batch_id, batch.c.rows_admitted)):
        if held.get(row.batch_id, 0) != row.rows_admitted:
            yield f"batch {row.batch_id} admitted {row.rows_admitted} rows and files hold {held.get(row.batch_id, 0)}"


def _roots(connection: sa.Connection) -> Iterator[str]:
    """Leaves against roots."""
    leaves: dict[str, list[bytes]] = {}
    query = sa.select(chunk.c.batch_id, chunk.c.leaf).order_by(chunk.c.batch_id, chunk.c.position)
    for row in connection.execute(query):
        leaves.setdefault(row.batch_id, []).append(row.leaf)
    for row in connection.execute(sa.select(batch.c.batch_id, batch.c.merkle_root)):
        if merkle_root(leaves.get(row.batch_id, [])).hex() != row.merkle_root:
            yield f"batch {row.batch_id} has another root than its leaves"


def _log(connection: sa.Connection, home: Home) -> Iterator[str]:
    """The evidence log against itself, and every record against its entry."""
    entries = entries_of(connection)
    found = [*examine_tree(connection, entries)]
    found += examine_records(entries, all_claims(connection, home), size=len(entries), signed_time=None)
    for discrepancy in found:
        yield f"{discrepancy.kind} {discrepancy.subject} is not as logged: {discrepancy.verdict}"


def rows_kept(home: Home) -> Counter[tuple[str, str]]:
    """How often each (machine, instant) lies in registered files."""
    found: Counter[tuple[str, str]] = Counter()
    with home.engine.connect() as connection:
        paths = list(connection.scalars(sa.select(observation_file.c.path)))
    for path in paths:
        table = pq.read_table(home.observations / path, columns=["machine_uid", "event_time"])
        stamps = (stamp.isoformat() for stamp in table["event_time"].to_pylist())
        found.update(zip(table["machine_uid"].to_pylist(), stamps, strict=True))
    return found


def broken_roots(home: Home) -> int:
    """How many batches' roots do not follow from the rows that their files hold."""
    store = ObservationStore(home.observations)
    with home.engine.connect() as connection:
        batches = connection.execute(sa.select(batch.c.batch_id, batch.c.merkle_root)).all()
        return sum(recompute_root(connection, store, row.batch_id) != row.merkle_root for row in batches)
