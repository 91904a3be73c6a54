"""How many samples become machine-days in a second, beside DuckDB and Polars for the same answer and beside pyarrow that
only decodes the same columns. DuckDB and Polars answer by general queries, and by shortened ones.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine_day_general import by_duckdb_in_general
from benchmarks.machine_day_polars import by_polars_in_general
from benchmarks.machine_day_rivals import by_duckdb, by_polars, comparable
from benchmarks.minute_samples import OBLIGOR, PROFILES, START, fleets, write_samples
from features.machine_day.days import to_micros
from features.machine_day.machine_days import MachineDays
from features.machine_day.ownership import ownership_of
from features.machine_day.partial import Partial, roll_partition
from features.machine_day.partition import tables_of
from features.machine_day.plan import RollUpPlan
from features.machine_day.reading import one_ahead
from features.machine_day.roll_up import machine_days_of_partials
from features.machine_day.samples import SAMPLE_COLUMNS, profile_codes
from features.machine_day.survey import plan_of

THREADS = 2
REPEATS = 3
ALONE_FROM = 100_000_000
AS_OF = START + timedelta(days=3_650)
"""Everything is known."""
Result = TypeVar("Result")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, as JSON or as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_880_000, help="about how many samples: whole days of 2,880,000")
    parser.add_argument(
        "--folder", type=Path, help="where to write them and leave them; what lies there already is measured instead"
    )
    parser.add_argument("--dask", action="store_true", help="also on two Dask worker processes (extra: cluster)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        files = samples_in(folder) or write_samples(folder, options.rows)
        result = measure(files)
        if options.dask:
            result |= measure_dask(files)
    if options.json:
        json.dump(result, sys.stdout)
        print()
        return
    for name, value in result.items():
        print(f"{name:40} {value:>20,.9g}")


def samples_in(folder: Path) -> list[Path]:
    """The files of samples in a folder, by day and bucket."""
    return sorted(folder.rglob("*.parquet"))


def measure(files: Sequence[Path]) -> dict[str, float]:
    """Rows per second of every contestant, the largest relative difference between their answers, and the most memory
    that the roll-up took, in a process of its own."""
    roll(files[:1])  # compiles the kernel, or loads it from its cache
    rows = _rows(files)
    alone = rows >= ALONE_FROM
    repeats = 1 if alone else REPEATS
    decoding = _timed(lambda: decode(files), repeats)
    rolling = _timed(lambda: roll(files), repeats)
    seconds = rolling.seconds
    found = {
        "rows": rows,
        "machine_days": sum(days.table.num_rows for days in rolling.result),
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "decode_rows_per_second": rows / decoding.seconds,
        "share_of_decode_speed": decoding.seconds / seconds,
        "share_of_decode_by_processor": decoding.processor_seconds / rolling.processor_seconds,
        "peak_memory_bytes": _peak_memory(files),
    }
    return found if alone else found | _beside(files, rows, rolling)


def measure_dask(files: Sequence[Path]) -> dict[str, float]:
    """The same on two Dask worker processes, and how long that takes of what two threads take in turn with them, the
    shortest of some runs each. Raises where a byte differs."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 (an extra)

    with (
        LocalCluster(
            n_workers=THREADS, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor()
        roll_on(files, executor)  # workers load the kernel
        rounds = [(_timed(lambda: roll(files), 1), _timed(lambda: roll_on(files, executor), 1)) for _ in range(REPEATS)]
    for mine, other in zip(rounds[-1][0].result, rounds[-1][1].result, strict=True):
        assert mine.table.equals(other.table), "Dask gave other machine-days than threads"
    threads, dask = (min(took.seconds for took in contestant) for contestant in zip(*rounds, strict=True))
    return {"dask_rows_per_second": _rows(files) / dask, "dask_ratio": dask / threads}


def _rows(files: Sequence[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)


def _beside(files: Sequence[Path], rows: int, rolling: Took[list[MachineDays]]) -> dict[str, float]:
    """The rivals on the same files, and how far their answers are from ours: `duckdb` and `polars` by general queries for
    rows of one version, which is what the store hands to the kernel; `_with_versions` those that find the latest version
    of each value themselves; `_shortened` those that use what only holds of these samples."""
    found, differences, mine = {}, [0.0], _frame(rolling.result)
    for name, rival in _rivals(files).items():
        took = _timed(rival, 1)
        found |= {
            f"{name}_rows_per_second": rows / took.seconds,
            f"times_{name}": took.seconds / rolling.seconds,
            f"times_{name}_by_processor": took.processor_seconds / rolling.processor_seconds,
        }
        differences.append(_difference(mine, took.result))
    return found | {"max_relative_difference": max(differences)}


def _rivals(files: Sequence[Path]) -> dict[str, Callable[[], pd.DataFrame]]:
    general = {"profiles": PROFILES, "as_of": to_micros(AS_OF)}
    buckets = [[str(file) for file in files if file.parent.name == str(fleet.bucket)] for fleet in fleets()]
    sources = [f"read_parquet({own})" for own in buckets if own]
    frames = [pl.scan_parquet(own) for own in buckets if own]
    of_duckdb = partial(by_duckdb_in_general, sources, **general, threads=THREADS)
    of_polars = partial(by_polars_in_general, frames, **general)
    return {
        "duckdb": lambda: comparable(of_duckdb(has_versions=False)),
        "duckdb_with_versions": lambda: comparable(of_duckdb(has_versions=True)),
        "duckdb_shortened": lambda: by_duckdb(files, THREADS),
        "polars": lambda: comparable(of_polars(has_versions=False)),
        "polars_with_versions": lambda: comparable(of_polars(has_versions=True)),
        "polars_shortened": lambda: by_polars(files),
    }


def decode(files: Sequence[Path]) -> int:
    """Every row group of every file as Arrow columns that nobody looks at; the number of rows."""
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(_decode_file, files))


def roll(files: Sequence[Path]) -> list[MachineDays]:
    """Machine-days of the files, by the kernel, on threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return roll_on(files, pool)


def roll_on(files: Sequence[Path], executor: Executor) -> list[MachineDays]:
    """Machine-days of the files, by the kernel, on an executor, bucket by bucket as a read of the store does it."""
    days = []
    for plan, partials in one_ahead(_started(files, executor)):
        days.append(machine_days_of_partials(list(partials), plan))
    return days


def _started(files: Sequence[Path], executor: Executor) -> Iterator[tuple[RollUpPlan, Iterator[Partial]]]:
    """The plan of each bucket, and its partials in the making."""
    for fleet in fleets():
        own = [str(file) for file in files if file.parent.name == str(fleet.bucket)]
        unsaid = pa.nulls(len(fleet.uids), pa.timestamp("us", tz="UTC"))
        machines = {"machine_uid": fleet.uids, "obligor_id": [OBLIGOR] * len(fleet.uids)}
        plan = plan_of(
            own,
            ownership=ownership_of(pa.table(machines | {"owned_from": unsaid, "owned_until": unsaid})),
            profiles=profile_codes(PROFILES),
            as_of=to_micros(AS_OF),
            span=(to_micros(START), to_micros(START + timedelta(days=1_000))),
            executor=executor,
        )
        yield plan, executor.map(partial(roll_partition, plan=plan), own)


def _decode_file(file: Path) -> int:
    return sum(table.num_rows for table in tables_of(str(file), SAMPLE_COLUMNS))


def _frame(days: Sequence[MachineDays]) -> pd.DataFrame:
    whole = pa.concat_tables([bucket.table for bucket in days])
    table = whole.to_pandas()
    epoch = pd.Timestamp(0, tz="UTC")
    for name in ("first_sample", "last_sample"):
        table[name] = (table[name] - epoch) // pd.Timedelta(microseconds=1)
    return comparable(table.assign(day=whole["day"].cast(pa.int32()).to_numpy()))


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


@dataclass(frozen=True, slots=True)
class Took(Generic[Result]):
    """The shortest of some runs in seconds, the least processor time of one (of all its threads), and what it gave.

    Processor time hardly minds what else the machine does.
    """

    seconds: float
    processor_seconds: float
    result: Result


def _timed(act: Callable[[], Result], repeats: int) -> Took[Result]:
    shortest, least = float("inf"), float("inf")
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        result = act()
        shortest = min(shortest, time.perf_counter() - started)
        least = min(least, time.process_time() - worked)
    return Took(shortest, least, result)


if __name__ == "__main__":
    main()
