"""The golden machine-days: cases worked by hand, numbered as elsewhere (7 and 8 are of intake and of reports)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sample_tables import END, MACHINE, OBLIGOR, at, machines, profile, sample, samples, unowned

from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ELEMENTS, Silence
from features.machine_day.roll_up import roll_up

OFF, UNKNOWN = Silence.OFF, Silence.UNKNOWN


def days_of(rows: list[dict[str, Any]], source: SourceProfile, **options: Any) -> dict[str, dict[str, Any]]:
    """Machine-days by their day ("05-04"), of the one obligor that there is."""
    arguments = {"machines": unowned(), "as_of": END} | options
    found = roll_up(samples(rows), profiles={source.profile_id: source}, **arguments)
    assert not found.findings
    return {f"{row['day']:%m-%d}": row for row in found.table.to_pylist()}


def seconds(row: dict[str, Any]) -> dict[str, float]:
    """The elements that are not zero, by their short names."""
    return {name.removesuffix("_seconds"): row[name] for name in ELEMENTS if row[name]}


def check(row: dict[str, Any], **expected: float | None) -> None:
    """Seconds and counts exactly, kWh and coverage to 1e-6."""
    for name, value in expected.items():
        if value is None:
            assert row[name] is None, name
        elif name.endswith("_kwh") or name == "coverage":
            assert row[name] == pytest.approx(value, abs=5e-7), name
        else:
            assert row[name] == value, name


GAP_ROWS = [("08:00", "E", 10, 2), ("08:05", "E", 12, 3), ("08:30", "N", 4, 0)]


@pytest.mark.parametrize(
    ("silence", "unknown", "off", "observed", "coverage"),
    [
        (OFF, 55_200, 900, 2_400, 0.041667),
        (UNKNOWN, 56_100, 0, 1_500, 0.026042),
    ],
)
def test_1_and_2_a_hold_cut_by_the_next_sample_and_a_gap(
    silence: Silence, unknown: float, off: float, observed: float, coverage: float
) -> None:
    source = profile(hold=600, silence=silence)
    row = days_of([sample(at(clock), *said, source=source) for clock, *said in GAP_ROWS], source)["05-04"]
    check(row, unknown_seconds=unknown, off_seconds=off, executing_seconds=900, idle_seconds=600)
    check(row, powered_seconds=1_500, observed_seconds=observed, sampled_seconds=1_500, coverage=coverage)
    check(row, energy_kwh=3.5, energy_executing_kwh=2.833333, energy_idle_kwh=0.666667, energy_other_kwh=0)
    check(row, peak_kw=12, parts=5, fault_starts=0, state_changes=1)
    assert row["coverage_basis"] == ("silence_means_off" if silence is OFF else "sampled")
    assert (row["first_sample"], row["last_sample"]) == (at("08:00"), at("08:30"))


def test_3_a_hold_across_midnight() -> None:
    source = profile(hold=1_800, silence=UNKNOWN)
    days = days_of(
        [sample(at("05-04 23:55"), "E", 6, 1, source=source), sample(at("05-05 00:10"), "N", 3, 0, source=source)],
        source,
    )
    assert seconds(days["05-04"]) == {"executing": 300}
    assert seconds(days["05-05"]) == {"unknown": 84_000, "executing": 600, "idle": 1_800}
    check(days["05-04"], energy_kwh=0.5, energy_executing_kwh=0.5, energy_idle_kwh=0, peak_kw=6, parts=1, coverage=1)
    check(days["05-05"], energy_kwh=2.5, energy_executing_kwh=1.0, energy_idle_kwh=1.5, peak_kw=3, parts=0)
    check(days["05-05"], coverage=0.027778)


def test_4_fault_gap_fault() -> None:
    source = profile(hold=600, silence=UNKNOWN)
    said = [
        ("09:00", "E", 5),
        ("09:05", "O", 1),
        ("09:10", "O", 1),
        ("10:00", "O", 1),
        ("10:05", "E", 5),
        ("10:10", "O", 1),
    ]
    row = days_of([sample(at(clock), state, kw, source=source) for clock, state, kw in said], source)["05-04"]
    assert seconds(row) == {"unknown": 51_600, "fault": 1_800, "executing": 600}
    check(row, energy_kwh=1.333333, energy_executing_kwh=0.833333, energy_other_kwh=0.5)
    check(row, fault_starts=2, state_changes=3, parts=None)


def test_5_columns_hold_on_their_own() -> None:
    source = profile(hold=3_600, silence=UNKNOWN)
    said: list[tuple[str, str | None, float | None, float | None]] = [
        ("08:00", "E", None, None),
        ("08:10", None, 10, None),
        ("08:20", None, None, 4),
        ("08:30", "N", None, None),
        ("08:40", None, 2, None),
    ]
    row = days_of([sample(at(clock), *values, source=source) for clock, *values in said], source)["05-04"]
    assert seconds(row) == {"unknown": 52_200, "executing": 1_800, "idle": 3_600}
    check(row, energy_kwh=7.0, energy_executing_kwh=3.333333, energy_idle_kwh=3.333333, energy_other_kwh=0.333333)
    check(row, parts=4, coverage=0.09375)


@pytest.mark.parametrize(
    ("known", "executing", "fault", "fault_starts"), [("05-04 20:00", 600, 0, 0), ("05-06 20:00", 300, 300, 1)]
)
def test_6_a_late_correction(known: str, executing: float, fault: float, fault_starts: int) -> None:
    source = profile(hold=600, silence=UNKNOWN)
    rows = [
        sample(at("08:00"), "E", source=source),
        sample(at("08:10"), "N", source=source),
        sample(at("08:05"), "O", source=source, recorded=at("05-05 08:05")),
    ]
    visible = [row for row in rows if row["recorded_time"] <= at(known)]
    row = days_of(visible, source, as_of=at(known))["05-04"]
    check(row, executing_seconds=executing, idle_seconds=600, fault_seconds=fault)
    check(row, fault_starts=fault_starts, energy_kwh=None, energy_other_kwh=None, peak_kw=None, parts=None)


@pytest.mark.parametrize(
    ("first", "between", "last", "silent_day"),
    [("2026-10-24", "10-25", "2026-10-26", 90_000), ("2026-03-28", "03-29", "2026-03-30", 82_800)],
)
def test_9_clocks_change(first: str, between: str, last: str, silent_day: float) -> None:
    source = profile(hold=600, silence=OFF, zone="Europe/Rome")
    stamps = [at(f"{day} 10:00", zone="Europe/Rome") for day in (first, last)]
    owned = machines([(MACHINE, OBLIGOR, datetime(2026, 1, 1, tzinfo=UTC), None)])
    days = days_of([sample(stamp, "E", 3, source=source) for stamp in stamps], source, machines=owned)
    assert list(days) == [first[5:], between, last[5:]]
    assert seconds(days[first[5:]]) == {"unknown": 36_000, "executing": 600, "off": 49_800}
    assert seconds(days[between]) == {"off": silent_day}
    assert seconds(days[last[5:]]) == {"off": 36_000, "executing": 600, "unknown": 49_800}
    check(days[between], energy_kwh=0, sampled_seconds=0, observed_seconds=silent_day, peak_kw=None, coverage=1)


def test_10_sold_at_noon() -> None:
    source = profile(hold=600, silence=UNKNOWN)
    rows = [sample(at("00:00") + timedelta(minutes=10 * step), "N", 1, source=source) for step in range(144)]
    noon, buyer = at("12:00"), "91999999MA0000002R"
    owned = machines([(MACHINE, OBLIGOR, at("2026-01-01 00:00"), noon), (MACHINE, buyer, noon, None)])
    found = roll_up(samples(rows), profiles={source.profile_id: source}, machines=owned, as_of=END).table.to_pylist()
    assert [row["obligor_id"] for row in found] == [OBLIGOR, buyer]
    for row in found:
        assert row["day"] == date(2026, 5, 4)
        assert seconds(row) == {"idle": 43_200}
        check(row, energy_kwh=12.0, coverage=1)


@pytest.mark.parametrize(
    ("readings", "modulus", "parts"), [([100, 105, 3, 9], None, 14), ([9_995, 4], 10_000, 9), ([9_995, 4], None, 4)]
)
def test_11_part_counters(readings: list[float], modulus: float | None, parts: float) -> None:
    source = profile(hold=600, silence=UNKNOWN, count_modulus=modulus)
    rows = [sample(at(f"08:{5 * step:02}"), "E", source=source, count=count) for step, count in enumerate(readings)]
    check(days_of(rows, source)["05-04"], parts=parts)


def test_12_energy_register() -> None:
    source = profile(hold=600, silence=UNKNOWN)
    rows = [
        sample(at(f"08:{5 * step:02}"), "E", source=source, register=kwh)
        for step, kwh in enumerate([500.0, 512.5, 2.0])
    ]
    check(days_of(rows, source)["05-04"], energy_kwh=14.5, energy_executing_kwh=14.5, peak_kw=None)


def test_13_modes() -> None:
    source = profile(hold=1_200, silence=UNKNOWN)
    rows = [
        sample(at("08:00"), "E", 3, source=source, mode="Setup"),
        sample(at("08:20"), "E", 2, source=source, mode="Maintenance"),
        sample(at("08:40"), "A", 0, source=source, mode=None),
        sample(at("09:00"), "E", 8, 5, source=source, mode="None"),
    ]
    row = days_of(rows, source)["05-04"]
    check(row, setup_seconds=1_200, maintenance_seconds=1_200, off_seconds=1_200, executing_seconds=1_200)
    check(row, powered_seconds=3_600, observed_seconds=4_800, sampled_seconds=4_800, parts=5)
    check(row, energy_kwh=4.333333, energy_executing_kwh=2.666667, energy_other_kwh=1.666667, energy_idle_kwh=0)
