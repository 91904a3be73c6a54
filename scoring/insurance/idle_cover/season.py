"""A season of the insured as it is settled: what nobody watched never pays.

The insured holds the switch and the cable. Of the season, machine-time that nobody watched counts as worked at the
reference; of the seasons before, as idle. So telling less only lowers a payout. A shutdown that was announced before
it began is left out on the days on which the machines say that they stood still; worked or unwatched, the day counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.holidays import days_from_new_year, is_public_holiday
from scoring.errors import InvalidRequest
from scoring.insurance.idle_cover.payout import Reference, SeasonDays
from scoring.insurance.idle_cover.staged import OFF_SHARE

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

EPOCH = date(1970, 1, 1).toordinal()
NEW_YEAR_DAYS = (-1, 6)
"""The statutory holiday around Chinese New Year's Day: its eve and the week that it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDays:
    """Consecutive days (n): their numbers since 1970-01-01, the seconds in which the insured's machines executed, were
    watched and were the insured's (0 before the first of them was connected), and its cluster's rate (NaN: unknown)."""

    days: NDArray[np.int64]
    executing: Vector
    watched: Vector
    owned: Vector
    cluster_rate: Vector

    @property
    def is_holiday(self) -> Mask:
        """Public holidays and the week of Chinese New Year: nobody's loss."""
        away, (first, last) = days_from_new_year(self.days), NEW_YEAR_DAYS
        return np.asarray(is_public_holiday(self.days) | ((away >= first) & (away <= last)))

    def between(self, starts: date, ends: date) -> Mask:
        """Which of the days (n) lie between two, both inclusive."""
        first, last = starts.toordinal() - EPOCH, ends.toordinal() - EPOCH
        return np.asarray((self.days >= first) & (self.days <= last))

    def share_watched(self, starts: date, ends: date) -> float:
        """How much of the machines' time between two days was watched; 0 where there were none."""
        chosen = self.between(starts, ends)
        owned = float(self.owned[chosen].sum())
        return float(self.watched[chosen].sum()) / owned if owned else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """Days, both inclusive, on which the insured announced beforehand that it would not work."""

    starts: date
    ends: date


def reference_of(found: WatchedDays, starts: date, ends: date, *, years: int) -> Reference:
    """The means of the same season in so many years before, holidays left out, on days on which the cluster is known
    and the insured had machines connected; time that nobody watched was idle.

    Raises InvalidRequest where there is no such day, or the insured never worked on one.
    """
    before = np.zeros(len(found.days), dtype=np.bool_)
    for back in range(1, years + 1):
        before |= found.between(years_before(starts, back), years_before(ends, back))
    chosen = before & ~found.is_holiday & (found.owned > 0) & ~np.isnan(found.cluster_rate)
    if not chosen.any() or not found.executing[chosen].any():
        raise InvalidRequest(
            f"Of the {years} seasons before {starts} no working day tells how the insured and its cluster worked.",
            hint="A payout is held against a season of a year before: connect its machines' history first.",
        )
    return Reference(
        own_rate=float((found.executing[chosen] / found.owned[chosen]).mean()),
        cluster_rate=float(found.cluster_rate[chosen].mean()),
    )


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; the 28th of February where it has no 29th."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return (day.replace(day=28) if is_leap_day else day).replace(year=day.year - years)


def season_of(
    found: WatchedDays, starts: date, ends: date, reference: Reference, announced: Sequence[Shutdown]
) -> SeasonDays:
    """The season's days as a settlement counts them. Days on which the insured had no machine connected are worked as
    usual, like all that nobody watched."""
    chosen = found.between(starts, ends)
    owned = np.maximum(found.owned[chosen], 1.0)
    unwatched = np.clip(1.0 - found.watched[chosen] / owned, 0.0, 1.0)
    rate = found.executing[chosen] / owned + unwatched * reference.insured_rate
    shut = np.zeros(len(rate), dtype=np.bool_)
    for each in announced:
        shut |= found.between(each.starts, each.ends)[chosen]
    return SeasonDays(
        own_rate=rate,
        cluster_rate=found.cluster_rate[chosen],
        is_planned=shut & (rate < OFF_SHARE * reference.insured_rate),
        is_holiday=found.is_holiday[chosen],
    )
