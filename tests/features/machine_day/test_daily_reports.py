"""Daily reports as machine-days, alone and beside samples."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sample_tables import END, INSTANT, MACHINE, OBLIGOR, at, machines, profile, sample, samples, unowned

from data_contracts.contract import RecordKind
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ELEMENTS, DataOrigin, Silence
from features.machine_day.findings import KWH_TOLERANCE, SECONDS_TOLERANCE
from features.machine_day.machine_days import ENERGIES, ONLY_REPORTED, MachineDays
from features.machine_day.reports import combine, report_days
from features.machine_day.roll_up import roll_up

BUYER = "91999999MA0000002R"
GATEWAY = profile(hold=0, silence=Silence.UNKNOWN, kind=RecordKind.MACHINE_DAY_REPORT)
REPORTS = pa.schema(
    [
        ("machine_uid", pa.string()),
        ("day", pa.date32()),
        ("event_time", INSTANT),
        *((name, pa.float64()) for name in (*ELEMENTS, *ENERGIES, "peak_kw", "parts")),
        ("fault_starts", pa.int64()),
        ("state_changes", pa.int64()),
        *((name, pa.float64()) for name in ONLY_REPORTED),
        ("profile_id", pa.string()),
    ]
)


def report(day: str, *, source: SourceProfile = GATEWAY, zone: str = "Asia/Shanghai", **values: Any) -> dict[str, Any]:
    midnight = at(f"{day} 00:00", zone=zone)
    unsaid = dict.fromkeys(REPORTS.names) | dict.fromkeys(ELEMENTS, 0.0)
    local = date.fromisoformat(day if day[4] == "-" else f"2026-{day}")
    own = {"machine_uid": MACHINE, "day": local, "event_time": midnight, "profile_id": source.profile_id}
    return unsaid | own | values


def days_of(
    rows: list[dict[str, Any]],
    *,
    owners: pa.Table | None = None,
    source: SourceProfile = GATEWAY,
    as_of: datetime = END,
) -> MachineDays:
    table = pa.Table.from_pylist(rows, schema=REPORTS)
    return report_days(table, profiles={source.profile_id: source}, machines=owners or unowned(), as_of=as_of)


def sampled(silence: Silence = Silence.UNKNOWN) -> MachineDays:
    """05-04 with 600 s executing at 12 kW (2 kWh) and 3 parts, then a sample two days later."""
    source = profile(hold=600, silence=silence)
    rows = [sample(at("05-04 08:00"), "E", 12, 3, source=source), sample(at("05-06 08:00"), "E", 12, 3, source=source)]
    return roll_up(samples(rows), profiles={source.profile_id: source}, machines=unowned(), as_of=END)


def test_what_the_elements_leave_open_is_unknown() -> None:
    (row,) = days_of(
        [report("05-04", executing_seconds=30_000.0, off_seconds=40_000.0, energy_kwh=7.0)]
    ).table.to_pylist()
    assert row["unknown_seconds"] == 16_400
    assert (row["powered_seconds"], row["observed_seconds"], row["sampled_seconds"]) == (30_000, 70_000, 70_000)
    assert row["coverage"] == pytest.approx(70_000 / 86_400)
    assert (row["energy_kwh"], row["peak_kw"], row["fault_starts"], row["first_sample"]) == (7.0, None, None, None)
    assert (row["source"], row["coverage_basis"]) == ("report", "sampled")


def test_off_time_of_a_source_whose_silence_means_off_was_not_sampled() -> None:
    source = profile(hold=0, silence=Silence.OFF, kind=RecordKind.MACHINE_DAY_REPORT, origin=DataOrigin.SYNTHETIC)
    found = days_of([report("05-04", source=source, executing_seconds=30_000.0, off_seconds=40_000.0)], source=source)
    (row,) = found.table.to_pylist()
    assert (row["observed_seconds"], row["sampled_seconds"]) == (70_000, 30_000)
    assert row["coverage_basis"] == "silence_means_off"
    (span,) = found.spans.to_pylist()
    assert (span["data_origin"], span["coverage_basis"]) == ("synthetic", "silence_means_off")


def test_the_day_that_loses_an_hour_is_shorter() -> None:
    source = profile(hold=0, silence=Silence.UNKNOWN, zone="Europe/Rome", kind=RecordKind.MACHINE_DAY_REPORT)
    row = report("2026-03-29", source=source, zone="Europe/Rome", idle_seconds=80_000.0)
    (found,) = days_of([row], source=source).table.to_pylist()
    assert found["unknown_seconds"] == 2_800


def test_a_report_belongs_to_who_owned_the_machine_when_the_day_began_or_else_when_it_ended() -> None:
    noon = at("05-04 12:00")
    rows = [report("05-03"), report("05-04", idle_seconds=50_000.0), report("05-05")]
    sold = days_of(rows, owners=machines([(MACHINE, OBLIGOR, at("05-01 00:00"), noon), (MACHINE, BUYER, noon, None)]))
    assert [row["obligor_id"] for row in sold.table.to_pylist()] == [OBLIGOR, OBLIGOR, BUYER]
    bought = days_of(rows, owners=machines([(MACHINE, BUYER, noon, None)]))
    assert [row["day"].day for row in bought.table.to_pylist()] == [4, 5]
    assert bought.table.to_pylist()[0]["unknown_seconds"] == 0
    assert [(item.code, item.evidence) for item in bought.findings] == [("outside_ownership", {"reports": 1})]


def test_reports_that_nobody_owned_are_no_machine_days() -> None:
    later = machines([(MACHINE, BUYER, at("05-10 00:00"), None)])
    found = days_of([report("05-03"), report("05-04")], owners=later)
    assert (found.table.num_rows, found.spans.num_rows) == (0, 0)
    assert [(item.code, item.evidence) for item in found.findings] == [("outside_ownership", {"reports": 2})]


def test_reports_of_days_that_are_not_over_are_left_out_and_counted() -> None:
    found = days_of([report("05-03"), report("05-04")], as_of=at("05-04 00:00"))
    assert [row["day"].day for row in found.table.to_pylist()] == [3]
    assert [(item.code, item.evidence) for item in found.findings] == [("after_as_of", {"reports": 1})]


def test_golden_8_samples_stand_and_a_report_that_differs_is_a_finding() -> None:
    reported = days_of([report("05-04", executing_seconds=650.0, energy_kwh=2.5, parts=3.0, hour_meter_hours=812.25)])
    found = combine(sampled(), reported)
    row = found.table.to_pylist()[0]
    assert (row["source"], row["executing_seconds"], row["energy_kwh"], row["parts"]) == ("samples", 600, 2.0, 3)
    assert [row["hour_meter_hours"] for row in found.table.to_pylist()] == [812.25, None, None]
    assert [row["day"].day for row in found.table.to_pylist()] == [4, 5, 6]
    (finding,) = found.findings
    assert (finding.code, finding.machine_uid, finding.since) == ("report_differs", MACHINE, date(2026, 5, 4))
    assert finding.evidence["executing_seconds"] == {"samples": 600.0, "report": 650.0}
    assert finding.evidence["energy_kwh"] == {"samples": 2.0, "report": 2.5}
    assert "parts" not in finding.evidence


@pytest.mark.parametrize(
    ("seconds", "kwh", "found"),
    [
        (SECONDS_TOLERANCE, KWH_TOLERANCE, set()),
        (SECONDS_TOLERANCE + 0.5, 0.0, {"executing_seconds"}),
        (0.0, KWH_TOLERANCE * 1.5, {"energy_kwh"}),
    ],
)
def test_rounding_is_no_finding(seconds: float, kwh: float, found: set[str]) -> None:
    source = profile(hold=600, silence=Silence.UNKNOWN)
    owners = machines([(MACHINE, OBLIGOR, at("05-01 00:00"), None)])
    rows = samples([sample(at("05-04 08:00"), "E", 12, source=source)])
    by_samples = roll_up(rows, profiles={source.profile_id: source}, machines=owners, as_of=END)
    reported = days_of([report("05-04", executing_seconds=600.0 + seconds, energy_kwh=2.0 + kwh - 1e-9)], owners=owners)
    assert {name for item in combine(by_samples, reported).findings for name in item.evidence} == found


def test_on_a_day_without_a_sample_the_report_stands() -> None:
    reported = days_of([report("05-05", executing_seconds=7_200.0), report("05-08", executing_seconds=3_600.0)])
    found = combine(sampled(Silence.OFF), reported)
    told = {row["day"].day: (row["source"], row["executing_seconds"]) for row in found.table.to_pylist()}
    assert told == {4: ("samples", 600), 5: ("report", 7_200), 6: ("samples", 600), 8: ("report", 3_600)}
    assert not found.findings
    (span,) = found.spans.to_pylist()
    assert span["first_day"] == date(2026, 5, 4)
    assert span["starts"] == at("05-04 08:00")
    assert span["coverage_basis"] == "silence_means_off"


def test_one_obligors_part_leaves_out_findings_on_days_of_others() -> None:
    source = profile(hold=600, silence=Silence.UNKNOWN)
    noon = at("05-05 12:00")
    owners = machines([(MACHINE, OBLIGOR, at("05-01 00:00"), noon), (MACHINE, BUYER, noon, None)])
    rows = [sample(at(f"05-0{day} 08:00"), "E", 12, source=source) for day in (4, 6)]
    by_samples = roll_up(samples(rows), profiles={source.profile_id: source}, machines=owners, as_of=END)
    reported = days_of([report("05-04", executing_seconds=1.0), report("05-06", executing_seconds=1.0)], owners=owners)
    both = combine(by_samples, reported)
    assert [item.since.day for item in both.findings if item.since] == [4, 6]
    assert [item.since.day for item in both.of_obligors([BUYER]).findings if item.since] == [6]
    assert set(both.of_obligors([BUYER]).table["obligor_id"].to_pylist()) == {BUYER}


def test_samples_that_nobody_owned_are_left_out_and_counted() -> None:
    source = profile(hold=600, silence=Silence.UNKNOWN)
    rows = [sample(at("05-04 08:00") + timedelta(hours=hour), "E", source=source) for hour in range(4)]
    arguments = {"profiles": {source.profile_id: source}, "as_of": at("05-04 10:30")}
    owners = machines([(MACHINE, OBLIGOR, at("05-04 09:00"), None)])
    found = roll_up(samples(rows), machines=owners, **arguments)
    assert found.table["executing_seconds"].to_pylist() == [1_200]
    counted = {item.code: item.evidence["samples"] for item in found.findings}
    assert counted == {"outside_ownership": 1, "after_as_of": 1}
    nobody = roll_up(samples(rows), machines=machines([(MACHINE, None, None, None)]), **arguments)
    assert nobody.table.num_rows == 0
    assert {item.code for item in nobody.findings} == {"outside_ownership", "after_as_of"}


def test_a_counter_beats_increments_and_a_register_beats_power() -> None:
    source = profile(hold=600, silence=Silence.UNKNOWN)
    rows = [
        sample(at("08:00"), "E", 6, 7, source=source, count=100, register=10.0),
        sample(at("08:10"), "N", 6, 7, source=source, count=103, register=14.0),
    ]
    found = roll_up(samples(rows), profiles={source.profile_id: source}, machines=unowned(), as_of=END)
    (row,) = found.table.to_pylist()
    assert (row["parts"], row["energy_kwh"], row["energy_executing_kwh"]) == (3, 4.0, 4.0)


def test_later_owners_end_earlier_ones_and_one_owner_is_one_interval() -> None:
    source = profile(hold=1_200, silence=Silence.UNKNOWN)
    rows = [sample(at(clock), "N", 1, source=source) for clock in ("08:00", "08:10", "08:20")]
    owners = machines(
        [
            (MACHINE, OBLIGOR, at("00:00"), None),
            (MACHINE, OBLIGOR, at("08:05"), None),
            (MACHINE, BUYER, at("08:15"), None),
        ]
    )
    found = roll_up(samples(rows), profiles={source.profile_id: source}, machines=owners, as_of=END).table.to_pylist()
    assert [(row["obligor_id"], row["idle_seconds"]) for row in found] == [(OBLIGOR, 900), (BUYER, 1_200)]
