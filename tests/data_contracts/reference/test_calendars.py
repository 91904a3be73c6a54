"""Local days against the rules of the zones themselves, in zones whose clocks do everything that clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from data_contracts.reference.calendars import (
    DAY_US,
    SECOND_US,
    day_boundaries,
    day_lengths_us,
    local_days,
    local_months,
    zone_offsets,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Europe/Rome",
    "America/Havana",  # midnight happens twice
    "Asia/Beirut",  # midnight is skipped
    "Pacific/Apia",  # a whole day is skipped
    "Africa/Casablanca",
    "America/St_Johns",
    "Antarctica/Troll",  # clocks change by two hours
]


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_readings_and_days_are_those_of_zoneinfo(zone: str) -> None:
    rng = np.random.default_rng(20260504)
    instants = rng.integers(0, 4_000_000_000, 3_000) * SECOND_US
    rules = ZoneInfo(zone)
    readings = [(EPOCH + timedelta(microseconds=int(instant))).astimezone(rules) for instant in instants]
    expected = [microseconds(reading.replace(tzinfo=UTC)) for reading in readings]
    assert zone_offsets(zone).to_local(instants).tolist() == expected
    assert local_days(instants, zone).tolist() == [(reading.date() - date(1970, 1, 1)).days for reading in readings]
    assert local_months(instants, zone).tolist() == [
        (reading.year - 1970) * 12 + reading.month - 1 for reading in readings
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_readings_become_the_instants_of_zoneinfo(zone: str) -> None:
    rng = np.random.default_rng(20260505)
    walls = rng.integers(0, 2_200_000, 3_000) * 30 * 60 * SECOND_US
    instants, missing, twice = zone_offsets(zone).to_utc(walls)
    rules = ZoneInfo(zone)
    for wall, instant, is_missing, is_twice in zip(walls.tolist(), instants.tolist(), missing, twice, strict=True):
        reading = (EPOCH + timedelta(microseconds=wall)).replace(tzinfo=None)
        first = reading.replace(tzinfo=rules, fold=0).astimezone(UTC)
        second = reading.replace(tzinfo=rules, fold=1).astimezone(UTC)
        happened = first.astimezone(rules).replace(tzinfo=None) == reading
        assert is_missing == (not happened), (zone, reading)
        assert is_twice == (happened and first != second), (zone, reading)
        if happened:
            assert instant == microseconds(first), (zone, reading)


@pytest.mark.parametrize("zone", ZONES)
def test_days_begin_where_they_begin(zone: str) -> None:
    first, last = date(2011, 1, 1), date(2027, 12, 31)
    bounds = day_boundaries(zone, first, last)
    days = np.arange((first - date(1970, 1, 1)).days, (last - date(1970, 1, 1)).days + 1, dtype=np.int32)
    assert len(bounds) == len(days) + 1
    lengths = np.diff(bounds)
    assert (lengths == day_lengths_us(days, zone)).all()
    exist = lengths > 0
    assert (local_days(bounds[:-1][exist], zone) == days[exist]).all()
    assert (local_days(bounds[1:][exist] - 1, zone) == days[exist]).all()


HOURS = [
    ("Europe/Rome", date(2026, 3, 29), 23),
    ("Europe/Rome", date(2025, 10, 26), 25),
    ("Asia/Shanghai", date(2026, 3, 29), 24),
    ("Asia/Beirut", date(2024, 3, 31), 23),
    ("America/Havana", date(2024, 11, 3), 25),
    ("Pacific/Apia", date(2011, 12, 30), 0),
    ("Antarctica/Troll", date(2024, 3, 31), 22),
]


@pytest.mark.parametrize(("zone", "day", "hours"), HOURS)
def test_days_are_as_long_as_their_clocks_say(zone: str, day: date, hours: int) -> None:
    start, end = day_boundaries(zone, day, day)
    assert end - start == hours * 3600 * SECOND_US


def test_a_plain_day_in_shanghai() -> None:
    start, end = day_boundaries("Asia/Shanghai", date(2026, 5, 4), date(2026, 5, 4)).tolist()
    assert start == microseconds(datetime(2026, 5, 3, 16, tzinfo=UTC))
    assert end == start + DAY_US
