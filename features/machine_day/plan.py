"""What all partitions of a roll-up share: who owned which machine, the profiles, and each series' calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import ProfileId
from data_contracts.profile import SourceProfile
from features.machine_day.days import LocalDays, Micros, days_around
from features.machine_day.ownership import Ownership, ownership_of
from features.machine_day.samples import Ints, ProfileCodes, Profiles, Rows, Sorted, profile_codes, sorted_rows


@dataclass(frozen=True, slots=True, eq=False)
class Calendars:
    """The local days of every zone that occurs, one after the other. `first_midnights[z]` is where zone z begins."""

    zones: tuple[str, ...]
    days: tuple[LocalDays, ...]
    midnights: Micros
    first_midnights: Ints


@dataclass(frozen=True, slots=True, eq=False)
class RollUpPlan:
    """A series is a position in `ownership`; `zone_of` gives its zone's position in `calendars`, -1 where no row lies
    in it.

    `limits` are the instants beyond which nothing holds: the end of the ownership, or `as_of`.
    """

    ownership: Ownership
    profile_codes: ProfileCodes
    calendars: Calendars
    zone_of: NDArray[np.int64]
    limits: Micros

    @property
    def profiles(self) -> Profiles:
        """The profiles as the kernel reads them."""
        return self.profile_codes.columns

    def day_of(self, series: Ints, instants: Micros) -> Ints:
        """Local day number of each instant at the site of its series."""
        days = np.zeros(len(series), dtype=np.int64)
        for zone, calendar in enumerate(self.calendars.days):
            own = self.zone_of[series] == zone
            days[own] = calendar.day_of(instants[own])
        return days

    def day_bounds(self, series: Ints, days: Ints) -> tuple[Micros, Micros]:
        """Instants at which local days begin and end at the sites of their series."""
        zone = self.zone_of[series]
        first_days = np.array([calendar.first_day for calendar in self.calendars.days], dtype=np.int64)
        position = self.calendars.first_midnights[zone] + days - first_days[zone]
        return self.calendars.midnights[position], self.calendars.midnights[position + 1]

    def shifts(self, series: Ints, cells: Ints, days: Ints) -> Ints:
        """What leads from a cell, which holds the given local day, to that day's midnight in `calendars.midnights`."""
        zone = self.zone_of[series]
        first_days = np.array([calendar.first_day for calendar in self.calendars.days], dtype=np.int64)
        return np.asarray(self.calendars.first_midnights[zone] + days - first_days[zone] - cells)


def prepare(
    samples: Sequence[pa.Table],
    *,
    profiles: Mapping[ProfileId, SourceProfile],
    machines: pa.Table,
    as_of: int,
    executor: Executor | None = None,
) -> tuple[RollUpPlan, list[Sorted]]:
    """The plan for some partitions of samples, and their rows.

    `machines` has the layout of `ObservationReader.machines`; `as_of` is in microseconds. A series' days are those of
    the site zone that its latest row's profile names.
    """
    ownership = ownership_of(machines)
    codes = profile_codes(profiles)
    sort = partial(sorted_rows, ownership=ownership, profiles=codes, as_of=as_of)
    parts = list(executor.map(sort, samples) if executor else map(sort, samples))
    rows = [part.rows for part in parts]
    calendars, zone_of = _calendars(rows, codes, len(ownership))
    plan = RollUpPlan(
        ownership=ownership,
        profile_codes=codes,
        calendars=calendars,
        zone_of=zone_of,
        limits=np.minimum(ownership.ends, as_of),
    )
    return plan, parts


def _calendars(rows: Sequence[Rows], codes: ProfileCodes, count: int) -> tuple[Calendars, NDArray[np.int64]]:
    latest = np.full(count, np.iinfo(np.int64).min)
    profile = np.full(count, -1, dtype=np.int64)
    for part in rows:
        last = np.flatnonzero(np.diff(part.series, append=-1))
        series = part.series[last]
        newer = part.time[last] > latest[series]
        latest[series[newer]] = part.time[last][newer]
        profile[series[newer]] = part.profile[last][newer]
    zones = tuple(sorted({codes.site_zones[code] for code in profile[profile >= 0]}))
    zone_of_profile = np.array([zones.index(zone) if zone in zones else -1 for zone in codes.site_zones] + [-1])
    times = [part.time for part in rows if len(part.time)]
    earliest = min((int(time.min()) for time in times), default=0)
    ends = max((int(time.max()) for time in times), default=0)
    days = tuple(days_around(zone, earliest, ends) for zone in zones)
    sizes = np.array([len(calendar.midnights) for calendar in days], dtype=np.int64)
    calendars = Calendars(
        zones=zones,
        days=days,
        midnights=np.concatenate([np.empty(0, dtype=np.int64), *(calendar.midnights for calendar in days)]),
        first_midnights=np.cumsum(sizes) - sizes,
    )
    return calendars, zone_of_profile[profile]
