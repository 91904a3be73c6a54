"""The real file of a manufacturing SME goes in whole: nothing lost, nothing twice, every value as it was."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from front_door import OBLIGOR, Door

from data_contracts.mapping import load_mapping
from data_contracts.observations import tables

SOURCE = "sme_manufacturing_unipi/company_A_labelled_subset.csv"
ROWS = 14_492
MEANINGS = {
    "1.0": ("Executing", "Setup"),
    "2.0": ("Executing", "Processing"),
    "3.0": ("OutOfService", "None"),
}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        "MILLGRADE_DATA" not in os.environ, reason="MILLGRADE_DATA is not set: the real data is not here"
    ),
]


@pytest.fixture
def source() -> Path:
    return Path(os.environ["MILLGRADE_DATA"]) / SOURCE


def test_every_row_is_admitted_once_with_its_values(door: Door, source: Path) -> None:
    result = door.path(source, load_mapping("unipi_sme"))
    assert (result.rows_read, result.rows_admitted, result.rows_duplicate, result.rows_quarantined) == (
        ROWS,
        ROWS,
        0,
        0,
    )
    with source.open(newline="", encoding="utf-8") as handle:
        expected = {
            (f"{OBLIGOR}/{row['asset']}", datetime.fromisoformat(row["ts"]).astimezone(UTC)): (
                *MEANINGS[row["status"]],
                float(row["power_avg"]),
                float(row["items"]),
            )
            for row in csv.DictReader(handle)
        }
    found = door.rows()
    assert len(found) == len(expected) == ROWS
    for row in found:
        values = (row["item_state"], row["operation_mode"], row["power_kw"], row["part_delta"])
        assert expected[row["machine_uid"], row["event_time"]] == values
        assert row["recorded_time"] == row["event_time"]


def test_the_same_file_again_admits_nothing(door: Door, source: Path) -> None:
    mapping = load_mapping("unipi_sme")
    door.path(source, mapping)
    files = door.connection.scalars(sa.select(tables.observation_file.c.path)).all()
    again = door.path(source, mapping)
    assert (again.rows_admitted, again.rows_duplicate, again.rows_quarantined) == (0, ROWS, 0)
    assert door.connection.scalars(sa.select(tables.observation_file.c.path)).all() == files
    assert len(door.rows()) == ROWS


def test_shuffled_and_split_it_reads_the_same(doors: object, door: Door, source: Path) -> None:
    mapping = load_mapping("unipi_sme")
    door.path(source, mapping)
    header, *lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    assert callable(doors)
    parts: Door = doors()
    for start in range(3):
        parts.text(header + "".join(reversed(lines[start::3])), mapping)
    names = ["machine_uid", "event_time", "item_state", "operation_mode", "power_kw", "part_delta"]
    assert parts.rows(columns=names) == door.rows(columns=names)
