"""Parquet files as partitions: read a row group at a time, they give what the same rows in memory give, to the byte."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_tables import SAMPLES, machines, profile
from test_partitions import START, thorough, worlds

from data_contracts.errors import StoreDamaged
from data_contracts.vocabulary import Silence
from features.machine_day.machine_days import MachineDays
from features.machine_day.ownership import ownership_of
from features.machine_day.roll_up import roll_up, roll_up_partitions
from features.machine_day.samples import profile_codes
from features.machine_day.survey import plan_of

SPAN = (START - timedelta(days=1), START + timedelta(days=400))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("partitions")


def written(table: pa.Table, path: Path, rows_per_group: int) -> str:
    """A file as the store writes it: sorted by machine, time and source."""
    ordered = table.sort_by([(name, "ascending") for name in ("machine_uid", "event_time", "profile_id")])
    texts = [field.name for field in SAMPLES if pa.types.is_string(field.type)]
    pq.write_table(ordered, path, row_group_size=rows_per_group, use_dictionary=texts, store_schema=False)
    return str(path)


def same(found: MachineDays, expected: MachineDays) -> bool:
    return (
        found.table.equals(expected.table)
        and found.spans.equals(expected.spans)
        and found.findings == expected.findings
    )


@thorough
@given(world=worlds(), rows_per_group=st.integers(1, 9))
def test_files_give_what_tables_give(world: dict[str, Any], rows_per_group: int, folder: Path) -> None:
    table = pa.Table.from_pylist(world["rows"], schema=SAMPLES)
    bounds = [0, *world["cuts"], len(world["rows"])]
    parts = [table.slice(lower, upper - lower) for lower, upper in pairwise(bounds)]
    files = [written(part, folder / f"{number}.parquet", rows_per_group) for number, part in enumerate(parts)]
    arguments = {"profiles": world["profiles"], "machines": machines(world["intervals"]), "as_of": world["as_of"]}
    alone = roll_up_partitions(files, span=SPAN, **arguments)
    assert same(alone, roll_up_partitions(parts, **arguments))
    with ThreadPoolExecutor(2) as pool:
        assert same(roll_up_partitions(files, span=SPAN, executor=pool, **arguments), alone)


def test_a_file_out_of_order_is_sorted_first(tmp_path: Path) -> None:
    source = profile(hold=600, silence=Silence.OFF)
    rows = [
        dict.fromkeys(SAMPLES.names)
        | {"machine_uid": uid, "event_time": START + timedelta(minutes=minute), "profile_id": source.profile_id}
        | {"item_state": "Executing", "power_kw": 1.0 + minute}
        for minute in (50, 0, 10, 40, 20)
        for uid in ("m2", "m1")
    ]
    table = pa.Table.from_pylist(rows, schema=SAMPLES)
    pq.write_table(table, tmp_path / "mixed.parquet", row_group_size=3)
    arguments = {
        "profiles": {source.profile_id: source},
        "machines": machines([("m1", "o", None, None), ("m2", "o", None, None)]),
        "as_of": START + timedelta(days=2),
    }
    found = roll_up_partitions([str(tmp_path / "mixed.parquet")], span=SPAN, **arguments)
    assert same(found, roll_up(table, **arguments))
    assert found.table["executing_seconds"].to_pylist() == [3_000.0, 3_000.0]


def test_a_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(StoreDamaged, match=r"broken\.parquet"):
        roll_up_partitions([str(broken)], profiles={}, machines=machines([]), as_of=START, span=SPAN)


def test_a_plan_is_small_enough_to_travel_with_every_partition() -> None:
    source = profile(hold=600, silence=Silence.OFF)
    owners = machines([(f"91999999MA0000001N/M{number:04}", "91999999MA0000001N", None, None) for number in range(500)])
    plan = plan_of(
        [],
        ownership=ownership_of(owners),
        profiles=profile_codes({source.profile_id: source}),
        as_of=0,
        span=(0, 10**15),
        executor=None,
    )
    plan.calendars  # noqa: B018 (made here, they must not travel)
    assert len(pickle.dumps(plan)) < 40_000
