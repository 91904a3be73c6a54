"""A simulated book taken into a home of its own, and the time and room that a task on it needs by itself."""

from __future__ import annotations

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import simulator
from api.home import open_home
from api.telemetry.service import ingest_folder

RECEIVED = datetime(2026, 11, 21, tzinfo=UTC)
SEED = 1


def alone(task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The task's answer, from a process of its own, so that its memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task).result()


def make_home(folder: Path, *, obligors: int, months: int, machines: float) -> Path:
    """Simulate a book, take it in, and return its home."""
    files, home = folder / "files", folder / "home"
    simulator.simulate(
        obligors=obligors, months=months, machines_per_obligor=machines, seed=SEED, out=files, samples_for=0
    )
    opened = open_home(home)
    for result in ingest_folder(opened, files, received_time=RECEIVED, progress=_quiet):
        assert result.rows_quarantined == 0, f"{result.rows_quarantined} rows did not come in"
    opened.engine.dispose()
    return home


def peak_memory_bytes(processes: int) -> int:
    """At most so much memory was in use at once: the peak of this process, and that of the largest process it started
    and that has ended, as often as there were some at once."""
    own, largest = (
        resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own + processes * largest


def _quiet(name: str, done: int, total: int) -> None:
    del name, done, total
