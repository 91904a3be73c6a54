"""The golden machine-days through intake, store and command line, as a user would ask for them.

Local times; E = Executing, N = NotExecuting, O = OutOfService, `-` = the row did not say; mode Processing with E.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

OBLIGOR = "91999999MA0000001N"
BUYER = "91999999MA0000002R"
WORDS = {
    "E": "Executing/Processing",
    "N": "NotExecuting/None",
    "O": "OutOfService/None",
    "NA": "NotAvailable/None",
    "E/Setup": "Executing/Setup",
    "E/Maintenance": "Executing/Maintenance",
    "E/None": "Executing/None",
}
COLUMNS = ("time", "state", "power", "parts", "count", "register", "recorded")
EXACT = {"parts", "fault_starts"}


def write_source(  # one gateway's file and its mapping, beside each other
    folder: Path,
    rows: list[str],
    *,
    hold: float,
    silence: str,
    zone: str = "Asia/Shanghai",
    modulus: float | None = None,
) -> tuple[Path, Path]:
    """`rows` are `day time state power parts [count register recorded-date]`, `-` where the row did not say."""
    folder.mkdir(exist_ok=True)
    lines = ["machine,time,state,power,parts,count,register,recorded"]
    for row in rows:
        day, time, *said = row.split()
        said = [*said, *["-"] * (6 - len(said))]
        recorded = f"{day} {time}" if said[5] == "-" else f"{said[5]} {time}"
        values = ["m1", f"{day} {time}", *("" if value == "-" else value for value in said[:5]), recorded]
        lines.append(",".join(values))
    number = len(list(folder.glob("*.csv")))
    source = folder / f"source-{number}.csv"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    mapping = folder / f"source-{number}.mapping.yaml"
    mapping.write_text(
        json.dumps(
            {
                "name": "golden",
                "kind": "sample",
                "source_zone": zone,
                "site_zone": zone,
                "hold_seconds": hold,
                "silence": silence,
                "recorded_time": {"column": "recorded"},
                **({"part_count_modulus": modulus} if modulus else {}),
                "columns": {
                    "machine": {"column": "machine"},
                    "event_time": {"column": "time"},
                    "state": {"column": "state", "values": WORDS},
                    "power_kw": {"column": "power", "unit": "kW"},
                    "part_delta": {"column": "parts"},
                    "part_count": {"column": "count"},
                    "energy_register_kwh": {"column": "register", "unit": "kWh"},
                },
            }
        ),
        encoding="utf-8",
    )
    return source, mapping


def write_ownership(folder: Path, rows: list[str]) -> None:
    """A folder with a manifest: `machine_uid obligor from until` as ownership rows."""
    lines = ["machine_uid,obligor_id,event_time,owned_until,recorded_time"]
    for row in rows:
        machine, obligor, start, end = row.split()
        lines.append(f"{machine},{obligor},{start},{'' if end == '-' else end},{start}")
    folder.mkdir()
    content = ("\n".join(lines) + "\n").encode()
    (folder / "owners.csv").write_bytes(content)
    file = {
        "path": "owners.csv",
        "kind": "machine_ownership",
        "mapping": "canonical_machine_ownership",
        "obligor": None,
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": len(rows),
    }
    manifest = {
        "format": 1,
        "world": None,
        "version": "1",
        "seed": None,
        "parameters_hash": None,
        "data_origin": "real",
        "statement": "",
        "files": [file],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def ingest(run: Any, source: Path, mapping: Path, obligor: str = OBLIGOR) -> dict[str, Any]:
    answer: dict[str, Any] = run("ingest", source, "--mapping", mapping, "--obligor", obligor, "--json").answer
    return answer


def machine_days(run: Any, as_of: str, obligor: str = OBLIGOR) -> dict[str, dict[str, Any]]:
    answer = run("machine-days", "--obligor", obligor, "--as-of", as_of, "--json").answer
    days = {row["day"]: row for row in answer["machine_days"]}
    for row in days.values():
        elements = [
            row[f"{name}_seconds"] for name in ("unknown", "off", "fault", "maintenance", "setup", "executing", "idle")
        ]
        assert row["observed_seconds"] + row["unknown_seconds"] == sum(elements)
        if row["energy_kwh"] is not None:
            parts = row["energy_executing_kwh"] + row["energy_idle_kwh"] + row["energy_other_kwh"]
            assert parts == pytest.approx(row["energy_kwh"], abs=1e-9)
    return days


CASES = [
    ("1 hold cut by the next sample, gap that means off",
     ["2026-05-04 08:00 E 10 2", "2026-05-04 08:05 E 12 3", "2026-05-04 08:30 N 4 0"], 600, "off",
     {"2026-05-04": {"unknown": 55_200, "off": 900, "executing": 900, "idle": 600, "powered": 1_500, "observed": 2_400, "energy_kwh": 3.5,
                         "energy_executing_kwh": 2.833333, "energy_idle_kwh": 0.666667, "peak_kw": 12, "parts": 5, "coverage": 0.041667}}),
    ("2 the same, silence unknown",
     ["2026-05-04 08:00 E 10 2", "2026-05-04 08:05 E 12 3", "2026-05-04 08:30 N 4 0"], 600, "unknown",
     {"2026-05-04": {"unknown": 56_100, "off": 0, "executing": 900, "idle": 600, "observed": 1_500, "energy_kwh": 3.5, "coverage": 0.026042}}),
    ("3 a hold across midnight",
     ["2026-05-04 23:55 E 6 1", "2026-05-05 00:10 N 3 0"], 1_800, "unknown",
     {"2026-05-04": {"unknown": 0, "executing": 300, "idle": 0, "energy_kwh": 0.5, "energy_executing_kwh": 0.5, "energy_idle_kwh": 0,
                         "peak_kw": 6, "parts": 1, "coverage": 1},
      "2026-05-05": {"unknown": 84_000, "executing": 600, "idle": 1_800, "energy_kwh": 2.5, "energy_executing_kwh": 1.0,
                         "energy_idle_kwh": 1.5, "peak_kw": 3, "parts": 0, "coverage": 0.027778}}),
    ("4 fault, gap, fault",
     ["2026-05-04 09:00 E 5", "2026-05-04 09:05 O 1", "2026-05-04 09:10 O 1", "2026-05-04 10:00 O 1", "2026-05-04 10:05 E 5",
      "2026-05-04 10:10 O 1"], 600, "unknown",
     {"2026-05-04": {"fault": 1_800, "executing": 600, "unknown": 51_600, "energy_kwh": 1.333333, "energy_executing_kwh": 0.833333,
                         "energy_other_kwh": 0.5, "fault_starts": 2}}),
    ("5 columns hold on their own",
     ["2026-05-04 08:00 E - -", "2026-05-04 08:10 - 10 -", "2026-05-04 08:20 - - 4", "2026-05-04 08:30 N - -",
      "2026-05-04 08:40 - 2 -"], 3_600, "unknown",
     {"2026-05-04": {"executing": 1_800, "idle": 3_600, "unknown": 52_200, "energy_kwh": 7.0, "energy_executing_kwh": 3.333333,
                         "energy_idle_kwh": 3.333333, "energy_other_kwh": 0.333333, "parts": 4, "coverage": 0.09375}}),
    ("11 counters", ["2026-05-04 08:00 E - - 100", "2026-05-04 08:05 E - - 105", "2026-05-04 08:10 E - - 3",
                     "2026-05-04 08:15 E - - 9"], 600, "unknown", {"2026-05-04": {"parts": 14}}),
    ("12 energy register", ["2026-05-04 08:00 E - - - 500.0", "2026-05-04 08:05 E - - - 512.5",
                            "2026-05-04 08:10 E - - - 2.0"], 600, "unknown", {"2026-05-04": {"energy_kwh": 14.5}}),
    ("13 modes", ["2026-05-04 08:00 E/Setup 3", "2026-05-04 08:20 E/Maintenance 2", "2026-05-04 08:40 NA 0",
                  "2026-05-04 09:00 E/None 8 5"], 1_200, "unknown",
     {"2026-05-04": {"setup": 1_200, "maintenance": 1_200, "off": 1_200, "executing": 1_200, "powered": 3_600, "observed": 4_800,
                         "energy_kwh": 4.333333, "energy_executing_kwh": 2.666667, "energy_other_kwh": 1.666667, "parts": 5}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rows", "hold", "silence", "expected"), CASES, ids=[case[0] for case in CASES])
def test_golden_day(
    run: Any,
    tmp_path: Path,
    name: str,
    rows: list[str],
    hold: float,
    silence: str,
    expected: dict[str, dict[str, float]],
) -> None:
    ingest(run, *write_source(tmp_path / "in", rows, hold=hold, silence=silence))
    found = machine_days(run, "2026-05-06")
    assert found.keys() == expected.keys()
    for day, measures in expected.items():
        for measure, value in measures.items():
            if measure in found[day] and measure not in {"executing", "idle"}:
                exact = measure in EXACT
                assert found[day][measure] == (value if exact else pytest.approx(value, abs=1e-6)), measure
            else:
                assert found[day][f"{measure}_seconds"] == value, measure


def test_golden_6_a_late_correction(run: Any, tmp_path: Path) -> None:
    ingest(
        run, *write_source(tmp_path / "in", ["2026-05-04 08:00 E", "2026-05-04 08:10 N"], hold=600, silence="unknown")
    )
    late = ["2026-05-04 08:05 O - - - - 2026-05-05"]
    ingest(run, *write_source(tmp_path / "in", late, hold=600, silence="unknown"))
    evening = machine_days(run, "2026-05-04T20:00:00+08:00")["2026-05-04"]
    assert (evening["executing_seconds"], evening["idle_seconds"], evening["fault_seconds"]) == (600, 600, 0)
    later = machine_days(run, "2026-05-06T20:00:00+08:00")["2026-05-04"]
    assert (later["executing_seconds"], later["fault_seconds"], later["idle_seconds"]) == (300, 300, 600)
    assert (later["fault_starts"], evening["energy_kwh"], later["energy_kwh"]) == (1, None, None)


def test_golden_7_repeats_and_conflicts(run: Any, tmp_path: Path) -> None:
    rows = ["2026-05-04 08:00 E 10 2", "2026-05-04 08:00 E 10 2", "2026-05-04 08:05 N 4", "2026-05-04 08:05 N 5"]
    first = run(
        "ingest",
        *_with_mapping(write_source(tmp_path / "in", rows, hold=600, silence="unknown")),
        "--obligor",
        OBLIGOR,
        "--json",
    )
    counts = {key: first.answer[key] for key in ("rows_read", "rows_admitted", "rows_duplicate", "rows_quarantined")}
    assert counts == {"rows_read": 4, "rows_admitted": 1, "rows_duplicate": 1, "rows_quarantined": 2}
    assert first.exit_code == 2
    assert "conflict" in first.err
    correction = ingest(run, *write_source(tmp_path / "in", ["2026-05-04 08:00 E 20 2"], hold=600, silence="unknown"))
    assert correction["rows_admitted"] == 1
    assert machine_days(run, "2026-05-05")["2026-05-04"]["peak_kw"] == 20


def _with_mapping(pair: tuple[Path, Path]) -> tuple[Any, ...]:
    return (pair[0], "--mapping", pair[1])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2026-10-24", "2026-10-26", {"2026-10-24": (36_000, 600, 49_800), "2026-10-25": (0, 0, 90_000),
                                      "2026-10-26": (49_800, 600, 36_000)}),
        ("2026-03-28", "2026-03-30", {"2026-03-28": (36_000, 600, 49_800), "2026-03-29": (0, 0, 82_800),
                                      "2026-03-30": (49_800, 600, 36_000)}),
    ],
)  # fmt: skip
def test_golden_9_clocks_change(
    run: Any, tmp_path: Path, first: str, second: str, expected: dict[str, tuple[float, float, float]]
) -> None:
    rows = [f"{first} 10:00 E 3", f"{second} 10:00 E 3"]
    ingest(run, *write_source(tmp_path / "in", rows, hold=600, silence="off", zone="Europe/Rome"))
    write_ownership(tmp_path / "owners", [f"{OBLIGOR}/m1 {OBLIGOR} 2026-01-01T00:00:00+01:00 -"])
    assert run("ingest", tmp_path / "owners").exit_code == 0
    found = machine_days(run, "2026-11-01")
    assert {
        day: (row["unknown_seconds"], row["executing_seconds"], row["off_seconds"]) for day, row in found.items()
    } == expected


def test_golden_10_sold_at_noon(run: Any, tmp_path: Path) -> None:
    rows = [f"2026-05-04 {hour:02}:{minute:02} N 1" for hour in range(24) for minute in range(0, 60, 10)]
    ingest(run, *write_source(tmp_path / "in", rows, hold=600, silence="unknown"))
    noon = "2026-05-04T12:00:00+08:00"
    write_ownership(
        tmp_path / "owners",
        [f"{OBLIGOR}/m1 {OBLIGOR} 2026-01-01T00:00:00+08:00 {noon}", f"{OBLIGOR}/m1 {BUYER} {noon} -"],
    )
    assert run("ingest", tmp_path / "owners").exit_code == 0
    for owner in (OBLIGOR, BUYER):
        row = machine_days(run, "2026-05-06T00:00:00+08:00", owner)["2026-05-04"]
        assert (row["idle_seconds"], row["unknown_seconds"]) == (43_200, 0)
        assert (row["energy_kwh"], row["coverage"]) == (pytest.approx(12.0, abs=1e-6), 1)


def test_two_sources_of_one_instant_keep_their_own_hold_in_any_order(run: Any, tmp_path: Path) -> None:
    """A controller's counter with a modulus and a meter's power, stamped alike; their order of arrival is nothing."""
    found = []
    for order, obligor in enumerate((OBLIGOR, BUYER)):
        folder = tmp_path / f"in-{order}"
        counter = ["2026-05-04 08:00 E - - 9995", "2026-05-04 08:05 E - - 4"]
        power = ["2026-05-04 08:00 - 6", "2026-05-04 08:05 - 6"]
        sources = [
            write_source(folder, counter, hold=600, silence="unknown", modulus=10_000),
            write_source(folder, power, hold=60, silence="unknown"),
        ]
        for source, mapping in reversed(sources) if order else sources:
            ingest(run, source, mapping, obligor)
        found.append(machine_days(run, "2026-05-06", obligor)["2026-05-04"])
    names = ("executing_seconds", "energy_kwh", "parts", "unknown_seconds")
    assert [found[0][name] for name in names] == [found[1][name] for name in names]
    assert (found[0]["executing_seconds"], found[0]["parts"]) == (900, 9)
    assert found[0]["energy_kwh"] == pytest.approx(6 * 120 / 3600)


def test_a_report_that_agrees_with_its_samples_is_no_finding(run: Any, tmp_path: Path) -> None:
    rows = ["2026-05-04 08:00 E 10 2", "2026-05-04 08:05 E 12 3", "2026-05-04 08:30 N 4 0"]
    ingest(run, *write_source(tmp_path / "in", rows, hold=600, silence="off"))
    report = tmp_path / "report.csv"
    report.write_text(
        "machine,day,unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,executing_seconds,"
        "idle_seconds,energy_kwh,parts\nm1,2026-05-04,55200,900,0,0,0,900,600,3.5,5\n",
        encoding="utf-8",
    )
    names = ["day", *report.read_text(encoding="utf-8").splitlines()[0].split(",")[2:]]
    mapping = tmp_path / "report.mapping.yaml"
    columns = {"machine": {"column": "machine"}, **{name: {"column": name} for name in names}}
    body = {"name": "daily", "kind": "machine_day_report", "site_zone": "Asia/Shanghai", "silence": "off",
            "recorded_time": {"lag_seconds": 86_400}, "columns": columns}  # fmt: skip
    mapping.write_text(json.dumps(body), encoding="utf-8")
    ingest(run, report, mapping)
    answer = run("machine-days", "--obligor", OBLIGOR, "--as-of", "2026-05-06", "--json").answer
    assert answer["findings"] == []
    assert [row["source"] for row in answer["machine_days"]] == ["samples"]
