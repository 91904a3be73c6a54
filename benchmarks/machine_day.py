"""How fast samples become machine-days: the roll-up kernel beside decoding alone, DuckDB and pandas, in one run.

`python -m benchmarks.machine_day --rows 20000000 --json`

One-minute samples of forty machines are written as Parquet, a file a UTC day, sorted by machine and time, as the
observation store keeps them. Every contestant reads them from there. DuckDB and pandas do less than the kernel: power
and state always come together, nothing is split at midnight, and there are no counters, no owners and no partials;
what they do compute must agree with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.contract import RecordKind
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin, Silence
from features.machine_day.days import to_micros
from features.machine_day.roll_up import roll_up_partitions

MACHINES = 40
HOLD_SECONDS = 300
MINUTES_PER_DAY = 1_440
THREADS = 2
REPEATS = 3
PANDAS_ROWS = 1_000_000
OBLIGOR = "91999999MA0000001N"
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    "machine_uid",
    "event_time",
    "item_state",
    "operation_mode",
    "power_kw",
    "energy_register_kwh",
    "part_count",
    "part_delta",
    "profile_id",
)
WORDS = ["machine_uid", "item_state", "operation_mode", "profile_id"]
SOURCE = SourceProfile(
    kind=RecordKind.SAMPLE,
    source_zone="UTC",
    site_zone="UTC",
    site_zone_assumed=False,
    hold_seconds=HOLD_SECONDS,
    silence=Silence.OFF,
    units={},
    vocabulary={},
    part_count_modulus=None,
    energy_register_modulus_kwh=None,
    data_origin=DataOrigin.SYNTHETIC,
    recorded_time="event_time",
)
QUERY = """with held as ( select machine_uid, event_time, item_state, operation_mode, power_kw, part_delta,
    lead(event_time) over (partition by machine_uid order by event_time) as next_time from read_parquet({files}) ),
    spans as ( select *, least(coalesce(epoch_us(next_time), 9223372036854775807), epoch_us(event_time) + {hold}) -
    epoch_us(event_time) as micros from held ) select machine_uid, date_trunc('day', event_time) as day, sum(micros)
    filter (where item_state = 'Executing' and operation_mode = 'Processing') / 1e6 as executing_seconds, sum(micros)
    filter (where item_state = 'NotExecuting') / 1e6 as idle_seconds, sum(micros) filter (where item_state =
    'OutOfService') / 1e6 as fault_seconds, sum(micros * power_kw) / 3.6e9 as energy_kwh, max(power_kw) as peak_kw,
    sum(part_delta) as parts from spans group by all"""
Result = TypeVar("Result")
COMPARED = ("executing_seconds", "idle_seconds", "fault_seconds", "energy_kwh", "parts")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, as JSON or as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="about how many samples")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(write_samples(Path(folder), options.rows))
    if options.json:
        json.dump(result, sys.stdout)
        print()
        return
    for name, value in result.items():
        print(f"{name:32} {value:>20,.9g}")


def write_samples(folder: Path, rows: int) -> list[Path]:
    """Files of a day each, with about `rows` rows altogether; a tenth of the minutes is missing, in long gaps."""
    random = np.random.default_rng(20_260_701)
    uids = pa.array([f"{OBLIGOR}/M{number:02}" for number in range(MACHINES)])
    files = []
    days = max(1, round(rows / (MACHINES * MINUTES_PER_DAY * 0.9)))
    for day in range(days):
        kept = np.ones((MACHINES, MINUTES_PER_DAY), dtype=np.bool_)
        for machine, start in enumerate(random.integers(0, MINUTES_PER_DAY - 200, MACHINES)):
            kept[machine, start : start + MINUTES_PER_DAY // 10] = False
        kept[:, MINUTES_PER_DAY - HOLD_SECONDS // 60 :] = False  # so that no day cuts off a hold that others carry on
        machine, minute = np.nonzero(kept)
        table = _table(
            uids.take(pa.array(machine)), to_micros(START) + (day * MINUTES_PER_DAY + minute) * 60_000_000, random
        )
        files.append(folder / f"{day:05}.parquet")
        pq.write_table(table, files[-1])
    return files


def _table(uids: pa.Array, instants: Any, random: np.random.Generator) -> pa.Table:
    """Rows whose state stays for a quarter of an hour on average, and whose power follows it."""
    count = len(instants)
    changes = np.append(0, np.cumsum(random.random(count - 1) < 1 / 15))
    state = random.choice(4, size=changes[-1] + 1, p=[0.6, 0.3, 0.05, 0.05])[changes]
    states = pa.array(["Executing", "NotExecuting", "OutOfService", "NotAvailable"])
    modes = pa.array(["Processing", "None", "None", "None"])
    power = np.array([12.0, 3.0, 1.0, 0.1])[state] * random.uniform(0.8, 1.2, count)
    columns: dict[str, Any] = {
        "machine_uid": uids,
        "event_time": pa.array(instants, pa.timestamp("us", tz="UTC")),
        "item_state": states.take(pa.array(state)),
        "operation_mode": modes.take(pa.array(state)),
        "power_kw": pa.array(power),
        "energy_register_kwh": pa.nulls(count, pa.float64()),
        "part_count": pa.nulls(count, pa.float64()),
        "part_delta": pa.array(np.where(state == 0, random.integers(0, 3, count), 0).astype(np.float64)),
        "profile_id": pa.array([SOURCE.profile_id] * count),
    }
    return pa.table(columns)


def measure(files: Sequence[Path]) -> dict[str, float]:
    """Rows per second of every contestant, and the largest relative difference between their answers."""
    roll(files[:1])  # compiles the kernel, or loads it from its cache
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    decode_seconds, _ = _timed(lambda: decode(files))
    kernel_seconds, mine = _timed(lambda: roll(files))
    tables = decode(files)
    rolled_seconds, _ = _timed(lambda: roll_tables(tables))
    duckdb_seconds, by_duckdb = _timed(lambda: query(files))
    few = list(files[: max(1, len(files) * PANDAS_ROWS // rows)])
    pandas_seconds, by_pandas = _timed(lambda: frame_sums(few))
    few_rows = sum(pq.read_metadata(file).num_rows for file in few)
    differences = [_difference(mine, by_duckdb), _difference(roll(few), by_pandas)]
    speeds = {
        "rows_per_second": rows / kernel_seconds,
        "kernel_rows_per_second": rows / rolled_seconds,
        "decode_rows_per_second": rows / decode_seconds,
        "duckdb_rows_per_second": rows / duckdb_seconds,
        "pandas_rows_per_second": few_rows / pandas_seconds,
    }
    ratios = {
        "share_of_decode_speed": speeds["rows_per_second"] / speeds["decode_rows_per_second"],
        "times_duckdb": speeds["rows_per_second"] / speeds["duckdb_rows_per_second"],
        "times_pandas": speeds["rows_per_second"] / speeds["pandas_rows_per_second"],
    }
    return {"rows": rows, **speeds, **ratios, "max_relative_difference": max(differences)}


def decode(files: Sequence[Path]) -> list[pa.Table]:
    """Every file as an Arrow table, on the threads that the kernel gets too."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_read, files))


