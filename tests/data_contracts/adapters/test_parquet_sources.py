"""Typed columns of Parquet files come in as the same rows that text does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from front_door import OBLIGOR, Door

from data_contracts.contract import RecordKind
from data_contracts.errors import ContractViolated, UnreadableSource

STAMP = datetime(2026, 5, 4, tzinfo=UTC)
COLUMNS: dict[str, Any] = {
    "m": ["m1", "m2"],
    "t": pa.array([STAMP, STAMP], pa.timestamp("us", tz="UTC")),
    "state": ["2", "0"],
    "kw": [1.5, 2.5],
    "parts": [1.0, 2.0],
}
ALIKE: list[tuple[str, dict[str, Any]]] = [
    ("as they are", {}),
    ("dictionary-encoded text", {"m": pa.array(["m1", "m2"]).dictionary_encode()}),
    ("large text", {"m": pa.array(["m1", "m2"], pa.large_string())}),
    ("numbers for states", {"state": pa.array([2, 0], pa.int8())}),
    ("floats for states", {"state": pa.array([2.0, 0.0])}),
    ("decimals", {"kw": pa.array([Decimal("1.50"), Decimal("2.50")])}),
    ("whole numbers", {"parts": pa.array([1, 2], pa.uint16())}),
    ("numbers as text", {"kw": ["1.5", " 2.50 "]}),
    ("wall-clock stamps", {"t": pa.array([STAMP.replace(hour=8, tzinfo=None)] * 2, pa.timestamp("ms"))}),
    ("nanoseconds of another zone", {"t": pa.array([STAMP] * 2, pa.timestamp("ns", tz="Europe/Rome"))}),
    ("stamps as text", {"t": ["2026-05-04 08:00:00", "2026-05-04T00:00:00Z"]}),
]


@pytest.mark.parametrize(("what", "changes"), ALIKE, ids=[case[0] for case in ALIKE])
def test_types_that_say_the_same(
    door: Door, mapping_with: Callable[..., Any], what: str, changes: dict[str, Any]
) -> None:
    result = door.table({**COLUMNS, **changes}, mapping_with(), obligor=OBLIGOR)
    assert (result.rows_admitted, result.messages()) == (2, ()), what
    assert [(row["machine_uid"], row["item_state"], row["power_kw"], row["part_delta"]) for row in door.rows()] == [
        (f"{OBLIGOR}/m1", "Executing", 1.5, 1.0),
        (f"{OBLIGOR}/m2", "NotExecuting", 2.5, 2.0),
    ]
    assert {row["event_time"] for row in door.rows()} == {STAMP}


def test_numbers_name_machines(door: Door, mapping_with: Callable[..., Any]) -> None:
    door.table({**COLUMNS, "m": pa.array([7, 8], pa.int64())}, mapping_with(), obligor=OBLIGOR)
    assert [row["machine_uid"] for row in door.rows()] == [f"{OBLIGOR}/7", f"{OBLIGOR}/8"]


def test_an_empty_column_says_nothing(door: Door, mapping_with: Callable[..., Any]) -> None:
    result = door.table({**COLUMNS, "parts": pa.nulls(2), "state": pa.nulls(2)}, mapping_with(), obligor=OBLIGOR)
    assert result.rows_admitted == 2
    assert {row["part_delta"] for row in door.rows()} == {row["item_state"] for row in door.rows()} == {None}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("lists", {"kw": [[1.0], [2.0]]}, "Column 'kw' of .* is list"),
    ("bytes", {"m": [b"m1", b"m2"]}, "Column 'm' of .* is binary"),
    ("times of day", {"t": pa.array([1, 2], pa.time32("s"))}, "Column 't' of .* is time32"),
    ("truth values for numbers", {"kw": [True, False]}, "Column 'kw': A column of bool"),
    ("bare numbers for stamps", {"t": [1777853100, 1777853160]}, "set format to one of epoch_s"),
    ("dates for numbers", {"parts": pa.array([date(2026, 5, 4)] * 2)}, "Column 'parts': A column of date32"),
]


@pytest.mark.parametrize(("what", "changes", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_types_that_cannot_say_it(
    door: Door, mapping_with: Callable[..., Any], what: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractViolated, match=words):
        door.table({**COLUMNS, **changes}, mapping_with(), obligor=OBLIGOR)


def test_no_rows(door: Door, mapping_with: Callable[..., Any]) -> None:
    with pytest.raises(UnreadableSource, match="columns but no rows"):
        door.table({name: pa.array([], pa.string()) for name in COLUMNS}, mapping_with(), obligor=OBLIGOR)


def test_two_columns_of_one_name(door: Door, mapping_with: Callable[..., Any]) -> None:
    table = pa.Table.from_arrays(
        [
            pa.array(["m1"]),
            pa.array(["2026-05-04"]),
            pa.array(["1"]),
            pa.array(["2"]),
            pa.array([1.0]),
            pa.array([2.0]),
        ],
        names=["m", "t", "state", "kw", "parts", "kw"],
    )
    path = door.folder / "twice.parquet"
    pq.write_table(table, path)
    with pytest.raises(ContractViolated, match="more than one column named 'kw'"):
        door.path(path, mapping_with())


def test_many_row_groups_are_one_source(door: Door, mapping_with: Callable[..., Any]) -> None:
    stamps = pa.array([1777853100 + 60 * number for number in range(500)], pa.timestamp("s", tz="UTC"))
    table = pa.table(
        {"m": ["m1"] * 500, "t": stamps, "state": ["2"] * 500, "kw": [1.0] * 499 + [-1.0], "parts": [1.0] * 500}
    )
    path = door.folder / "groups.parquet"
    pq.write_table(table, path, row_group_size=7)
    result = door.path(path, mapping_with())
    assert (result.rows_read, result.rows_admitted) == (500, 499)
    assert result.quarantined_examples[0].row_number == 500


def test_a_canonical_file_with_a_strange_column_is_refused(door: Door, canonical: Callable[..., Any]) -> None:
    columns = {"machine_uid": ["m1"], "event_time": ["2026-05-04"], "power_kW": [1.0], "recorded_time": ["2026-05-04"]}
    with pytest.raises(ContractViolated, match=r"'power_kW', unknown to the contract of sample.*Was 'power_kw' meant"):
        door.table(columns, canonical(RecordKind.SAMPLE), obligor=OBLIGOR)


def test_a_canonical_file_without_a_required_column_is_refused(door: Door, canonical: Callable[..., Any]) -> None:
    with pytest.raises(ContractViolated, match=r"lacks 'event_time', 'recorded_time'"):
        door.table({"machine_uid": ["m1"], "power_kw": [1.0]}, canonical(RecordKind.SAMPLE), obligor=OBLIGOR)
