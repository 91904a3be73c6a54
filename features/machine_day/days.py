"""Runs of local calendar days of a site zone, some of which have 23 or 25 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.calendars import day_starts

MICROS_PER_SECOND = 1_000_000
MICROS_PER_HOUR = 3_600 * MICROS_PER_SECOND
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)

Micros = NDArray[np.int64]
"""Instants as UTC microseconds since 1970, or lengths of time in microseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalDays:
    """A run of local days: day number `first_day + i` (days since 1970-01-01) lasts from `midnights[i]` up to
    `midnights[i + 1]`, so that there is one more midnight than there are days."""

    first_day: int
    midnights: Micros

    def day_of(self, instants: Micros) -> NDArray[np.int64]:
        """Local day number of each instant, which must lie within the run."""
        found = np.searchsorted(self.midnights, instants, side="right") - 1
        assert found.size == 0 or (found.min() >= 0 and found.max() < len(self.midnights) - 1), (
            "outside the run of days"
        )
        return np.asarray(found + self.first_day, dtype=np.int64)

    def starts(self, days: NDArray[np.int64]) -> Micros:
        """Instant at which each day begins."""
        return np.asarray(self.midnights[days - self.first_day])

    def ends(self, days: NDArray[np.int64]) -> Micros:
        """Instant at which each day ends."""
        return np.asarray(self.midnights[days - self.first_day + 1])


@lru_cache(maxsize=256)
def local_days(zone: str, first_day: int, last_day: int) -> LocalDays:
    """The local days of `zone` from day number `first_day` to `last_day`, both included."""
    return LocalDays(first_day, day_starts(np.arange(first_day, last_day + 2, dtype=np.int32), zone))


def days_around(zone: str, earliest: int, latest: int) -> LocalDays:
    """The local days of `zone` that hold every instant from `earliest` to `latest`, with a day to spare on each
    side."""
    return local_days(zone, earliest // MICROS_PER_DAY - 2, latest // MICROS_PER_DAY + 2)


def last_complete_day(zone: str, as_of: datetime) -> date:
    """The last local day of `zone` that had ended by `as_of`."""
    return as_of.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)


def to_micros(instant: datetime) -> int:
    """UTC microseconds since 1970 of an aware datetime."""
    assert instant.tzinfo is not None, "an instant bears its zone"
    return (instant - EPOCH) // timedelta(microseconds=1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_DAY).days
