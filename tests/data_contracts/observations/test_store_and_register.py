"""Files count once the register says so: invisible before, swept when orphaned, committed to chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from front_door import NOW, OBLIGOR, Door, sample_mapping

from data_contracts import admission
from data_contracts.contract import RecordKind, load_contract
from data_contracts.errors import NotFound, StoreDamaged
from data_contracts.identifiers import BatchId
from data_contracts.observations import tables
from data_contracts.observations.audit import recompute_root
from data_contracts.observations.layout import MACHINE_BUCKETS, bucket_of
from data_contracts.observations.store import ObservationStore

HEAD = "m,t,state,kw,parts\n"


def gateway(machines: int = 3, days: int = 3, power: int = 10) -> str:
    """Three samples a day of some machines, one of them across local midnight."""
    rows = [
        f"m{machine},2026-05-{day:02d} {hour}:00,2,{power},1"
        for machine in range(machines)
        for day in range(4, 4 + days)
        for hour in ("00", "08", "23")
    ]
    return HEAD + "\n".join(rows) + "\n"


def files_of(door: Door) -> list[Path]:
    return sorted(door.store.root.rglob("*.parquet"))


def test_every_file_is_named_by_its_bytes_and_lies_in_its_place(door: Door) -> None:
    import hashlib

    door.text(gateway())
    paths = files_of(door)
    assert len(paths) > 3
    for path in paths:
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
        kind, partition, bucket, _ = path.relative_to(door.store.root).parts
        table = pq.read_table(path)
        assert kind == "sample"
        assert {bucket_of(uid) for uid in table["machine_uid"].to_pylist()} == {int(bucket)}
        assert {f"{stamp:%Y-%m-%d}" for stamp in table["event_time"].to_pylist()} == {partition}
        keys = list(zip(table["machine_uid"].to_pylist(), table["event_time"].to_pylist(), strict=True))
        assert keys == sorted(keys)
    registered = door.connection.execute(sa.select(tables.observation_file)).all()
    assert sorted(file.path for file in registered) == [path.relative_to(door.store.root).as_posix() for path in paths]
    assert sum(file.rows for file in registered) == 27
    assert not list(door.store.root.rglob("*.partial"))


def test_no_file_holds_words_of_another(door: Door) -> None:
    """A file's dictionary of machines is that of its own rows: erasing a machine's files leaves no trace of it."""
    door.text(gateway(machines=8))
    for path in files_of(door):
        column = pq.read_table(path, read_dictionary=["machine_uid"])["machine_uid"].combine_chunks()
        assert set(column.dictionary.to_pylist()) == set(column.to_pylist())


def test_buckets_spread_machines() -> None:
    buckets = [bucket_of(f"{OBLIGOR}/m{number}") for number in range(400)]
    assert set(buckets) == set(range(MACHINE_BUCKETS))
    assert min(buckets.count(bucket) for bucket in range(MACHINE_BUCKETS)) > 60


def test_a_rolled_back_admission_leaves_files_that_nobody_sees_and_a_sweep_removes(door: Door) -> None:
    door.text(gateway(machines=1))
    door.connection.commit()
    kept = files_of(door)
    door.text(gateway(machines=2))
    door.connection.rollback()
    orphans = [path for path in files_of(door) if path not in kept]
    assert orphans
    assert {row["machine_uid"] for row in door.rows()} == {f"{OBLIGOR}/m0"}
    swept = door.store.sweep(door.connection)
    assert swept == [path.relative_to(door.store.root).as_posix() for path in orphans]
    assert files_of(door) == kept
    assert len(door.rows()) == 9


def test_a_sweep_spares_what_may_still_be_committed(door: Door) -> None:
    door.text(gateway(machines=1, days=1))
    door.connection.rollback()
    old, *rest = files_of(door)
    hour_ago = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    os.utime(old, (hour_ago, hour_ago))
    swept = door.store.sweep(door.connection, written_before=datetime(2026, 5, 2, tzinfo=UTC))
    assert swept == [old.relative_to(door.store.root).as_posix()]
    assert files_of(door) == rest


def test_a_sweep_of_an_empty_store_is_no_error(door: Door) -> None:
    assert door.store.sweep(door.connection) == []


def test_a_registered_file_that_is_gone_is_a_named_error(door: Door) -> None:
    door.text(gateway())
    files_of(door)[0].unlink()
    with pytest.raises(StoreDamaged, match="has no such file"):
        door.rows()


def root_of(door: Door, batch_id: BatchId) -> str:
    root = door.connection.scalar(sa.select(tables.batch.c.merkle_root).where(tables.batch.c.batch_id == batch_id))
    assert root is not None
    return root


def test_the_root_is_that_of_the_files(door: Door) -> None:
    first = door.text(gateway())
    second = door.text(gateway(machines=4, power=11))
    for result in (first, second):
        assert recompute_root(door.connection, door.store, result.batch_id) == root_of(door, result.batch_id)
    assert first.merkle_root != second.merkle_root


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def _power(table: pa.Table) -> pa.Table:
    place = table.column_names.index("power_kw")
    return table.set_column(place, "power_kw", pc.add(table["power_kw"], 1e-12))


TAMPERED: list[tuple[str, Callable[[pa.Table], pa.Table]]] = [
    ("a value moved in its last digits", _power),
    ("a row lost", lambda table: table.slice(1)),
    ("a row added", lambda table: pa.concat_tables([table, _later(table)])),
    ("all rows lost", lambda table: table.slice(0, 0)),
]


def _later(table: pa.Table) -> pa.Table:
    place = table.column_names.index("event_time")
    later = pc.add(table["event_time"], pa.scalar(40 * 86_400_000_000, pa.duration("us")))
    return table.slice(0, 1).set_column(place, "event_time", later.slice(0, 1))


@pytest.mark.parametrize(("what", "change"), TAMPERED, ids=[case[0] for case in TAMPERED])
def test_the_root_moves_when_a_file_was_tampered_with(
    door: Door, what: str, change: Callable[[pa.Table], pa.Table]
) -> None:
    result = door.text(gateway())
    rewrite(files_of(door)[1], change)
    assert recompute_root(door.connection, door.store, result.batch_id) != root_of(door, result.batch_id), what


def test_no_flipped_byte_goes_unseen(door: Door) -> None:
    """A flipped byte makes the file unreadable or the root differ; where neither, no row has changed."""
    result = door.text(gateway(machines=1, days=1))
    path = files_of(door)[0]
    sound, rows = path.read_bytes(), pq.read_table(path)
    outcomes = {"unreadable": 0, "another root": 0, "same rows": 0}
    for position in range(4, len(sound), 23):
        flipped = bytearray(sound)
        flipped[position] ^= 0x10
        path.write_bytes(bytes(flipped))
        try:
            same = recompute_root(door.connection, door.store, result.batch_id) == root_of(door, result.batch_id)
        except StoreDamaged:
            outcomes["unreadable"] += 1
            continue
        outcomes["same rows" if same else "another root"] += 1
        if same:
            assert pq.read_table(path).equals(rows)
    assert outcomes["unreadable"] > 20


def test_an_erased_chunk_counts_by_its_leaf(door: Door) -> None:
    result = door.text(gateway())
    gone = (tables.chunk.c.unit == f"{OBLIGOR}/m1") & (tables.chunk.c.period == "2026-05-05")
    door.connection.execute(sa.update(tables.chunk).where(gone).values(salt=None))
    assert (
        recompute_root(door.connection, door.store, result.batch_id) != result.merkle_root
    )  # its rows are still there
    for path in files_of(door):
        rewrite(path, _without_m1_on_5_may)
    assert recompute_root(door.connection, door.store, result.batch_id) == result.merkle_root


def _without_m1_on_5_may(table: pa.Table) -> pa.Table:
    starts = pa.scalar(datetime(2026, 5, 4, 16, tzinfo=UTC), table.schema.field("event_time").type)
    ends = pa.scalar(datetime(2026, 5, 5, 16, tzinfo=UTC), table.schema.field("event_time").type)
    that_day = pc.and_(pc.greater_equal(table["event_time"], starts), pc.less(table["event_time"], ends))
    return table.filter(pc.invert(pc.and_(that_day, pc.equal(table["machine_uid"], f"{OBLIGOR}/m1"))))


def test_an_unknown_batch_is_a_named_error(door: Door) -> None:
    with pytest.raises(NotFound, match="no batch b0"):
        recompute_root(door.connection, door.store, BatchId("b0"))


def test_a_batch_of_an_older_contract_keeps_its_root(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column joined the contract since; what was committed to before is still found, and so is a change of it."""
    contract = load_contract(RecordKind.SAMPLE)
    older = replace(
        contract,
        version="0.9.0",
        columns=tuple(item for item in contract.columns if item.name != "energy_register_kwh"),
    )
    assert len(older.columns) == len(contract.columns) - 1
    with monkeypatch.context() as then:
        then.setattr(admission, "load_contract", lambda _: older)
        result = door.text(gateway())
    assert recompute_root(door.connection, door.store, result.batch_id) == result.merkle_root
    for path in files_of(door):
        rewrite(path, _without_m1_on_5_may)
    assert recompute_root(door.connection, door.store, result.batch_id) != result.merkle_root


