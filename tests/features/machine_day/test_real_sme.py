"""The real manufacturer's file: the kernel against the reference, in several orders and partitionings."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from reference_roll_up import reference_days
from sample_tables import OBLIGOR, SAMPLES, machines, profile

from data_contracts.vocabulary import Silence
from features.machine_day.machine_days import MachineDays
from features.machine_day.roll_up import roll_up_partitions

pytestmark = pytest.mark.real_data
SOURCE = profile(hold=600, silence=Silence.OFF, zone="Europe/Rome")
PROFILES = {SOURCE.profile_id: SOURCE}
STATES = {1: ("Executing", "Setup"), 2: ("Executing", "Processing"), 3: ("OutOfService", "None")}
COMPARED = ("executing_seconds", "powered_seconds", "fault_seconds", "energy_kwh")
AS_OF = datetime(2022, 9, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    folder = os.environ.get("MILLGRADE_DATA")
    if not folder:
        pytest.skip("MILLGRADE_DATA is not set: the real manufacturer's file is not here")
    frame = pd.read_csv(Path(folder) / "sme_manufacturing_unipi" / "company_A_labelled_subset.csv")
    stamps = pd.to_datetime(frame["ts"], utc=True)
    return [
        {
            "machine_uid": f"{OBLIGOR}/{asset}",
            "event_time": stamp.to_pydatetime(),
            "item_state": STATES[int(status)][0],
            "operation_mode": STATES[int(status)][1],
            "power_kw": kw,
            "energy_register_kwh": None,
            "part_count": None,
            "part_delta": items,
            "profile_id": SOURCE.profile_id,
            "recorded_time": stamp.to_pydatetime(),
            "batch_id": "b0",
        }
        for stamp, asset, items, status, kw in zip(
            stamps, frame["asset"], frame["items"], frame["status"], frame["power_avg"], strict=True
        )
    ]


@pytest.fixture(scope="module")
def expected(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    intervals = [(uid, OBLIGOR, None, None) for uid in sorted({row["machine_uid"] for row in rows})]
    days = reference_days(rows, profiles=PROFILES, intervals=intervals, as_of=AS_OF)
    totals: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (uid, _, _), values in days.items():
        elements = {
            f"{name}_seconds": values.get(f"{name}_seconds", 0.0)
            for name in ("executing", "fault", "setup", "idle", "maintenance")
        }
        totals[uid]["powered_seconds"] += sum(elements.values())
        for name in ("executing_seconds", "fault_seconds"):
            totals[uid][name] += elements[name]
        totals[uid]["energy_kwh"] += values["energy_kwh"]
    return totals


def roll(tables: list[pa.Table]) -> MachineDays:
    uids = sorted(set(pa.concat_tables(tables)["machine_uid"].to_pylist()))
    owners = machines([(uid, OBLIGOR, None, None) for uid in uids])
    return roll_up_partitions(tables, profiles=PROFILES, machines=owners, as_of=AS_OF)


@pytest.mark.parametrize("partitions", [1, 2, 21, 997])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_time_and_energy_of_each_machine(
    rows: list[dict[str, Any]], expected: dict[str, dict[str, float]], partitions: int, seed: int | None
) -> None:
    assert len(rows) == 14_492
    in_time = sorted(rows, key=lambda row: row["event_time"])
    tables = [
        pa.Table.from_pylist(list(part), schema=SAMPLES) for part in np.array_split(np.array(in_time), partitions)
    ]
    if seed is not None:
        tables = [table.take(np.random.default_rng(seed).permutation(table.num_rows)) for table in tables]
    found = roll(tables).table.group_by("machine_uid").aggregate([(name, "sum") for name in COMPARED]).to_pylist()
    assert len(found) == 3
    for row in found:
        for name in COMPARED:
            assert row[f"{name}_sum"] == pytest.approx(expected[row["machine_uid"]][name], rel=1e-9), name


def test_days_are_whole(rows: list[dict[str, Any]]) -> None:
    found = roll([pa.Table.from_pylist(rows, schema=SAMPLES)]).table.to_pylist()
    assert len({row["day"] for row in found}) == 21
    inner = [row for row in found if row["first_sample"] is not None and row["day"].day not in (1, 21)]
    assert inner
    assert all(row["observed_seconds"] + row["unknown_seconds"] == 86_400 for row in inner)
