"""A simulated book taken into a home of its own, and the time and room that a task on it needs by itself."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from api.home import open_home
from api.telemetry.service import ingest_file
from data_contracts.adapters.folder import check_file, mapping_of, read_manifest

RECEIVED = datetime(2026, 11, 21, tzinfo=UTC)
SEED = 1
ROWS_PER_PART = 2_000_000


def alone(task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The task's answer, from a process of its own, so that its memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task).result()


def make_home(folder: Path, *, obligors: int, months: int, machines: float) -> Path:
    """Simulate a book, take it in, and return its home."""
    import simulator  # noqa: PLC0415 (a second, which processes that only measure do without)

    files, home = folder / "files", folder / "home"
    simulator.simulate(
        obligors=obligors, months=months, machines_per_obligor=machines, seed=SEED, out=files, samples_for=0
    )
    opened = open_home(home)
    manifest = read_manifest(files)
    for file in manifest.files:
        mapping = mapping_of(files, manifest, file)
        for part in _parts(check_file(files, file), folder / "part.parquet"):
            result = ingest_file(opened, part, mapping=mapping, obligor=None, received_time=RECEIVED)
            assert result.rows_quarantined == 0, f"{result.rows_quarantined} rows did not come in"
    opened.engine.dispose()
    return home


def _parts(source: Path, place: Path) -> Iterator[Path]:
    """The file, or so many rows of it at a time: a file is taken in whole, and memory is not what is measured here."""
    rows = pq.read_metadata(source).num_rows if source.suffix == ".parquet" else 0
    if rows <= ROWS_PER_PART:
        yield source
        return
    table = pq.read_table(source)
    for start in range(0, rows, ROWS_PER_PART):
        pq.write_table(table.slice(start, ROWS_PER_PART), place)
        yield place
    place.unlink()


def peak_memory_bytes(processes: int) -> int:
    """At most so much memory was in use at once: the peak of this process, and that of the largest process it started
    and that has ended, as often as there were some at once."""
    own, largest = (
        resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own + processes * largest


def cpu_seconds() -> float:
    """Processor time of this process and of those it started and that have ended: what the work costs, however busy
    the machine is with other things."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