def test_chunks_cover_the_batch(door: Door) -> None:
    result = door.text(gateway())
    chunks = door.connection.execute(sa.select(tables.chunk).order_by(tables.chunk.c.position)).all()
    assert [chunk.position for chunk in chunks] == list(range(9))
    assert [(chunk.unit, chunk.period) for chunk in chunks] == [
        (f"{OBLIGOR}/m{machine}", f"2026-05-0{day}") for machine in range(3) for day in (4, 5, 6)
    ]
    assert {chunk.rows for chunk in chunks} == {3}
    assert {chunk.batch_id for chunk in chunks} == {result.batch_id}
    assert len({chunk.salt for chunk in chunks}) == 9


def test_the_register_works_on_postgresql(postgresql: sa.Engine, tmp_path: Path) -> None:
    with postgresql.connect() as connection:
        door = Door(connection=connection, store=ObservationStore(tmp_path / "observations"), folder=tmp_path)
        first = door.text(gateway())
        assert (first.rows_admitted, first.rows_quarantined) == (27, 0)
        again = door.text(gateway() + "m1,2026-05-04 09:00,7,1,1\n")
        assert (again.rows_admitted, again.rows_duplicate, again.rows_quarantined) == (0, 27, 1)
        corrected = door.text(gateway(machines=1, days=1, power=12))
        assert corrected.rows_admitted == 3
        connection.commit()
        assert [row["power_kw"] for row in door.rows(machine_uids=[f"{OBLIGOR}/m0"])] == [12.0] * 3 + [10.0] * 6
        assert door.reader().machines(as_of=NOW)["machine_uid"].to_pylist() == [f"{OBLIGOR}/m{n}" for n in range(3)]
        assert door.reader().batches(as_of=NOW, obligor_ids=[OBLIGOR]) == [first.batch_id, corrected.batch_id]
        assert recompute_root(connection, door.store, first.batch_id) == first.merkle_root


