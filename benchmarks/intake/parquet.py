"""One Parquet file through the door of admission, beside pyarrow that reads and rewrites it.

The file holds a day of one-minute samples of many machines, in the contract's columns and in the order of machine and
time, as pyarrow writes it by default. Both sides sync what they write. Synthetic; the shapes are inputs.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from api.database.engine import unit_of_work
from api.home import Home, open_home
from data_contracts.admission import admit
from data_contracts.mapping import load_mapping
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds

OBLIGOR = "91999999MA0000001N"
MACHINES = 1000
MINUTES = 1440
REPEATS = 5
SEED = 20_260_701
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 3, tzinfo=UTC)
STATES = np.array(["Executing", "NotExecuting", "OutOfService", "NotAvailable"])
MODES = np.array(["Processing", "None", "None", "None"])


def measure(*, machines: int, repeats: int) -> dict[str, Any]:
    """Seconds of both sides, the medians, and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "samples.parquet"
        pq.write_table(samples(machines), source)
        rewriting, intake = [], []
        for turn in range(repeats + 1):  # the first of each warms up
            rewriting.append(_timed(lambda: _rewrite(source, folder / "again.parquet")))
            home = open_home(folder / str(turn))
            intake.append(_timed(lambda home=home: _admit(home, source, rows=machines * MINUTES)))
            home.engine.dispose()
    rewritten, admitted = statistics.median(rewriting[1:]), statistics.median(intake[1:])
    return {
        "parquet_rows": machines * MINUTES,
        "rewrite_seconds": round(rewritten, 3),
        "intake_seconds": round(admitted, 3),
        "parquet_ratio": round(rewritten / admitted, 3),
    }


def samples(machines: int) -> pa.Table:
    """A day of one-minute samples of so many machines."""
    draw, rows = np.random.default_rng(SEED), machines * MINUTES
    names = pa.array([f"{OBLIGOR}/M{number:05}" for number in range(machines)])
    times = np.tile(np.arange(MINUTES) * 60_000_000, machines) + to_microseconds(START)
    states = draw.choice(4, rows, p=[0.5, 0.3, 0.05, 0.15])
    power = np.round(np.array([12.0, 3.0, 1.0, 0.0])[states] * draw.uniform(0.8, 1.2, rows), 2)
    later = int(timedelta(seconds=1) / timedelta(microseconds=1))
    return pa.table(
        {
            "machine_uid": names.take(pa.array(np.repeat(np.arange(machines), MINUTES))),
            "event_time": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "item_state": pa.array(STATES[states]),
            "operation_mode": pa.array(MODES[states]),
            "power_kw": pa.array(power),
            "energy_register_kwh": pa.array(np.cumsum(power).round(1) / 60.0),
            "part_count": pa.array(np.cumsum(states == 0).astype(np.float64)),
            "recorded_time": pa.array(times + later).cast(pa.timestamp("us", "UTC")),
        }
    )


def _rewrite(source: Path, target: Path) -> None:
    """What any program must do that keeps a file of its own of what it was sent."""
    pq.write_table(pq.read_table(source), target)
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _admit(home: Home, source: Path, *, rows: int) -> None:
    mapping = load_mapping("canonical_sample")
    with unit_of_work(home.engine) as connection:
        store = ObservationStore(home.observations)
        result = admit(connection, store, source, mapping, obligor=None, received_time=NOW)
    assert result.rows_admitted == rows, result.messages()


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
