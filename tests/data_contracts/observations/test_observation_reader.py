"""Reading as of a time: who, when, which columns, which version, and nothing that was recorded later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from front_door import NOW, OBLIGOR, Door

from data_contracts.contract import RecordKind, load_contract
from data_contracts.errors import NotFound
from data_contracts.identifiers import MachineUid, ObligorId

OTHER = ObligorId("91999999MA0000002R")
THIRD = ObligorId("91999999MA0000003W")
HEAD = "m,t,state,kw,parts\n"
OWNED = "machine_uid,obligor_id,event_time,owned_until,recorded_time\n"


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, tzinfo=UTC)


@pytest.fixture
def two_firms(door: Door) -> Door:
    """Two firms with two machines each; one sample a day at 12:00 UTC from 4 to 6 May."""
    lines = "".join(f"m{machine},2026-05-0{day} 20:00,2,{day},1\n" for day in (6, 4, 5) for machine in (2, 1))
    door.text(HEAD + lines)
    door.text(HEAD + lines, obligor=OTHER)
    return door


def keys(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["machine_uid"], row["event_time"].day) for row in rows]


def test_rows_come_in_order_with_the_contracts_types(two_firms: Door) -> None:
    table = two_firms.reader().rows(RecordKind.SAMPLE, as_of=NOW)
    contract = load_contract(RecordKind.SAMPLE)
    assert table.schema.names == list(contract.names)
    assert table.schema.types == [column.type for column in contract.columns]
    assert keys(table.to_pylist()) == [
        (f"{obligor}/m{machine}", day) for obligor in (OBLIGOR, OTHER) for machine in (1, 2) for day in (4, 5, 6)
    ]


SPANS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 5, 6]),
    ({"event_from": at(5, 12)}, [5, 6]),
    ({"event_from": at(5, 13)}, [6]),
    ({"event_until": at(5, 12)}, [4]),
    ({"event_from": at(5), "event_until": at(6)}, [5]),
    ({"event_from": at(8)}, []),
    ({"as_of": at(5, 12)}, [4, 5]),
    ({"as_of": at(5, 11)}, [4]),
    ({"as_of": at(4, 11)}, []),
]


@pytest.mark.parametrize(("asked", "days"), SPANS)
def test_spans_are_half_open_and_nothing_recorded_later_is_seen(
    two_firms: Door, asked: dict[str, Any], days: list[int]
) -> None:
    rows = two_firms.rows(machine_uids=[MachineUid(f"{OBLIGOR}/m1")], **asked)
    assert keys(rows) == [(f"{OBLIGOR}/m1", day) for day in days]


def test_as_of_may_be_given_in_any_zone(two_firms: Door) -> None:
    shanghai = datetime.fromisoformat("2026-05-05T20:00:00+08:00")
    assert two_firms.rows(as_of=shanghai) == two_firms.rows(as_of=at(5, 12))


def test_who_and_which_columns(two_firms: Door) -> None:
    table = two_firms.reader().rows(
        RecordKind.SAMPLE, as_of=NOW, obligor_ids=[OTHER], event_until=at(5), columns=["power_kw", "machine_uid"]
    )
    assert table.to_pylist() == [
        {"power_kw": 4.0, "machine_uid": f"{OTHER}/m1"},
        {"power_kw": 4.0, "machine_uid": f"{OTHER}/m2"},
    ]
    uids = [MachineUid(f"{OBLIGOR}/m1"), MachineUid(f"{OTHER}/m2")]
    both = two_firms.rows(obligor_ids=[OTHER], machine_uids=uids)
    assert {row["machine_uid"] for row in both} == {f"{OTHER}/m2"}
    assert (
        two_firms.rows(obligor_ids=[]) == two_firms.rows(obligor_ids=[THIRD]) == two_firms.rows(machine_uids=[]) == []
    )


def test_an_unknown_column_is_a_named_error(two_firms: Door) -> None:
    with pytest.raises(NotFound, match="no column 'volts'"):
        two_firms.reader().rows(RecordKind.SAMPLE, as_of=NOW, columns=["volts"])
    with pytest.raises(NotFound, match="no column 'machine_uid'"):
        two_firms.reader().rows(RecordKind.DELIVERY, as_of=NOW, machine_uids=[MachineUid("x")])


def test_an_empty_store_gives_empty_tables_with_all_columns(door: Door) -> None:
    for kind in RecordKind:
        table = door.reader().rows(kind, as_of=NOW)
        assert table.num_rows == 0
        assert table.schema.names == list(load_contract(kind).names)
    assert door.reader().machines(as_of=NOW).num_rows == 0
    assert door.reader().obligor_profiles(as_of=NOW).num_rows == 0
    assert door.reader().batches(as_of=NOW, obligor_ids=[OBLIGOR]) == []
    assert door.reader().profiles() == {}


def test_merged_values_keep_where_the_latest_came_from(door: Door, mapping_with: Callable[..., Any]) -> None:
    live = mapping_with(recorded_time="now")
    door.received = at(5)
    door.text(HEAD + "m1,2026-05-04 20:00,2,4,\n", live)
    door.received = at(6)
    second = door.text(HEAD + "m1,2026-05-04 20:00,,,7\n", live)
    (row,) = door.rows()
    assert (row["item_state"], row["power_kw"], row["part_delta"]) == ("Executing", 4.0, 7.0)
    assert (row["recorded_time"], row["batch_id"]) == (at(6), second.batch_id)


def test_of_versions_recorded_at_one_time_the_one_admitted_last_stands(door: Door) -> None:
    for power in (5, 3, 4):
        door.text(HEAD + f"m1,2026-05-04 20:00,2,{power},1\n")
    assert [row["power_kw"] for row in door.rows()] == [4.0]


def test_of_ledger_versions_recorded_at_one_time_the_one_admitted_last_stands(
    door: Door, canonical: Callable[..., Any]
) -> None:
    head = "obligor_id,event_time,trigger,rule_version,recorded_time\n"
    for version in ("b", "c", "a"):
        row = f"{OBLIGOR},2026-05-04T00:00:00Z,unlikely_to_pay,{version},2026-05-05T00:00:00Z\n"
        door.text(head + row, canonical(RecordKind.DEFAULT_EVENT), obligor=None)
    assert [row["rule_version"] for row in door.rows(RecordKind.DEFAULT_EVENT)] == ["a"]


def test_only_places_with_corrections_are_merged_and_the_answer_is_the_same(two_firms: Door) -> None:
    before = two_firms.rows()
    two_firms.text(HEAD + "m1,2026-05-05 20:00,2,50,1\n")
    after = two_firms.rows()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old["power_kw"] != new["power_kw"]]
    assert [(old["power_kw"], new["power_kw"], new["machine_uid"]) for old, new in changed] == [
        (5, 50, f"{OBLIGOR}/m1")
    ]
    # Rows that nobody corrected are the same, wherever they lie.
    assert sum(old == new for old, new in zip(before, after, strict=True)) == len(before) - 1


def test_machines_follow_ownership_as_it_was_known(two_firms: Door, canonical: Callable[..., Any]) -> None:
    sold = (
        f"{OBLIGOR}/m1,{OBLIGOR},2026-05-01T00:00:00Z,2026-05-05T00:00:00Z,2026-05-05T00:00:00Z\n"
        f"{OBLIGOR}/m1,{THIRD},2026-05-05T00:00:00Z,,2026-05-06T00:00:00Z\n"
    )
    two_firms.text(OWNED + sold, canonical(RecordKind.MACHINE_OWNERSHIP), obligor=None)
    reader = two_firms.reader()

    def owners(as_of: datetime, *obligors: ObligorId) -> list[tuple[str, str, datetime | None, datetime | None]]:
        rows = reader.machines(as_of=as_of, obligor_ids=obligors or None).to_pylist()
        return [(row["machine_uid"], row["obligor_id"], row["owned_from"], row["owned_until"]) for row in rows]

    m1, m2 = f"{OBLIGOR}/m1", f"{OBLIGOR}/m2"
    assert owners(at(4, 12), OBLIGOR) == [(m1, OBLIGOR, None, None), (m2, OBLIGOR, None, None)]
    assert owners(at(5), OBLIGOR) == [(m1, OBLIGOR, at(1), at(5)), (m2, OBLIGOR, None, None)]
    assert owners(at(5), THIRD) == []
    assert owners(at(6), THIRD) == [(m1, THIRD, at(5), None)]
    everyone = owners(at(6))
    assert [row[:2] for row in everyone] == [
        (m1, OBLIGOR),
        (m1, THIRD),
        (m2, OBLIGOR),
        (f"{OTHER}/m1", OTHER),
        (f"{OTHER}/m2", OTHER),
    ]
    # The buyer sees the machine's rows, those of the time before included; what is whose is cut by ownership later.
    assert {row["machine_uid"] for row in two_firms.rows(obligor_ids=[THIRD])} == {m1}


def test_a_corrected_ownership_replaces_the_old_one(door: Door, canonical: Callable[..., Any]) -> None:
    mapping = canonical(RecordKind.MACHINE_OWNERSHIP)
    row = f"{OBLIGOR}/m1,{OBLIGOR},2026-05-01T00:00:00Z,"
    door.text(OWNED + row + ",2026-05-01T00:00:00Z\n", mapping, obligor=None)
    door.text(OWNED + row + "2026-05-05T00:00:00Z,2026-05-05T00:00:00Z\n", mapping, obligor=None)
    reader = door.reader()
    assert reader.machines(as_of=at(4))["owned_until"].to_pylist() == [None]
    assert reader.machines(as_of=at(5))["owned_until"].to_pylist() == [at(5)]


def test_the_latest_true_profile_of_each_obligor(door: Door, canonical: Callable[..., Any]) -> None:
    head = "obligor_id,event_time,name,subject_kind,industry_division,site_zone,recorded_time\n"
    lines = [
        f"{OBLIGOR},2026-05-01T00:00:00Z,甲厂,legal_person,C34,Asia/Shanghai,2026-05-01T00:00:00Z\n",
        f"{OBLIGOR},2026-05-05T00:00:00Z,乙厂,legal_person,C35,Asia/Shanghai,2026-05-05T00:00:00Z\n",
        f"{OTHER},2026-05-02T00:00:00Z,丙厂,sole_trader,C33,Asia/Shanghai,2026-05-03T00:00:00Z\n",
    ]
    door.text(head + "".join(lines), canonical(RecordKind.OBLIGOR_PROFILE), obligor=None)
    reader = door.reader()
    assert reader.obligor_profiles(as_of=at(4))["name"].to_pylist() == ["甲厂", "丙厂"]
    assert reader.obligor_profiles(as_of=at(6))["name"].to_pylist() == ["乙厂", "丙厂"]
    assert reader.obligor_profiles(as_of=at(2))["name"].to_pylist() == ["甲厂"]


def test_batches_are_those_with_visible_rows_about_the_obligor(two_firms: Door, canonical: Callable[..., Any]) -> None:
    event = f"{OTHER},2026-05-05T00:00:00Z,unlikely_to_pay,1,2026-05-06T00:00:00Z\n"
    head = "obligor_id,event_time,trigger,rule_version,recorded_time\n"
    ledger = two_firms.text(head + event, canonical(RecordKind.DEFAULT_EVENT), obligor=None)
    two_firms.text(HEAD + "m1,2026-05-04 20:00,2,4,1\n")  # nothing new, so no rows to rest on
    reader = two_firms.reader()
    of_other = reader.batches(as_of=at(5, 12), obligor_ids=[OTHER])
    assert len(of_other) == 1
    assert reader.batches(as_of=at(6, 12), obligor_ids=[OTHER]) == [*of_other, ledger.batch_id]
    assert reader.batches(as_of=at(4), obligor_ids=[OTHER, OBLIGOR]) == []
    each = reader.batches_by_obligor(as_of=NOW, obligor_ids=[OTHER, OBLIGOR, THIRD])
    assert {obligor: len(batches) for obligor, batches in each.items()} == {OTHER: 2, OBLIGOR: 1, THIRD: 0}


def test_what_is_not_registered_does_not_exist(two_firms: Door) -> None:
    before = two_firms.rows()
    (some, *_) = sorted(two_firms.store.root.rglob("*.parquet"))
    (some.parent / f"{'0' * 64}.parquet").write_bytes(some.read_bytes())
    assert two_firms.rows() == before


def test_words_with_quotation_marks_are_only_words(door: Door) -> None:
    door.text(HEAD + '"m\'1",2026-05-04 20:00,2,4,1\n')
    name = MachineUid(f"{OBLIGOR}/m'1")
    assert [row["machine_uid"] for row in door.rows(machine_uids=[name])] == [name]
    assert door.rows(machine_uids=[MachineUid("x') OR true --")]) == []


def test_large_tables_of_either_path_agree(doors: Callable[[], Door], canonical: Callable[..., Any]) -> None:
    """The same rows admitted plain, and admitted wrong first and corrected, read the same."""
    mapping = canonical(RecordKind.SAMPLE, recorded_time="event_time")
    stamps = pa.array([1777853100 + 60 * number for number in range(3000)], pa.timestamp("s", tz="UTC"))
    columns = {"machine_uid": [f"{OBLIGOR}/m{number % 7}" for number in range(3000)], "event_time": stamps}
    right = {**columns, "power_kw": [float(number % 11) for number in range(3000)]}
    plain, corrected = doors(), doors()
    plain.table(right, mapping)
    corrected.table({**columns, "power_kw": [1500.0] * 3000}, mapping)
    corrected.table(right, mapping)
    names = ["machine_uid", "event_time", "power_kw", "recorded_time"]
    assert plain.rows(columns=names) == corrected.rows(columns=names)
