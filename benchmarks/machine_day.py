"""How many samples become machine-days in a second, beside DuckDB and Polars for the same answer and beside pyarrow that
only decodes the same columns.

`python -m benchmarks.machine_day --rows 34560000 --json`

One-minute samples are written as the observation store keeps them (`benchmarks.minute_samples`), and every contestant
reads these files with two threads. From `--alone-from` rows on the rivals, which hold all rows in memory, are left out.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine_day_rivals import by_duckdb, by_polars, comparable
from benchmarks.minute_samples import MACHINES, OBLIGOR, PROFILES, START, uid, write_samples
from features.machine_day.machine_days import MachineDays
from features.machine_day.partition import tables_of
from features.machine_day.roll_up import roll_up_partitions
from features.machine_day.samples import SAMPLE_COLUMNS

THREADS = 2
REPEATS = 3
ALONE_FROM = 100_000_000
Result = TypeVar("Result")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, as JSON or as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_880_000, help="about how many samples: whole days of 2,880,000")
    parser.add_argument("--folder", type=Path, help="where to write them (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        result = measure(write_samples(Path(folder), options.rows))
    if options.json:
        json.dump(result, sys.stdout)
        print()
        return
    for name, value in result.items():
        print(f"{name:32} {value:>20,.9g}")


def measure(files: Sequence[Path]) -> dict[str, float]:
    """Rows per second of every contestant, the largest relative difference between their answers, and the most memory
    that the roll-up took, in a process of its own."""
    roll(files[:1])  # compiles the kernel, or loads it from its cache
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    alone = rows >= ALONE_FROM
    repeats = 1 if alone else REPEATS
    decode_seconds, _ = _timed(lambda: decode(files), repeats)
    seconds, mine = _timed(lambda: roll(files), repeats)
    found = {
        "rows": rows,
        "machine_days": mine.table.num_rows,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "decode_rows_per_second": rows / decode_seconds,
        "share_of_decode_speed": decode_seconds / seconds,
        "peak_memory_bytes": _peak_memory(files),
    }
    return found if alone else found | _beside(files, rows, seconds, _frame(mine))


def _beside(files: Sequence[Path], rows: int, seconds: float, mine: pd.DataFrame) -> dict[str, float]:
    """The rivals on the same files, and how far their answers are from ours."""
    duckdb_seconds, of_duckdb = _timed(lambda: by_duckdb(files, THREADS), 1)
    polars_seconds, of_polars = _timed(lambda: by_polars(files), 1)
    return {
        "duckdb_rows_per_second": rows / duckdb_seconds,
        "times_duckdb": duckdb_seconds / seconds,
        "polars_rows_per_second": rows / polars_seconds,
        "times_polars": polars_seconds / seconds,
        "max_relative_difference": max(_difference(mine, of_duckdb), _difference(mine, of_polars)),
    }


def decode(files: Sequence[Path]) -> int:
    """Every row group of every file as Arrow columns that nobody looks at; the number of rows."""
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(_decode_file, files))


def roll(files: Sequence[Path]) -> MachineDays:
    """Machine-days of the files, by the kernel, on threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return roll_on(files, pool)


def roll_on(files: Sequence[Path], executor: Executor) -> MachineDays:
    """Machine-days of the files, by the kernel, on an executor."""
    uids = [uid(number) for number in range(MACHINES)]
    unsaid = pa.nulls(len(uids), pa.timestamp("us", tz="UTC"))
    machines = {"machine_uid": uids, "obligor_id": [OBLIGOR] * len(uids), "owned_from": unsaid, "owned_until": unsaid}
    return roll_up_partitions(
        [str(file) for file in files],
        profiles=PROFILES,
        machines=pa.table(machines),
        as_of=START + timedelta(days=3_650),
        span=(START, START + timedelta(days=1_000)),
        executor=executor,
    )


def _decode_file(file: Path) -> int:
    return sum(table.num_rows for table in tables_of(str(file), SAMPLE_COLUMNS))


def _frame(days: MachineDays) -> pd.DataFrame:
    table = days.table.to_pandas()
    epoch = pd.Timestamp(0, tz="UTC")
    for name in ("first_sample", "last_sample"):
        table[name] = (table[name] - epoch) // pd.Timedelta(microseconds=1)
    return comparable(table.assign(day=days.table["day"].cast(pa.int32()).to_numpy()))


def _difference(mine: pd.DataFrame, other: pd.DataFrame) -> float:
    assert mine.index.equals(other.index), "not the same machine-days"
    return float(((mine - other).abs() / other.abs().clip(lower=1e-6)).to_numpy().max())


def _peak_memory(files: Sequence[Path]) -> int:
    """The largest resident size, in bytes, of a fresh process that does nothing but the roll-up."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return int(pool.apply(_roll_and_weigh, (files,)))


def _roll_and_weigh(files: Sequence[Path]) -> int:
    roll(files)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _timed(act: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """The shortest of some runs in seconds, and what it gave."""
    shortest = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        result = act()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest, result


if __name__ == "__main__":
    main()