def test_admissions_wait_for_their_turn(postgresql: sa.Engine, tmp_path: Path) -> None:
    """While one admission is not committed, another cannot even look at what is there."""
    with postgresql.connect() as one, postgresql.connect() as two:
        store = ObservationStore(tmp_path / "observations")
        Door(connection=one, store=store, folder=tmp_path).text(gateway(machines=9, days=1))
        two.execute(sa.text("SET lock_timeout = '100ms'"))
        second = Door(connection=two, store=store, folder=tmp_path / "two")
        second.folder.mkdir()
        with pytest.raises(sa.exc.OperationalError, match=r"lock timeout(.|\n)*LOCK TABLE batch"):
            second.text(gateway(machines=9, days=1))
        two.rollback()
        one.commit()
        assert second.text(gateway(machines=9, days=1)).rows_admitted == 0


def test_instants_come_back_as_they_went_in(door: Door) -> None:
    moment = datetime(2026, 5, 4, 8, 5, 0, 123456, tzinfo=UTC)
    door.received = moment
    door.text(gateway(days=1).replace("23:00", "08:01"), sample_mapping())
    assert door.connection.scalar(sa.select(tables.batch.c.received_time)) == moment
    assert tables.from_microseconds(tables.to_microseconds(moment)) == moment


def test_a_store_that_cannot_be_read_is_a_named_error(door: Door) -> None:
    result = door.text(gateway())
    files_of(door)[0].write_bytes(b"PAR1 no longer")
    with pytest.raises(StoreDamaged, match="cannot be read"):
        recompute_root(door.connection, door.store, result.batch_id)