def roll(files: Sequence[Path]) -> pd.DataFrame:
    """Machine-days of the files, by the kernel; sums by machine."""
    return roll_tables(decode(files))


def roll_tables(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Machine-days of decoded partitions, each rolled on its own and merged; sums by machine."""
    uids = sorted(set(tables[0]["machine_uid"].unique().to_pylist()))
    owners = pa.table(
        {
            "machine_uid": uids,
            "obligor_id": [OBLIGOR] * len(uids),
            "owned_from": pa.nulls(len(uids), pa.timestamp("us", tz="UTC")),
            "owned_until": pa.nulls(len(uids), pa.timestamp("us", tz="UTC")),
        }
    )
    with ThreadPoolExecutor(THREADS) as pool:
        found = roll_up_partitions(
            tables,
            profiles={SOURCE.profile_id: SOURCE},
            machines=owners,
            as_of=START + timedelta(days=3_650),
            executor=pool,
        )
    return _sums(found.table.to_pandas())


def query(files: Sequence[Path]) -> pd.DataFrame:
    """The same by DuckDB window functions; sums by machine."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads to {THREADS}")
        connection.execute("set TimeZone = 'UTC'")
        text = QUERY.format(files=[str(file) for file in files], hold=HOLD_SECONDS * 1_000_000)
        return _sums(connection.sql(text).to_arrow_table().to_pandas())


def frame_sums(files: Sequence[Path]) -> pd.DataFrame:
    """The same by pandas; sums by machine."""
    frame = pa.concat_tables([_read(file) for file in files]).to_pandas().sort_values(["machine_uid", "event_time"])
    stamps = frame.groupby("machine_uid", observed=True)["event_time"]
    ahead = stamps.shift(-1).sub(frame["event_time"]).dt.total_seconds()
    seconds = ahead.clip(upper=HOLD_SECONDS).fillna(HOLD_SECONDS)
    frame["executing_seconds"] = seconds.where(frame["item_state"].eq("Executing"), 0.0)
    frame["idle_seconds"] = seconds.where(frame["item_state"].eq("NotExecuting"), 0.0)
    frame["fault_seconds"] = seconds.where(frame["item_state"].eq("OutOfService"), 0.0)
    frame["energy_kwh"] = seconds * frame["power_kw"] / 3_600
    frame["parts"] = frame["part_delta"]
    frame["day"] = frame["event_time"].dt.floor("D")
    return _sums(frame.groupby(["machine_uid", "day"], observed=True, as_index=False)[list(COMPARED)].sum())


def _read(file: Path) -> pa.Table:
    return pq.read_table(file, columns=list(COLUMNS), read_dictionary=WORDS, use_threads=False)


def _sums(days: pd.DataFrame) -> pd.DataFrame:
    return days.assign(machine_uid=days["machine_uid"].astype(str)).groupby("machine_uid")[list(COMPARED)].sum()


def _difference(mine: pd.DataFrame, other: pd.DataFrame) -> float:
    return float(((mine - other).abs() / other.abs().clip(lower=1e-300)).to_numpy().max())


def _timed(act: Callable[[], Result]) -> tuple[float, Result]:
    """The shortest of `REPEATS` runs in seconds, and what it gave."""
    shortest = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        result = act()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest, result


if __name__ == "__main__":
    main()
