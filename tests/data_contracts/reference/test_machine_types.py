"""Codes of types of machines: their form, their class and group, and what becomes of others at the door."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from data_contracts.contract import RecordKind
from data_contracts.errors import InvalidMachineType
from data_contracts.findings import Reason
from data_contracts.mapping import parse_mapping
from data_contracts.reference.machine_types import class_of, group_of, machine_groups, machine_type

OWNER = "91999999MA0000001N"
CODES: list[tuple[str, str | None]] = [
    # written       the code, or None where it is none
    ("A02050000",   "A02050000"),
    ("A02050900",   "A02050900"),
    ("a02050901 ",  "A02050901"),
    ("A02990199",   "A02990199"),
    ("A02000000",   None),  # no group
    ("A02050001",   None),  # an item of no class
    ("A01010101",   None),  # a building
    ("A0205",       None),
    ("A020509001",  None),
    ("lathe",       None),
    ("",            None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "code"), CODES)
def test_codes(written: str, code: str | None) -> None:
    if code is not None:
        assert machine_type(written) == code
        return
    with pytest.raises(InvalidMachineType, match=re.escape(repr(written))):
        machine_type(written)


def test_a_code_is_of_a_class_and_a_group() -> None:
    loom = group_of("A02280100")
    assert loom is not None
    assert (class_of("A02280100"), loom.code, loom.zh, loom.en) == ("A022801", "A0228", "纺织设备", "textile equipment")
    assert group_of(class_of("A02280100")) == loom
    assert group_of("A02990100") is None


def test_groups_have_both_names() -> None:
    for code, group in machine_groups().items():
        assert machine_type(f"{code}0000") == f"{code}0000"
        assert re.fullmatch(r"[\u4e00-\u9fff、]+", group.zh)
        assert group.en.isascii()
        assert group.en


@pytest.mark.parametrize(("written", "code"), [case for case in CODES if case[0] not in {"", "a02050901 "}])
def test_the_door_takes_codes_and_quarantines_the_rest(
    door: Any, canonical: Callable[..., Any], written: str, code: str | None
) -> None:
    lines = (
        "machine_uid,obligor_id,event_time,machine_type,recorded_time\n"
        f"{OWNER}/M1,{OWNER},2024-01-01T00:00:00Z,{written},2024-01-02T00:00:00Z\n"
        f"{OWNER}/M2,{OWNER},2024-01-01T00:00:00Z,,2024-01-02T00:00:00Z\n"
    )
    result = door.text(lines, canonical(RecordKind.MACHINE_OWNERSHIP), obligor=None)
    told = {row["machine_uid"]: row["machine_type"] for row in door.rows(RecordKind.MACHINE_OWNERSHIP)}
    assert told == {f"{OWNER}/M2": None} | ({} if code is None else {f"{OWNER}/M1": code})
    faults = [(row.column, row.value, row.reason) for row in result.quarantined_examples]
    assert faults == ([] if code else [("machine_type", written, Reason.MALFORMED)])


def test_a_file_without_the_column_is_read_as_before(door: Any, canonical: Callable[..., Any]) -> None:
    lines = "machine_uid,obligor_id,event_time,recorded_time\n" + (
        f"{OWNER}/M1,{OWNER},2024-01-01T00:00:00Z,2024-01-02T00:00:00Z\n"
    )
    door.text(lines, canonical(RecordKind.MACHINE_OWNERSHIP), obligor=None)
    assert [row["machine_type"] for row in door.reader().machines(as_of=door.received).to_pylist()] == [None]


def test_a_mapping_turns_a_source_own_words_into_codes(door: Any) -> None:
    mapping = parse_mapping(
        """
        name: register_of_assets
        kind: machine_ownership
        recorded_time: event_time
        columns:
          machine: {column: 编号}
          event_time: {column: 启用}
          machine_type: {column: 设备类别, values: {织机: A02280000, 车床: lathe}}
        """,
        source="register",
    )
    lines = "编号,启用,设备类别\nM1,2024-01-01,织机\nM2,2024-01-01,车床\nM3,2024-01-01,锅炉\n"
    result = door.text(lines, mapping)
    assert [row["machine_type"] for row in door.rows(RecordKind.MACHINE_OWNERSHIP)] == ["A02280000"]
    faults = [(row.column, row.value, row.reason) for row in result.quarantined_examples]
    assert faults == [("machine_type", "车床", Reason.MALFORMED), ("machine_type", "锅炉", Reason.UNKNOWN_WORD)]
