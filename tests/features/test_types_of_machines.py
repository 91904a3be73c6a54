"""Of which types an obligor's machines are: who owns them, what was known when, and what a snapshot keeps of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed_book import OTHER, Book, new_book
from sample_tables import MACHINES, OBLIGOR

from features import compute
from features.as_of import credit_training_set
from features.machine_types import MachineTypes, machine_types_at, parse_machine_types
from features.settings import shipped_parameters
from features.snapshot import parse_snapshot

LATHE, PRESS, LOOM = "A02050901", "A02050903", "A02280100"
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PARAMETERS = shipped_parameters()


def register(*rows: dict[str, Any]) -> pa.Table:
    """Rows of the register of machines, in its order."""
    unsaid = {**dict.fromkeys(MACHINES.names), "obligor_id": OBLIGOR, "owned_from": START}
    table = pa.Table.from_pylist([unsaid | row for row in rows], schema=MACHINES)
    return table.sort_by([("machine_uid", "ascending"), ("owned_from", "ascending")])


CASES: list[tuple[str, list[dict[str, Any]], dict[str, tuple[dict[str, int], int]]]] = [
    ("nobody told any",    [{"machine_uid": "M1"}], {}),
    ("one of each",        [{"machine_uid": "M1", "machine_type": LATHE}, {"machine_uid": "M2", "machine_type": LOOM}, {"machine_uid": "M3"}],
                           {OBLIGOR: ({LATHE: 1, LOOM: 1}, 1)}),
    ("of another, nobody", [{"machine_uid": "M1", "machine_type": LATHE}, {"machine_uid": "M2", "obligor_id": OTHER}], {OBLIGOR: ({LATHE: 1}, 0)}),
    ("sold to another",    [{"machine_uid": "M1", "machine_type": LATHE}, {"machine_uid": "M1", "machine_type": LATHE, "obligor_id": OTHER, "owned_from": AS_OF}],
                           {OTHER: ({LATHE: 1}, 0)}),
    ("sold tomorrow",      [{"machine_uid": "M1", "machine_type": LATHE}, {"machine_uid": "M1", "obligor_id": OTHER, "owned_from": AS_OF + DAY}],
                           {OBLIGOR: ({LATHE: 1}, 0)}),
    ("scrapped",           [{"machine_uid": "M1", "machine_type": LATHE, "owned_until": AS_OF}, {"machine_uid": "M2", "machine_type": LOOM, "owned_until": AS_OF + DAY}],
                           {OBLIGOR: ({LOOM: 1}, 0)}),
    ("moved to a site",    [{"machine_uid": "M1", "machine_type": LATHE}, {"machine_uid": "M1", "machine_type": PRESS, "owned_from": START + DAY}],
                           {OBLIGOR: ({PRESS: 1}, 0)}),
    ("no row names it",    [{"machine_uid": "M1", "owned_from": None}, {"machine_uid": "M2", "machine_type": LOOM}], {OBLIGOR: ({LOOM: 1}, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rows", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_machines_that_an_obligor_owns_then(what: str, rows: list[dict[str, Any]], expected: Any) -> None:
    found = machine_types_at(register(*rows), AS_OF)
    assert {owner: (dict(types.machines), types.untold) for owner, types in found.items()} == expected


def test_shares_are_those_of_classes() -> None:
    types = MachineTypes(machines={LATHE: 2, PRESS: 1, LOOM: 1}, untold=1)
    assert types.shares() == {"A020509": 0.6, "A022801": 0.2, None: 0.2}


@given(st.dictionaries(st.sampled_from([LATHE, PRESS, LOOM]), st.integers(1, 50), min_size=1), st.integers(0, 50))
def test_shares_add_up_to_all_machines(machines: dict[str, int], untold: int) -> None:
    shares = MachineTypes(machines=machines, untold=untold).shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert (None in shares) is (untold > 0)


@given(st.dictionaries(st.sampled_from([LATHE, PRESS, LOOM]), st.integers(1, 50), min_size=1), st.integers(0, 50))
def test_a_cell_of_a_table_tells_all_of_it(machines: dict[str, int], untold: int) -> None:
    types = MachineTypes(machines=machines, untold=untold)
    assert parse_machine_types(types.text()) == types


@pytest.mark.parametrize(
    ("cell", "types"),
    [
        ("", None),
        ("untold:3", None),
        (f"{LOOM} {LATHE}:2 {LOOM}", MachineTypes(machines={LATHE: 2, LOOM: 2}, untold=0)),
    ],
)
def test_cells_as_people_write_them(cell: str, types: MachineTypes | None) -> None:
    assert parse_machine_types(cell) == types


def fill(book: Book, *, told: bool) -> None:
    """A firm with two machines; of one its type was told at once, of the other a year later."""
    for number, (code, known) in enumerate([(LATHE, START), (LOOM, START + 365 * DAY)], start=1):
        uid = f"{OBLIGOR}/M{number}"
        book.owns(uid, start=START)
        book.reports(uid, date(2024, 1, 1), 500, executing_seconds=8 * 3600.0, off_seconds=16 * 3600.0)
        if told:
            book.owns(uid, start=START, machine_type=code, recorded_time=known + DAY)


def test_a_snapshot_tells_the_types_as_known_then(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        fill(book, told=True)
        asked = {"obligor_ids": [OBLIGOR, OTHER], "parameters": PARAMETERS, "with_trust": False}
        before, between, after = (
            compute.snapshots(book.reader, as_of=as_of, **asked)
            for as_of in (START + DAY / 2, START + 30 * DAY, START + 400 * DAY)
        )
        months = credit_training_set(
            book.reader, as_ofs=[START + 30 * DAY], parameters=PARAMETERS, known_until=START + 500 * DAY
        )
    assert [snapshot.machine_types for snapshot in before] == [None, None]
    assert between[0].machine_types == MachineTypes(machines={LATHE: 1}, untold=1)
    assert after[0].machine_types == MachineTypes(machines={LATHE: 1, LOOM: 1}, untold=0)
    assert after[1].machine_types is None
    again = parse_snapshot(after[0].canonical())
    assert (again.machine_types, again.canonical()) == (after[0].machine_types, after[0].canonical())
    # What a machine is does not change: a training set tells what became known of it since.
    assert months.machine_types == (after[0].machine_types,)


def test_a_snapshot_that_tells_no_types_has_the_bytes_of_before_there_were_any(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        fill(book, told=False)
        (snapshot,) = compute.snapshots(
            book.reader, obligor_ids=[OBLIGOR], as_of=AS_OF, parameters=PARAMETERS, with_trust=False
        )
    body = json.loads(snapshot.canonical())
    assert body["format"] == 5
    assert "machine_types" not in body
    assert parse_snapshot(snapshot.canonical()).machine_types is None
