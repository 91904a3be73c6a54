"""Calendars: where a site's local days begin, and which local day an instant lies in. Instants are UTC microseconds.

Rules come from the IANA database through `zoneinfo`; each zone's changes of offset are found once, between 1970 and
2100, and everything after is array arithmetic.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = 0
_LAST_DAY = 47_482
"""Days since 1970 on which the table of a zone ends: 2100-01-01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneOffsets:
    """Offsets of one zone from UTC: `offsets[k]` holds from `changes[k - 1]` until `changes[k]` (UTC microseconds)."""

    changes: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def to_local(self, instants: NDArray[np.int64]) -> NDArray[np.int64]:
        """Wall-clock microseconds since 1970-01-01 00:00 local, of UTC instants."""
        return instants + self.offsets[np.searchsorted(self.changes, instants, side="right")]

    def to_utc(self, walls: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """UTC instants of wall-clock readings; which readings never happened, and which happened twice.

        Where a reading happened twice the first instant is given; where it never did, the instant of the change.
        """
        before, after = self.offsets[:-1], self.offsets[1:]
        resumes = self.changes + np.maximum(before, after)
        index = np.searchsorted(resumes, walls, side="right")
        instants = walls - self.offsets[index]
        upcoming = np.minimum(index, len(self.changes) - 1)
        inside = (index < len(self.changes)) & (walls >= (self.changes + np.minimum(before, after))[upcoming])
        missing = inside & (after > before)[upcoming]
        twice = inside & (after < before)[upcoming]
        return np.where(missing, self.changes[upcoming], instants), missing, twice


def add_months(instant: datetime, months: int) -> datetime:
    """`instant` so many calendar months later, at the same clock time in its zone; a day that the month does not have
    becomes its last."""
    index = instant.year * 12 + instant.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))


@cache
def zone_offsets(zone: str) -> ZoneOffsets:
    """The table of a zone's offsets, 1970 to 2100. Raises ZoneInfoNotFoundError when there is no such zone."""
    rules = ZoneInfo(zone)

    def offset(second: int) -> int:
        """Microseconds east of Greenwich at a second since 1970."""
        reading = (_EPOCH + timedelta(seconds=second)).astimezone(rules).utcoffset()
        assert reading is not None, "a ZoneInfo always gives an offset"
        return reading // timedelta(microseconds=1)

    seconds = range(_FIRST_DAY * 86_400, (_LAST_DAY + 1) * 86_400, 86_400)
    daily = [offset(second) for second in seconds]
    changes: list[int] = []
    offsets = [daily[0]]
    for position in range(1, len(daily)):
        if daily[position] != daily[position - 1]:
            low, high = seconds[position - 1], seconds[position]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == daily[position - 1] else (low, middle)
            changes.append(high * SECOND_US)
            offsets.append(daily[position])
    if not changes:  # a zone without changes gets one that alters nothing, so that every table has an edge
        changes, offsets = [0], [daily[0], daily[0]]
    return ZoneOffsets(changes=np.array(changes, dtype=np.int64), offsets=np.array(offsets, dtype=np.int64))


def local_days(instants_us: NDArray[np.int64], zone: str) -> NDArray[np.int32]:
    """The local calendar day of each UTC instant, as days since 1970-01-01."""
    return np.floor_divide(zone_offsets(zone).to_local(instants_us), DAY_US).astype(np.int32)


def local_months(instants_us: NDArray[np.int64], zone: str) -> NDArray[np.int32]:
    """The local calendar month of each UTC instant, as months since 1970-01."""
    return months_of_days(local_days(instants_us, zone))


def months_of_days(days: NDArray[np.int32]) -> NDArray[np.int32]:
    """The calendar month of each day since 1970-01-01, as months since 1970-01."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)


def day_starts(days: NDArray[np.int32], zone: str) -> NDArray[np.int64]:
    """The first instant (UTC microseconds) of each local day, given as days since 1970-01-01.

    Where clocks skip midnight the day begins at the change; where midnight happens twice, at the first.
    """
    instants, _, _ = zone_offsets(zone).to_utc(days.astype(np.int64) * DAY_US)
    return instants


def day_boundaries(zone: str, first: date, last: date) -> NDArray[np.int64]:
    """The n + 1 instants (UTC microseconds) that bound the n local days from `first` to `last`, both included."""
    epoch = date(1970, 1, 1)
    days = np.arange((first - epoch).days, (last - epoch).days + 2, dtype=np.int32)
    return day_starts(days, zone)


def day_lengths_us(days: NDArray[np.int32], zone: str) -> NDArray[np.int64]:
    """Length in microseconds of each local day: 23, 24 or 25 hours, or what the zone's rules make of it."""
    return day_starts(days + 1, zone) - day_starts(days, zone)
