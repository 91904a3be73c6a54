"""Rolling up the samples of a home and keeping what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from api.database.engine import unit_of_work
from api.home import Home
from api.operations.errors import ClusterUnreachable
from api.snapshots.service import reader
from data_contracts.observations import rolled
from data_contracts.observations.store import ObservationStore
from features.incremental import rolled_versions, work_to_do

Progress = Callable[[str, int, int], None]

THREADS = 2
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUpDone:
    """How many days of buckets were rolled, how many versions of machines were kept, in how many files, and how many
    days were left for the next run because their samples were compacted or erased meanwhile."""

    places: int
    versions: int
    files: int
    postponed: int


def roll_up(home: Home, *, now: datetime, executor: Executor, progress: Progress) -> RollUpDone:
    """Roll up what came in since the last time, and days that are over since then; a transaction for each month and
    bucket, so that a run that is cut off has kept what it did. Reads go on meanwhile."""
    store = ObservationStore(home.observations)
    with unit_of_work(home.engine) as connection:
        works, sequence = work_to_do(reader(connection, home), as_of=now)
    places = versions = files = postponed = 0
    for number, work in enumerate(works):
        progress(f"{work.month} {work.bucket}", number, len(works))
        table = rolled_versions(work, executor=executor)
        file = rolled.write_versions(store, table, month=work.month, bucket=work.bucket) if table.num_rows else None
        with unit_of_work(home.engine) as connection:
            if not rolled.save_versions(connection, file, work.places, now=now):
                postponed += len(work.works)
                continue
        places, versions, files = places + len(work.works), versions + table.num_rows, files + (file is not None)
    if not postponed:
        with unit_of_work(home.engine) as connection:
            rolled.save_run(connection, sequence, now=now)
    return RollUpDone(places=places, versions=versions, files=files, postponed=postponed)


@contextmanager
def workers(cluster: str | None) -> Iterator[Executor]:
    """Threads of this process or, with the address of its scheduler, the workers of a Dask cluster. Raises
    ClusterUnreachable."""
    if cluster is None:
        with ThreadPoolExecutor(THREADS) as pool:
            yield pool
        return
    try:
        from distributed import Client  # noqa: PLC0415 (an extra: whoever has no cluster needs none of it)
    except ImportError as error:
        raise ClusterUnreachable("Dask is not installed.", hint="Install millgrade[cluster].") from error
    try:
        client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterUnreachable(f"No Dask scheduler answers at {cluster}.", hint="Check --cluster.") from error
    with client, client.get_executor() as executor:
        yield executor
