"""The folder of a world: what its manifest says, what it refuses, and that the same seed gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import obligor_id
from data_contracts.mapping import RecordedColumn, load_mapping
from data_contracts.vocabulary import DataOrigin, Silence
from simulator import simulate
from simulator.world import ImpossibleWorld
from simulator.worlds import UnknownWorld
from simulator.write import KINDS_IN_ORDER, FolderNotEmpty

LEDGERS = [kind for kind in KINDS_IN_ORDER if kind not in {RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT}]


def _manifest(folder: Path) -> dict[str, Any]:
    body = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(body, dict)
    return body


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_manifest_says_what_the_world_is(small_world: WrittenWorld) -> None:
    manifest = _manifest(small_world.folder)
    assert {key: value for key, value in manifest.items() if key != "files"} == {
        "format": 1,
        "world": "base",
        "version": small_world.summary.version,
        "seed": 3,
        "parameters_hash": small_world.summary.parameters_hash,
        "obligors": 60,
        "months": 15,
        "machines_per_obligor": 4.0,
        "data_origin": "synthetic",
        "statement": "synthetic; effect sizes are inputs, not findings",
    }
    assert len(manifest["parameters_hash"]) == 64


def test_manifest_names_every_file_but_the_truth(small_world: WrittenWorld) -> None:
    files = _manifest(small_world.folder)["files"]
    hashes = _hashes(small_world.folder)
    named = {entry["path"] for entry in files} | {entry["mapping"] for entry in files} | {"manifest.json"}
    assert set(hashes) - named == {
        f"truth/{name}.parquet"
        for name in (
            "account",
            "buyer",
            "default",
            "failure",
            "machine_month",
            "machine_sale",
            "obligor",
            "obligor_month",
            "rationing",
        )
    }
    assert all(entry["sha256"] == hashes[entry["path"]] for entry in files)
    kinds = list(dict.fromkeys(entry["kind"] for entry in files))
    assert kinds[:3] == ["obligor_profile", "machine_ownership", "machine_day_report"]
    assert {entry["kind"] for entry in files} == set(KINDS_IN_ORDER)


def test_manifest_counts_rows(small_world: WrittenWorld) -> None:
    counted: dict[RecordKind, int] = {kind: len(small_world.ledger(kind)) for kind in LEDGERS}
    counted[RecordKind.MACHINE_DAY_REPORT] = len(small_world.reports())
    counted[RecordKind.SAMPLE] = len(small_world.samples())
    said: dict[str, int] = {}
    for entry in _manifest(small_world.folder)["files"]:
        said[entry["kind"]] = said.get(entry["kind"], 0) + entry["rows"]
    assert said == counted
    assert small_world.summary.machine_days == counted[RecordKind.MACHINE_DAY_REPORT]
    assert small_world.summary.orders == counted[RecordKind.PURCHASE_ORDER]


def test_mappings_read_the_worlds_own_recorded_time(small_world: WrittenWorld) -> None:
    for entry in _manifest(small_world.folder)["files"]:
        mapping = load_mapping(str(small_world.folder / entry["mapping"]))
        assert mapping.kind == entry["kind"]
        assert mapping.recorded_time == RecordedColumn(column="recorded_time")
        assert mapping.data_origin is DataOrigin.SYNTHETIC
        assert mapping.site_zone == "Asia/Shanghai"
    samples = load_mapping(str(small_world.folder / "mappings" / "sample.mapping.yaml"))
    assert (samples.hold_seconds, samples.silence) == (900.0, Silence.UNKNOWN)


@pytest.mark.parametrize("kind", [*LEDGERS, RecordKind.MACHINE_DAY_REPORT, RecordKind.SAMPLE])
def test_rows_keep_their_contract(small_world: WrittenWorld, kind: RecordKind) -> None:
    contract = load_contract(kind)
    by_kind = {RecordKind.MACHINE_DAY_REPORT: small_world.reports, RecordKind.SAMPLE: small_world.samples}
    table = by_kind[kind]() if kind in by_kind else small_world.ledger(kind)
    assert len(table) > 0
    for column in contract.source_columns:
        if column.name not in table.column_names:
            assert not column.required
            continue
        values = table[column.name]
        assert values.type == column.type
        assert not (column.required and values.null_count)
        if column.minimum is not None:
            assert pc.all(pc.greater_equal(values, column.minimum)).as_py()
        if column.allowed:
            assert set(pc.unique(values.drop_null()).to_pylist()) <= set(column.allowed)
    identity = [name for name in contract.identity if name in table.column_names]
    if kind is RecordKind.MACHINE_DAY_REPORT:
        identity = ["machine_uid", "day"]
    assert len(table.group_by([*identity, "recorded_time"]).aggregate([])) == len(table)


def test_one_file_does_not_contradict_itself(small_world: WrittenWorld) -> None:
    ownership = sorted(small_world.folder.glob("machine_ownership*.csv"))
    assert [path.name for path in ownership] == ["machine_ownership.csv", "machine_ownership_2.csv"]
    for path in ownership:
        table = pa_csv.read_csv(path)
        identity = ["machine_uid", "obligor_id", "event_time"]
        assert len(table.group_by(identity).aggregate([])) == len(table)


def test_nothing_is_recorded_after_the_end_or_before_it_happened(small_world: WrittenWorld) -> None:
    end = pa.scalar(datetime(2026, 6, 30, 16, tzinfo=UTC))
    for kind in LEDGERS:
        table = small_world.ledger(kind)
        assert pc.all(pc.less_equal(table["recorded_time"], end)).as_py()
        if not load_contract(kind).future_events or kind is RecordKind.INSURANCE_POLICY:
            assert pc.all(pc.greater(table["recorded_time"], table["event_time"])).as_py()


def test_firms_are_marked_as_invented(small_world: WrittenWorld) -> None:
    profiles = small_world.ledger(RecordKind.OBLIGOR_PROFILE)
    codes = profiles["obligor_id"].to_pylist()
    assert codes[0].startswith("91999999MA0001000")
    assert codes[-1].startswith("91999999MA0001059")
    assert [obligor_id(code) for code in codes] == codes
    assert all(name.endswith("（合成）") for name in profiles["name"].to_pylist())


def test_same_seed_same_bytes_for_any_threads(tmp_path: Path) -> None:
    sizes = {"obligors": 300, "months": 2, "seed": 11, "samples_for": 2, "sample_days": 5}
    one = simulate(**sizes, threads=1, out=tmp_path / "one")  # type: ignore[arg-type]
    two = simulate(**sizes, threads=2, out=tmp_path / "two")  # type: ignore[arg-type]
    assert one == two
    assert _hashes(tmp_path / "one") == _hashes(tmp_path / "two")


def test_another_seed_gives_another_world(small_world: WrittenWorld, tmp_path: Path) -> None:
    simulate(obligors=60, months=15, seed=4, out=tmp_path / "other", samples_for=12, sample_days=60)
    ours, theirs = _hashes(small_world.folder), _hashes(tmp_path / "other")
    same = {path for path, digest in ours.items() if theirs.get(path) == digest}
    assert {path.split("/")[0] for path in same} == {"mappings"}


def test_a_life_does_not_depend_on_who_comes_after(small_world: WrittenWorld, tmp_path: Path) -> None:
    simulate(obligors=25, months=15, seed=3, out=tmp_path / "fewer", samples_for=0)
    fewer = pq.read_table(tmp_path / "fewer" / "machine_day_report" / "2025-H2.parquet").to_pandas()
    whole = pq.read_table(small_world.folder / "machine_day_report" / "2025-H2.parquet").to_pandas()
    # what a later firm bought of the first firms it reports itself
    owners = small_world.current(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    last = max(uid.split("/")[0] for uid in fewer["machine_uid"])
    sold = owners[(owners["obligor_id"] > last) & (owners["machine_uid"].str[:18] <= last)]
    bought = sold["event_time"].dt.tz_convert("Asia/Shanghai").dt.date
    since = dict(zip(sold["machine_uid"], bought, strict=True))
    theirs = whole["day"] >= pd.Series([since.get(uid, date.max) for uid in whole["machine_uid"]])
    first_firms = whole[(whole["machine_uid"].str[:18] <= last) & ~theirs]
    assert len(first_firms) < len(whole)
    pd.testing.assert_frame_equal(fewer, first_firms.reset_index(drop=True))


def test_a_world_without_samples_names_none(tmp_path: Path) -> None:
    summary = simulate(obligors=3, months=1, seed=1, out=tmp_path / "w", samples_for=0)
    assert summary.samples == 0
    assert summary.default_rate_12m is None
    assert "sample" not in {entry["kind"] for entry in _manifest(tmp_path / "w")["files"]}


def test_refuses_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FolderNotEmpty, match="is not empty"):
        simulate(obligors=1, months=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_refuses_an_unknown_world(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorld, match="'paradise'"):
        simulate(world="paradise", out=tmp_path / "w")


@pytest.mark.parametrize(
    ("name", "value"),
    [("obligors", 0), ("obligors", 800_001), ("months", 0), ("months", 97), ("seed", -1), ("samples_for", -1)],
)
def test_refuses_an_impossible_size(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(ImpossibleWorld, match=rf"{name} is {value}\."):
        simulate(**{name: value}, out=tmp_path / "w")  # type: ignore[arg-type]
    assert not (tmp_path / "w").exists()


def test_tells_its_progress(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    simulate(obligors=2, months=2, out=tmp_path / "w", progress=lambda *step: told.append(step))
    assert told == [("machine_days", 1, 2), ("machine_days", 2, 2), ("ledgers", 1, 1)]


def test_every_file_of_the_truth_says_what_world_it_is_of(small_world: WrittenWorld) -> None:
    manifest = _manifest(small_world.folder)
    names = ("world", "version", "seed", "parameters_hash", "statement")
    told = {name.encode(): str(manifest[name]).encode() for name in names}
    files = sorted((small_world.folder / "truth").iterdir())
    assert len(files) >= 9
    for path in files:
        assert told.items() <= (pq.read_schema(path).metadata or {}).items(), path.name
