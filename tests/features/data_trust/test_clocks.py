"""Clocks that run ahead of the platform's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from data_contracts.identifiers import MachineUid, ProfileId
from data_contracts.observations.quality import SampledDay
from features.data_trust.clocks import AHEAD_SECONDS, clocks_ahead
from features.trust import Severity

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = SampledDay(
    machine_uid=MachineUid("O/M1"),
    profile_id=ProfileId("p"),
    day=date(2026, 5, 4),
    samples=10,
    first_sample=NOON,
    last_sample=NOON,
    heard_seconds=100.0,
    gaps=0,
    longest_gap_seconds=0.0,
    usual_lateness_seconds=5.0,
    greatest_lateness_seconds=9.0,
    least_lateness_seconds=1.0,
    skew_seconds=0.0,
    counter_breaks=0,
)


def days(*skews: float) -> list[SampledDay]:
    return [replace(DAY, day=DAY.day + timedelta(days=number), skew_seconds=skew) for number, skew in enumerate(skews)]


def test_late_samples_and_a_drifting_crystal_are_no_finding() -> None:
    assert clocks_ahead(days(0.0, AHEAD_SECONDS)) == []


def test_samples_known_before_they_happened() -> None:
    (finding,) = clocks_ahead(days(0.0, 90.0, 280.0, 120.0))
    assert (finding.severity, finding.since) == (Severity.MODERATE, date(2026, 5, 5))
    assert finding.evidence == {"days": 3, "most_seconds_ahead": 280.0}
    (once,) = clocks_ahead(days(0.0, 90.0))
    assert once.severity is Severity.NOTE
