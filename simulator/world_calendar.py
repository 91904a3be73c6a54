"""The world's days: months, weekdays, Chinese New Year, and the instants at which local days begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.calendars import day_starts, local_days
from simulator.parameter_values import CalendarParameters, PlaceParameters

QUARTERS_PER_DAY = 96
QUARTER_SECONDS = 900
MICROSECONDS = 1_000_000
EPOCH = date(1970, 1, 1)

Days = NDArray[np.int64]
"""Indices of days, 0 at the world's first."""
Instants = NDArray[np.int64]
"""UTC microseconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of the world. `position` counts from 0, or is -1 for the month before, in which the first orders came."""

    position: int
    first: date
    first_day: int
    """Index of its first day in the world (negative before it)."""
    length: int

    @property
    def days(self) -> Days:
        """Indices of its days in the world."""
        return np.arange(self.first_day, self.first_day + self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of a world, counted from 0 at `first_day`, in the zone of all its sites."""

    first_day: date
    day_count: int
    zone: str
    warm_up: Month
    months: tuple[Month, ...]
    days_from_new_year: Days
    """By day: days since the nearest Chinese New Year's Day (negative before it)."""
    weekday: Days
    """By day: 0 Monday to 6 Sunday."""
    is_holiday: NDArray[np.bool_]
    """By day: a public holiday with a fixed date."""

    def midnight(self, day: Days | int) -> Instants:
        """The instants at which the days of these indices begin."""
        since_epoch = np.asarray(day) + (self.first_day - EPOCH).days
        return day_starts(since_epoch.astype(np.int32), self.zone)

    def next_midnight(self, instant: Instants) -> Instants:
        """The end of the local day in which each instant lies."""
        return day_starts(local_days(instant, self.zone) + np.int32(1), self.zone)

    @property
    def end(self) -> int:
        """The instant at which the world ends: nothing recorded later is known in it."""
        return int(self.midnight(self.day_count))

    def date_of(self, day: Days) -> NDArray[np.datetime64]:
        """Calendar dates of day indices."""
        return np.datetime64(self.first_day, "D") + np.asarray(day).astype("timedelta64[D]")

    def index_of(self, dates: NDArray[np.datetime64]) -> Days:
        """Day indices of calendar dates."""
        return (dates.astype("datetime64[D]") - np.datetime64(self.first_day, "D")).astype(np.int64)


def build_calendar(months: int, *, place: PlaceParameters, holidays: CalendarParameters) -> Calendar:
    """The calendar of a world of so many months that ends with `place.last_month`."""
    last = date.fromisoformat(f"{place.last_month}-01")
    first = _shift(last, 1 - months)
    day_count = (_shift(last, 1) - first).days
    dates = [first + timedelta(days=day) for day in range(day_count)]
    new_years = np.array([date.fromisoformat(text).toordinal() for text in holidays.chinese_new_year])
    offsets = np.array([day.toordinal() for day in dates])[:, None] - new_years[None, :]
    return Calendar(
        first_day=first,
        day_count=day_count,
        zone=place.site_zone,
        warm_up=_month(-1, first),
        months=tuple(_month(position, first) for position in range(months)),
        days_from_new_year=offsets[np.arange(day_count), np.abs(offsets).argmin(axis=1)],
        weekday=np.array([day.weekday() for day in dates]),
        is_holiday=np.array([f"{day:%m-%d}" in holidays.fixed_holidays for day in dates]),
    )


def _month(position: int, first: date) -> Month:
    start = _shift(first, position)
    return Month(
        position=position,
        first=start,
        first_day=(start - first).days,
        length=(_shift(start, 1) - start).days,
    )


def _shift(month: date, by: int) -> date:
    years, zero_based = divmod(month.year * 12 + month.month - 1 + by, 12)
    return date(years, zero_based + 1, 1)
