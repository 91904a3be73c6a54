"""What all partitions of a roll-up share: who owned which machine, the profiles, and each series' calendar.

A plan is small: it travels to every worker, and calendars are made where they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.machine_day.days import LocalDays, Micros, local_days
from features.machine_day.ownership import Ownership, places_of
from features.machine_day.samples import Ints, ProfileCodes, Profiles


@dataclass(frozen=True, slots=True, eq=False)
class Calendars:
    """The local days of every zone that occurs, one after the other: `midnights[first_midnights[z] + i]` is where day
    number `first_days[z] + i` of zone z begins, and `first_midnights[z + 1]` where the next zone does."""

    days: tuple[LocalDays, ...]
    midnights: Micros
    first_midnights: Ints
    first_days: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RollUpPlan:
    """A series is a position in `ownership`; `zone_of` gives its zone's position in `zones`. All rows lie on day
    numbers `first_day` to `last_day`. Rows later than `as_of` (microseconds) are not known. No row of series s holds
    anything longer than `holds[s]` microseconds."""

    ownership: Ownership
    profile_codes: ProfileCodes
    zones: tuple[str, ...]
    zone_of: NDArray[np.int16]
    holds: Ints
    first_day: int
    last_day: int
    as_of: int

    @property
    def profiles(self) -> Profiles:
        """The profiles as the kernel reads them."""
        return self.profile_codes.columns

    @property
    def places(self) -> Mapping[str, range]:
        """The series of each machine."""
        return places_of(self.ownership)

    @property
    def calendars(self) -> Calendars:
        """The local days of all zones."""
        return calendars_of(self.zones, self.first_day, self.last_day)

    def limits(self, series: Ints) -> Micros:
        """The instants beyond which nothing holds: the end of the ownership, or `as_of`."""
        return np.minimum(self.ownership.ends[series], self.as_of)

    def day_of(self, series: Ints, instants: Micros) -> Ints:
        """Local day number of each instant at the site of its series."""
        if len(self.zones) == 1:
            return self.calendars.days[0].day_of(instants)
        days = np.zeros(len(series), dtype=np.int64)
        for zone, calendar in enumerate(self.calendars.days):
            own = self.zone_of[series] == zone
            days[own] = calendar.day_of(instants[own])
        return days

    def day_bounds(self, series: Ints, days: Ints) -> tuple[Micros, Micros]:
        """Instants at which local days begin and end at the sites of their series."""
        position = self._midnight(series, days)
        return self.calendars.midnights[position], self.calendars.midnights[position + 1]

    def shifts(self, series: Ints, cells: Ints, days: Ints) -> Ints:
        """What leads from a cell, which holds the given local day, to that day's midnight in `calendars.midnights`."""
        return np.asarray(self._midnight(series, days) - cells)

    def _midnight(self, series: Ints, days: Ints) -> Ints:
        zone, calendars = self.zone_of[series], self.calendars
        return np.asarray(calendars.first_midnights[zone] + days - calendars.first_days[zone])


@lru_cache(maxsize=16)
def calendars_of(zones: tuple[str, ...], first_day: int, last_day: int) -> Calendars:
    """The local days of `zones` from `first_day` to `last_day`."""
    days = tuple(local_days(zone, first_day, last_day) for zone in zones)
    sizes = np.array([len(calendar.midnights) for calendar in days], dtype=np.int64)
    return Calendars(
        days=days,
        midnights=np.concatenate([np.empty(0, dtype=np.int64), *(calendar.midnights for calendar in days)]),
        first_midnights=np.cumsum(sizes) - sizes,
        first_days=np.array([calendar.first_day for calendar in days], dtype=np.int64),
    )
