"""Spans of time on the local days of many obligors at once, against a day at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data_contracts.reference.calendars import local_days
from features.data_trust.gap_evidence import Silences, _Frame

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
DAYS = 40
UNITS = ("A", "B", "C", "D")
ZONES = ("Asia/Shanghai", "Europe/Berlin", "Asia/Shanghai", "UTC")
LAST_DAYS = np.array(["2026-06-30", "2026-06-29", "2026-06-30", "2026-06-29"], dtype="datetime64[D]")
FRAME = _Frame(UNITS, ZONES, LAST_DAYS, DAYS)


def spans(seed: int, count: int = 60) -> pd.DataFrame:
    """Spans of known and unknown obligors, some before the days, some that go on."""
    random = np.random.default_rng(seed)
    begins = [AS_OF - timedelta(hours=float(hours)) for hours in random.uniform(0, 24 * (DAYS + 10), count)]
    ends = [None if hours < 10 else begin + timedelta(hours=float(hours))
            for begin, hours in zip(begins, random.exponential(60, count), strict=True)]  # fmt: skip
    return pd.DataFrame(
        {
            "obligor_id": random.choice([*UNITS, "X", "Y"], count),
            "event_time": pd.to_datetime(begins, utc=True),
            "until_time": pd.to_datetime(pd.Series(ends), utc=True),
        }
    )


def days_of(row: pd.Series, zone: str) -> set[int]:
    """The local days that a span touches, in the plainest words."""
    end = AS_OF if pd.isna(row["until_time"]) else row["until_time"]
    micros = [int(pd.Timestamp(at).value // 1000) for at in (row["event_time"], end)]
    first, last = local_days(np.array([micros[0], max(micros[1] - 1, micros[0])]), zone).tolist()
    return set(range(first, last + 1))


def cells(unit: int, days: set[int]) -> np.ndarray:
    last = int(LAST_DAYS[unit].astype(np.int64))
    return np.array([day in days for day in range(last - DAYS + 1, last + 1)])


@pytest.mark.parametrize("seed", range(5))
def test_days_covered(seed: int) -> None:
    rows = spans(seed)
    found = FRAME.cover(rows, AS_OF)
    for unit, name in enumerate(UNITS):
        own = [days_of(row, ZONES[unit]) for _, row in rows[rows["obligor_id"] == name].iterrows()]
        assert (found[unit] == cells(unit, set().union(*own))).all()


@pytest.mark.parametrize("seed", range(5))
def test_how_many_others(seed: int) -> None:
    rows = spans(seed)
    found = FRAME.others(Silences(rows), AS_OF)
    assert found.max() > 1
    for unit, name in enumerate(UNITS):
        counts = np.zeros(DAYS, dtype=np.int64)
        for other in sorted(set(rows["obligor_id"]) - {name}):
            theirs = [days_of(row, ZONES[unit]) for _, row in rows[rows["obligor_id"] == other].iterrows()]
            counts += cells(unit, set().union(*theirs))
        assert (found[unit] == counts).all()


def test_nobody_fell_silent() -> None:
    assert not FRAME.others(Silences(spans(0).iloc[:0]), AS_OF).any()
    assert not FRAME.cover(spans(0).iloc[:0], AS_OF).any()


def test_bills_against_their_median() -> None:
    bills = pd.DataFrame(
        {
            "obligor_id": ["A", "A", "A", "C", "B"],
            "month": [date(2026, 5, 1), date(2026, 6, 1), date(2026, 4, 1), date(2026, 6, 1), date(2026, 6, 1)],
            "energy_kwh": [100.0, 30.0, 120.0, 0.0, 7.0],
        }
    )
    ratio = FRAME.meter(bills)
    assert np.isnan(ratio[2:]).all()
    assert (ratio[0, -30:] == 0.3).all()
    assert (ratio[0, :-30] == 1.0).all()
    assert (ratio[1, -29:] == 1.0).all()
    assert np.isnan(ratio[1, :-29]).all()
