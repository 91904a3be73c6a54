"""The commands that keep what was admitted: compact, erase, quarantine, quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.home import open_home
from data_contracts.observations.tables import quarantined_source, retired_file

A = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product\n"
MENDED = """
name: mended
kind: sample
source_zone: UTC
site_zone: Europe/Rome
hold_seconds: 600
silence: off
recorded_time: {column: ts}
columns:
  machine: {column: asset}
  event_time: {column: ts}
  state: {column: status, values: {"1": NotExecuting, "2": Executing/Processing, "9": OutOfService}}
  power_kw: {column: power_avg, unit: kW}
"""


@pytest.fixture
def book(run: Any, tmp_path: Path) -> str:
    """A home with eight small files and a row in quarantine; the name of the batch that holds it."""
    for minute in range(8):
        source = tmp_path / f"{minute}.csv"
        source.write_text(f"{HEAD}2022-09-01 08:{minute:02d}:00,1,1.0,2.0,60.0,2.5,0.0,0,0\n", encoding="utf-8")
        assert run("ingest", source, "--mapping", "unipi_sme", "--obligor", A).exit_code == 0
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{HEAD}2022-09-01 09:00:00,1,1.0,9,60.0,2.5,0.0,0,0\n", encoding="utf-8")
    ran = run("ingest", bad, "--mapping", "unipi_sme", "--obligor", A, "--json")
    assert ran.exit_code == 2
    return str(ran.answer["batch_id"])


def machine_days(run: Any) -> Any:
    return run("machine-days", "--obligor", A, "--as-of", "2022-09-22", "--json").answer


def test_compact(run: Any, book: str) -> None:
    before = machine_days(run)
    assert run("compact", "--json").answer == {"folders": 1, "files_before": 8, "files_after": 1, "rows": 8}
    assert run("compact", "--json").answer["folders"] == 0
    assert machine_days(run) == before
    found = run("doctor", "--json").answer["findings"]
    (observations,) = [finding for finding in found if finding["check"] == "observations"]
    assert observations["level"] == "ok"


def test_quarantine(run: Any, book: str, tmp_path: Path) -> None:
    (listed,) = run("quarantine", "list", "--json").answer["quarantine"]
    assert (listed["batch_id"], listed["column"], listed["reason"], listed["rows"]) == (
        book, "state", "unknown_word", 1,
    )  # fmt: skip
    mapping = tmp_path / "mended.mapping.yaml"
    mapping.write_text(MENDED, encoding="utf-8")
    again = run("quarantine", "readmit", "--batch", book, "--mapping", mapping, "--json")
    assert (again.exit_code, again.answer["rows_admitted"], again.answer["rows_quarantined"]) == (0, 1, 0)
    (row,) = run("quarantine", "show", "--batch", book, "--json").answer["rows"]
    assert row["readmitted_in"] == again.answer["batch_id"]
    assert "readmitted in" in run("quarantine", "show", "--batch", book).out
    once_more = run("quarantine", "readmit", "--batch", book, "--mapping", mapping)
    assert once_more.exit_code == 2
    assert "no row in quarantine" in once_more.err


def test_quality(run: Any, book: str) -> None:
    answer = run("quality", "--obligor", A, "--since", "2022-08-01", "--json").answer
    (day,) = answer["machine_days"]
    assert (day["day"], day["samples"], day["gaps"]) == ("2022-09-01", 8, 0)
    assert day["heard_seconds"] == 7 * 60 + 600
    assert len(answer["batches"]) == 9
    assert answer["batches"][-1]["rows_quarantined"] == 1


def test_erase(run: Any, book: str, home: Path) -> None:
    asked = run("erase", "--obligor", A)
    assert (asked.exit_code, "--confirm" in asked.err) == (2, True)
    run("compact")
    done = run("erase", "--obligor", A, "--confirm", "--json").answer
    assert (done["rows"], done["chunks"], done["quarantined_rows"]) == (8, 8, 1)
    assert machine_days(run)["machine_days"] == []
    assert not list((home / "observations").rglob("*.parquet"))
    opened = open_home(home)
    with opened.engine.connect() as connection:
        assert connection.execute(sa.select(retired_file)).all() == []
        assert connection.execute(sa.select(quarantined_source)).all() == []
    opened.engine.dispose()


def test_an_obligor_nobody_knows(run: Any, book: str) -> None:
    for command in (("erase", "--confirm"), ("quality",)):
        ran = run(*command, "--obligor", "91999999MA0000002R")
        assert ran.exit_code == 2
        assert "91999999MA0000002R" in ran.err
