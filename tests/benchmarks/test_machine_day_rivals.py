"""The rivals' general queries give the kernel's machine-days, on samples with everything that samples may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.machine_day_general import by_duckdb_in_general
from benchmarks.machine_day_polars import by_polars_in_general
from benchmarks.machine_day_rivals import GENERAL_MEASURES, comparable
from benchmarks.minute_samples import OBLIGOR
from data_contracts.contract import RecordKind, load_contract
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin, Silence
from features.machine_day.days import to_micros
from features.machine_day.machine_days import MachineDays
from features.machine_day.roll_up import roll_up

START = datetime(2026, 3, 27, 20, tzinfo=UTC)
"""Two days before the clocks of Rome change."""
AS_OF = START + timedelta(days=6)
MACHINES = [f"{OBLIGOR}/M{number}" for number in range(4)]
SAID = ("item_state", "operation_mode", "power_kw", "energy_register_kwh", "part_count", "part_delta")
SAMPLES = load_contract(RecordKind.SAMPLE).schema
INSTANT = pa.timestamp("us", tz="UTC")


def source(hold: float, silence: Silence, zone: str, modulus: float | None) -> SourceProfile:
    return SourceProfile(
        kind=RecordKind.SAMPLE,
        source_zone="UTC",
        site_zone=zone,
        site_zone_assumed=False,
        hold_seconds=hold,
        silence=silence,
        units={},
        vocabulary={},
        part_count_modulus=modulus,
        energy_register_modulus_kwh=modulus,
        data_origin=DataOrigin.SYNTHETIC,
        recorded_time="event_time",
    )


PROFILES = {
    profile.profile_id: profile
    for zone in ("Asia/Shanghai", "Europe/Rome")
    for hold in (60, 900, 50_000)
    for silence in Silence
    for modulus in (None, 1_000.0)
    for profile in [source(hold, silence, zone, modulus)]
}


def samples(seed: int, *, has_versions: bool) -> list[dict[str, Any]]:
    """Rows of a few machines that say now this and now that, from several sources, over gaps of seconds and days; with
    versions, some are said again, the same or otherwise, at once or after `AS_OF`."""
    random = np.random.default_rng(seed)
    rows = []
    for machine in MACHINES:
        sources = random.choice(sorted(PROFILES), 2)
        steps = random.choice([1, 30, 60, 600, 3_600, 90_000], 70, p=[0.1, 0.2, 0.3, 0.2, 0.17, 0.03])
        spoken = random.random(len(SAID)) < 0.8
        for time in START + np.cumsum(steps) * timedelta(seconds=1.25):
            row = {"machine_uid": machine, "event_time": time, "recorded_time": time, "batch_id": "b0"}
            row |= {"profile_id": str(random.choice(sources))} | words(random, spoken)
            rows.append(row)
            if has_versions and random.random() < 0.2:
                told = {} if random.random() < 0.3 else words(random, spoken)
                later = timedelta(hours=float(random.choice([1, 500])))
                rows.append(
                    row
                    | {name: value for name, value in told.items() if value is not None}
                    | {"recorded_time": time + later}
                )
    return [rows[place] for place in random.permutation(len(rows))]  # fmt: skip


def words(random: np.random.Generator, spoken: np.ndarray) -> dict[str, Any]:
    values = (
        str(random.choice(["Unknown", "NotAvailable", "OutOfService", "NotExecuting", "Executing"])),
        str(random.choice(["None", "Maintenance", "Setup", "Processing"])),
        float(random.integers(0, 50)) / 10,
        float(random.integers(0, 1_000)),
        float(random.integers(0, 1_000)),
        float(random.integers(0, 9)),
    )
    says = spoken & (random.random(len(SAID)) < 0.6)
    return {name: value if said else None for name, value, said in zip(SAID, values, says, strict=True)}


def known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each machine and instant the latest value of each name that was recorded by `AS_OF`, in the plainest words."""
    found: dict[tuple[str, datetime], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["recorded_time"]):
        if row["recorded_time"] <= AS_OF:
            place = found.setdefault((row["machine_uid"], row["event_time"]), dict(row))
            place |= {name: value for name, value in row.items() if value is not None}
    return list(found.values())


def kernel(rows: list[dict[str, Any]]) -> pd.DataFrame:
    nobody = pa.nulls(len(MACHINES), INSTANT)
    names = {"machine_uid": MACHINES, "obligor_id": [OBLIGOR] * len(MACHINES)}
    owners = pa.table(names | {"owned_from": nobody, "owned_until": nobody})
    table = pa.Table.from_pylist(known(rows), schema=SAMPLES)
    days: MachineDays = roll_up(table, profiles=PROFILES, machines=owners, as_of=AS_OF)
    frame = days.table.to_pandas()
    for name in ("first_sample", "last_sample"):
        frame[name] = (frame[name] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(microseconds=1)
    return comparable(frame.assign(day=days.table["day"].cast(pa.int32()).to_numpy()), GENERAL_MEASURES)


@pytest.mark.parametrize("has_versions", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_general_queries_give_the_kernels_machine_days(tmp_path: Path, seed: int, has_versions: bool) -> None:
    rows = samples(seed, has_versions=has_versions)
    path = tmp_path / "samples.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=SAMPLES), path)
    mine, as_of = kernel(rows), to_micros(AS_OF)
    of_duckdb = by_duckdb_in_general(
        [f"read_parquet('{path}')"], profiles=PROFILES, as_of=as_of, threads=1, has_versions=has_versions
    )
    of_polars = by_polars_in_general([pl.scan_parquet(path)], profiles=PROFILES, as_of=as_of, has_versions=has_versions)
    for other in (of_duckdb, of_polars):
        pd.testing.assert_frame_equal(comparable(other, GENERAL_MEASURES), mine, rtol=1e-9, atol=1e-6)
