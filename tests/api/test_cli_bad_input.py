"""Whatever is handed in: a clear error or quarantine with value and hint, exit code 2, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

OBLIGOR = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product"
GOOD = "2022-09-01 00:00:00+00:00,0,4.0,2.0,43.0,2.0,0.0,0,0"

FILES: list[tuple[str, bytes, str]] = [
    # what is wrong, the file, a word that the message must say
    ("empty", b"", "empty"),
    ("header only", f"{HEAD}\n".encode(), "row"),
    ("binary", b"\x00\x01\x02\x03PAR0\x00", "binary"),
    ("parquet under a csv name", b"PAR1\x15\x04\x15", "Parquet"),
    ("wrong encoding", f"{HEAD}\n{GOOD}\n".replace("asset", "ass\u00e9t").encode("latin-1"), "utf-8"),
    ("wrong delimiter", f"{HEAD}\n{GOOD}\n".replace(",", ";").encode(), "delimiter"),
    ("missing column", f"{HEAD}\n{GOOD}\n".replace("power_avg", "power").encode(), "power_avg"),
    ("duplicate header", f"{HEAD}\n{GOOD}\n".replace("alarm", "status").encode(), "status"),
    ("truncated last row", f"{HEAD}\n{GOOD}\n{GOOD[:40]}".encode(), "row 2"),
    ("unknown state", f"{HEAD}\n{GOOD.replace(',2.0,43', ',9.0,43')}\n".encode(), "9"),
    ("not a number", f"{HEAD}\n{GOOD.replace(',4.0,', ',many,')}\n".encode(), "many"),
    ("NaN", f"{HEAD}\n{GOOD.replace('43.0,2.0', '43.0,NaN')}\n".encode(), "NaN"),
    ("infinite", f"{HEAD}\n{GOOD.replace('43.0,2.0', '43.0,inf')}\n".encode(), "inf"),
    ("negative power", f"{HEAD}\n{GOOD.replace('43.0,2.0', '43.0,-2.0')}\n".encode(), "-2"),
    ("power in watts", f"{HEAD}\n{GOOD.replace('43.0,2.0', '43.0,7420.0')}\n".encode(), "7420"),
    ("year 0001", f"{HEAD}\n{GOOD.replace('2022', '0001')}\n".encode(), "0001"),
    ("from the future", f"{HEAD}\n{GOOD.replace('2022', '2222')}\n".encode(), "2222"),
    ("no stamp", f"{HEAD}\n{GOOD.replace('2022-09-01 00:00:00+00:00', 'yesterday')}\n".encode(), "yesterday"),
    ("no machine", f"{HEAD}\n{GOOD.replace('+00:00,0,', '+00:00,,')}\n".encode(), "machine"),
]


@pytest.mark.parametrize(("name", "content", "word"), FILES, ids=[case[0] for case in FILES])
def test_a_bad_file(run: Any, tmp_path: Path, name: str, content: bytes, word: str) -> None:
    source = tmp_path / "telemetry.csv"
    source.write_bytes(content)
    ran = run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR)
    assert ran.exit_code == 2
    assert word.lower() in ran.err.lower()
    assert "hint" in ran.err.lower()
    assert "Traceback" not in ran.err


CALLS: list[tuple[str, list[str], str]] = [
    ("a mapping nobody knows", ["ingest", "FILE", "--mapping", "unipi", "--obligor", OBLIGOR], "unipi_sme"),
    ("a wrong check digit", ["ingest", "FILE", "--mapping", "unipi_sme", "--obligor", "91999999MA00000012"], "91999999MA00000012"),
    ("no obligor", ["ingest", "FILE", "--mapping", "unipi_sme"], "obligor"),
    ("no mapping", ["ingest", "FILE"], "--mapping"),
    ("no such file", ["ingest", "absent.csv", "--mapping", "unipi_sme", "--obligor", OBLIGOR], "absent.csv"),
    ("a folder without manifest", ["ingest", "FOLDER"], "manifest.json"),
    ("an obligor nobody knows", ["features", "--obligor", "91999999MA0000002R"], "91999999MA0000002R"),
    ("no date", ["machine-days", "--obligor", OBLIGOR, "--as-of", "soon"], "soon"),
    ("no amount", ["decide", "--obligor", OBLIGOR, "--amount", "plenty", "--tenor-months", "12"], "plenty"),
    ("half a fen", ["decide", "--obligor", OBLIGOR, "--amount", "1.005", "--tenor-months", "12"], "1.005"),
    ("no currency", ["decide", "--obligor", OBLIGOR, "--amount", "1", "--currency", "XYZ", "--tenor-months", "12"], "XYZ"),
    ("no model", ["decide", "--obligor", OBLIGOR, "--amount", "1000.00", "--tenor-months", "12"], "train credit"),
    ("a partner nobody knows", ["decide", "--obligor", OBLIGOR, "--amount", "1", "--tenor-months", "12", "--partner", "x"], "'x'"),
    ("no such decision", ["replay", "d000"], "d000"),
    ("a month that is none", ["decide", "--obligor", OBLIGOR, "--amount", "1", "--tenor-months", "0"], "tenor-months"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "word"), CALLS, ids=[case[0] for case in CALLS])
def test_a_bad_call(run: Any, tmp_path: Path, name: str, arguments: list[str], word: str) -> None:
    source = tmp_path / "telemetry.csv"
    source.write_text(f"{HEAD}\n{GOOD}\n", encoding="utf-8")
    run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR)
    ran = run(*(str(source) if word == "FILE" else str(tmp_path) if word == "FOLDER" else word for word in arguments))
    assert ran.exit_code == 2
    assert word in ran.err
    assert "Traceback" not in ran.err


def test_the_rest_is_admitted_and_the_first_bad_rows_are_shown(run: Any, tmp_path: Path) -> None:
    source = tmp_path / "telemetry.csv"
    bad = GOOD.replace("00:00:00+", "00:05:00+").replace("43.0,2.0", "43.0,-2.0")
    source.write_text(f"{HEAD}\n{GOOD}\n{bad}\n", encoding="utf-8")
    ran = run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR, "--json")
    counts = {key: ran.answer[key] for key in ("rows_read", "rows_admitted", "rows_duplicate", "rows_quarantined")}
    assert counts == {"rows_read": 2, "rows_admitted": 1, "rows_duplicate": 0, "rows_quarantined": 1}
    assert ran.answer["batch_id"]
    assert ran.exit_code == 2
    assert "row 2" in ran.err


def test_a_row_in_quarantine_is_kept_as_it_came(run: Any, tmp_path: Path, home: Path) -> None:
    import sqlite3

    source = tmp_path / "telemetry.csv"
    bad = GOOD.replace("43.0,2.0", "43.0,-2.0")
    source.write_text(f"{HEAD}\n{bad}\n{GOOD[:40]}\n", encoding="utf-8")
    run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR)
    with sqlite3.connect(home / "millgrade.db") as database:
        kept = dict(database.execute("SELECT row_number, content FROM quarantined_source"))
    database.close()
    assert json.loads(kept[1])["power_avg"] == "-2.0"
    assert kept[2] == GOOD[:40]


def test_an_empty_home_says_what_to_do_first(run: Any) -> None:
    ran = run("decide", "--obligor", OBLIGOR, "--amount", "1000.00", "--tenor-months", "12")
    assert ran.exit_code == 2
    assert "millgrade ingest" in ran.err


@pytest.mark.parametrize("as_of", ["2022-01-01", "2025-01-01"])
def test_features_of_a_time_without_data_are_missing_with_reasons(run: Any, tmp_path: Path, as_of: str) -> None:
    source = tmp_path / "telemetry.csv"
    source.write_text(f"{HEAD}\n{GOOD}\n", encoding="utf-8")
    run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR)
    answer = run("features", "--obligor", OBLIGOR, "--as-of", as_of, "--json").answer
    assert all(item["value"] is None or item["value"] == 0 for item in answer["values"].values())
    assert run("features", "--obligor", OBLIGOR, "--json").exit_code == 0


def test_an_as_of_that_lies_ahead_is_refused(run: Any, tmp_path: Path) -> None:
    source = tmp_path / "telemetry.csv"
    source.write_text(f"{HEAD}\n{GOOD}\n", encoding="utf-8")
    run("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR)
    ran = run("features", "--obligor", OBLIGOR, "--as-of", "2999-01-01")
    assert ran.exit_code == 2
    assert "future" in ran.err


@pytest.mark.parametrize(
    "rule", ['"hold_seconds": 1e13', '"hold_seconds": Infinity', '"recorded_time": {"lag_seconds": 1e15}']
)
def test_a_mapping_whose_times_no_machine_has_is_refused(run: Any, tmp_path: Path, rule: str) -> None:
    """An endless hold would be admitted and break every later reading of the obligor."""
    source, mapping = tmp_path / "telemetry.csv", tmp_path / "endless.mapping.yaml"
    source.write_text(f"{HEAD}\n{GOOD}\n", encoding="utf-8")
    columns = {"machine": {"column": "asset"}, "event_time": {"column": "ts"}, "power_kw": {"column": "power_avg"}}
    body = {
        "name": "endless",
        "kind": "sample",
        "site_zone": "Europe/Rome",
        "silence": "off",
        "hold_seconds": 600,
        "columns": columns,
    }
    name = rule.split(":", maxsplit=1)[0].strip('"')
    body[name] = json.loads("{" + rule + "}")[name]
    mapping.write_text(json.dumps(body).replace("Infinity", ".inf"), encoding="utf-8")
    ran = run("ingest", source, "--mapping", mapping, "--obligor", OBLIGOR)
    assert ran.exit_code == 2
    assert name in ran.err
    assert "Traceback" not in ran.err