def test_ledgers_lie_by_year_and_reports_by_local_month(door: Door, canonical: Callable[..., Any]) -> None:
    head = "obligor_id,event_time,trigger,rule_version,recorded_time\n"
    lines = [f"{OBLIGOR},{year}-03-01T00:00:00Z,days_past_due_90,1,{year}-03-01T00:00:00Z\n" for year in (2024, 2025)]
    door.text(head + "".join(lines), canonical(RecordKind.DEFAULT_EVENT), obligor=None)
    elements = (
        "unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,executing_seconds,idle_seconds"
    )
    days = [f"{OBLIGOR}/m1,2026-{day},0,86400,0,0,0,0,0,2026-06-02T00:00:00Z\n" for day in ("04-30", "05-01", "05-31")]
    report = canonical(RecordKind.MACHINE_DAY_REPORT)
    door.text(f"machine_uid,day,{elements},recorded_time\n" + "".join(days), report, obligor=None)
    found = [(path.relative_to(door.store.root).parts[:2], pq.read_table(path)) for path in files_of(door)]
    ledger = {place[1]: table["event_time"][0].as_py().year for place, table in found if place[0] == "default_event"}
    assert ledger == {"2024": 2024, "2025": 2025}
    reports = {place[1]: table["day"].to_pylist() for place, table in found if place[0] == "machine_day_report"}
    assert reports == {"2026-04": [date(2026, 4, 30)], "2026-05": [date(2026, 5, 1), date(2026, 5, 31)]}


def test_rows_of_an_older_contract_are_read_with_nulls_in_its_new_columns(
    door: Door, canonical: Callable[..., Any]
) -> None:
    report = canonical(RecordKind.MACHINE_DAY_REPORT)
    elements = (
        "unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,executing_seconds,idle_seconds"
    )
    head = f"machine_uid,day,{elements},scrap_parts,recorded_time\n"
    uid = f"{OBLIGOR}/M1"

    def day(number: int, scrap: int, recorded: str) -> str:
        return f"{uid},2026-05-{number:02d},0,86400,0,0,0,0,0,{scrap},{recorded}\n"

    door.text(head + day(1, 5, "2026-05-02T01:00:00Z"), report, obligor=None)
    _as_of_version_1_0(door)
    assert [row["scrap_parts"] for row in door.rows(RecordKind.MACHINE_DAY_REPORT)] == [None]
    # a correction of the old row (one of two versions must be chosen) and a row of another day beside it
    news = day(1, 7, "2026-05-04T01:00:00Z") + day(3, 9, "2026-05-04T01:00:00Z")
    door.text(head + news, report, obligor=None)
    rows = door.rows(RecordKind.MACHINE_DAY_REPORT)
    assert [(row["day"].day, row["scrap_parts"]) for row in rows] == [(1, 7), (3, 9)]
    before = datetime(2026, 5, 3, tzinfo=UTC)
    assert [row["scrap_parts"] for row in door.rows(RecordKind.MACHINE_DAY_REPORT, as_of=before)] == [None]


def _as_of_version_1_0(door: Door) -> None:
    """Make the stored reports what an admission under version 1.0.0 of their contract would have left."""
    (path,) = (door.store.root / "machine_day_report").rglob("*.parquet")
    table = pq.read_table(path)
    added = ["scrap_parts", "tool_changes", "planned_seconds", "hour_meter_hours"]
    pq.write_table(table.drop_columns(added), path, store_schema=False)
    door.connection.execute(sa.update(tables.observation_file).values(contract_version="1.0.0"))
