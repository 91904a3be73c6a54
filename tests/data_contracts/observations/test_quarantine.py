"""Rows in quarantine are looked at, mended and admitted again; what was known before does not change."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from front_door import NOW, Door, sample_mapping

from data_contracts.contract import RecordKind
from data_contracts.errors import InputError, NotFound
from data_contracts.identifiers import BatchId
from data_contracts.mapping import load_mapping
from data_contracts.observations import tables
from data_contracts.observations.quarantine import held_batches, held_rows
from data_contracts.readmission import readmit

HEAD = "m,t,state,kw,parts\n"
LATER = NOW + timedelta(days=1)
BAD = "m1,2026-05-04 09:00,7,1,1\nm1,2026-05-04 09:10,2,99999,1\n"
MENDED = sample_mapping(
    columns={
        "machine": {"column": "m"},
        "event_time": {"column": "t"},
        "state": {"column": "state", "values": {"2": "Executing/Processing", "7": "OutOfService"}},
        "power_kw": {"column": "kw", "unit": "W"},
        "part_delta": {"column": "parts"},
    }
)


def test_what_was_turned_away_is_listed_with_its_reasons(door: Door) -> None:
    result = door.text(HEAD + "m1,2026-05-04 08:00,2,10,1\n" + BAD)
    listed = [(row["column"], row["reason"], row["rows"], row["readmitted"]) for row in held_batches(door.connection)]
    assert listed == [("power_kw", "above_maximum", 1, 0), ("state", "unknown_word", 1, 0)]
    rows = held_rows(door.connection, result.batch_id)
    assert [(row.row_number, row.written["kw"] if row.written else None) for row in rows] == [(2, "1"), (3, "99999")]
    assert rows[0].faults == (("state", "7", "unknown_word"),)
    assert rows[0].readmitted_in is None


def test_under_a_mended_mapping_the_rows_come_in_and_keep_their_history(door: Door) -> None:
    first = door.text(HEAD + BAD)
    before = door.rows(as_of=NOW)
    again = readmit(door.connection, door.store, first.batch_id, MENDED, received_time=LATER)
    assert (again.admission.rows_admitted, again.admission.rows_quarantined, again.unsplit) == (2, 0, 0)
    assert door.rows(as_of=NOW) == before == []
    rows = door.rows(as_of=LATER)
    assert [(row["item_state"], row["power_kw"]) for row in rows] == [("OutOfService", 0.001), ("Executing", 99.999)]
    assert {row["recorded_time"] for row in rows} == {LATER}
    assert [row.readmitted_in for row in held_rows(door.connection, first.batch_id)] == [again.admission.batch_id] * 2
    history = door.connection.execute(sa.select(tables.readmission).order_by(tables.readmission.c.row_number)).all()
    assert [(row.row_number, row.readmitted_row) for row in history] == [(1, 1), (2, 2)]


def test_what_still_breaks_the_contract_is_in_quarantine_of_the_new_batch(door: Door) -> None:
    first = door.text(HEAD + BAD)
    again = readmit(door.connection, door.store, first.batch_id, sample_mapping(), received_time=LATER)
    assert (again.admission.rows_admitted, again.admission.rows_quarantined) == (0, 2)
    once_more = readmit(door.connection, door.store, again.admission.batch_id, MENDED, received_time=LATER)
    assert once_more.admission.rows_admitted == 2
    with pytest.raises(InputError, match="no row in quarantine that could be tried again"):
        readmit(door.connection, door.store, first.batch_id, MENDED, received_time=LATER)


def test_a_line_that_never_split_cannot_be_tried_again(door: Door) -> None:
    first = door.text(HEAD + "m1,2026-05-04 09:00,2,1,1,more,and,more\n" + BAD)
    again = readmit(door.connection, door.store, first.batch_id, MENDED, received_time=LATER)
    assert (again.admission.rows_read, again.unsplit) == (2, 1)


def test_a_mapping_of_another_kind_or_an_unknown_batch_is_refused(door: Door) -> None:
    first = door.text(HEAD + BAD)
    other = load_mapping(f"canonical_{RecordKind.MACHINE_DAY_REPORT}")
    with pytest.raises(InputError, match="is of kind sample"):
        readmit(door.connection, door.store, first.batch_id, other, received_time=LATER)
    with pytest.raises(NotFound):
        readmit(door.connection, door.store, BatchId("b0"), MENDED, received_time=LATER)
