"""Shutdowns that are staged for a payout: machines told to be off while the rest of the firm goes on.

A real slump shows everywhere: machines fade one by one, the meter follows, deliveries thin out, and the neighbours
have it too. A staged one is told by the machines alone. What it cannot switch off is the site's own meter, so what
decides is the energy billed that the machines do not tell of: in days of the firm's usual energy, times how far the
firm fell beside its cluster. An honest standstill uses no energy; one of the grid's or of a holiday is the cluster's
as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LEAST_DAYS = 5
BEFORE_DAYS = 60
PERIODS_BEFORE = 6
OFF_SHARE = 0.05
"""A day counts as standing still below this share of the usual rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmDays:
    """A firm day by day (n; NaN where nobody knows): its operating rate and its cluster's, the energy that its machines
    tell, and parts delivered; energy by the site's own meter, a bill's spread evenly over its days, with the bill that
    each day belongs to (counting up); and which days nobody works (holidays, planned)."""

    own_rate: Vector
    cluster_rate: Vector
    told_kwh: Vector
    site_kwh: Vector
    bill: NDArray[np.int64]
    delivered: Vector
    is_rest: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFinding:
    """A standstill and what contradicts it.

    `score` orders cases: `unexplained_days` x `drop`. What share of honest firms passes a limit is measured
    (`python -m benchmarks.staged_shutdowns`), not assumed.
    """

    first_day: int
    days: int
    """Working days of it."""
    drop: float
    """By how much the rate fell beyond the cluster's own fall, 0 to 1."""
    unexplained_days: float
    """Energy billed in the periods that it touches and not told by the machines, in days of usual energy."""
    delivered_share: float | None
    """Deliveries during it beside before, to be read with the case; None where nothing is known."""
    score: float


def staged_shutdown(days: FirmDays, *, since: int = 0) -> StagedFinding | None:
    """The most suspicious standstill of those that end on day `since` or after it, or None where the firm never stood
    still for five working days."""
    worked = np.flatnonzero(~days.is_rest & ~np.isnan(days.own_rate))
    usual = _usual(days.own_rate, worked)
    still = days.own_rate[worked] < OFF_SHARE * usual[worked]
    best: StagedFinding | None = None
    for first, last in _runs(still):
        if last - first >= LEAST_DAYS and first > 0 and worked[last - 1] >= since:
            found = _finding(days, worked, first, last)
            if found is not None and (best is None or found.score > best.score):
                best = found
    return best


def _finding(days: FirmDays, worked: NDArray[np.int64], first: int, last: int) -> StagedFinding | None:
    span, before = worked[first:last], worked[max(0, first - BEFORE_DAYS) : first]
    was = _mean(days.own_rate[before])
    unexplained = _unexplained_days(days, int(span[0]), int(span[-1]))
    if was is None or was <= 0 or unexplained is None:
        return None
    fall = 1 - (_mean(days.own_rate[span]) or 0.0) / was
    cluster_was, cluster_is = _mean(days.cluster_rate[before]), _mean(days.cluster_rate[span])
    cluster_fall = 0.0 if not cluster_was or cluster_is is None else max(0.0, 1 - cluster_is / cluster_was)
    drop = max(0.0, fall - cluster_fall)
    delivered_was, delivered_is = _mean(days.delivered[before]), _mean(days.delivered[span])
    return StagedFinding(
        first_day=int(span[0]),
        days=last - first,
        drop=drop,
        unexplained_days=unexplained,
        delivered_share=None if not delivered_was or delivered_is is None else delivered_is / delivered_was,
        score=drop * unexplained,
    )


def _unexplained_days(days: FirmDays, first: int, last: int) -> float | None:
    """Energy billed beyond what the machines' telling explains, at most the standstill's own days and never below 0.

    A site uses more than its machines tell, always: by what factor is seen in the bills before. Days on which machines
    were not heard count as usual. None without bills before or during.
    """
    during = (days.bill >= days.bill[first]) & (days.bill <= days.bill[last])
    before = (days.bill < days.bill[first]) & (days.bill >= days.bill[first] - PERIODS_BEFORE)
    known = before & ~np.isnan(days.site_kwh) & ~np.isnan(days.told_kwh)
    billed, told = float(days.site_kwh[known].sum()), float(days.told_kwh[known].sum())
    if not known.any() or told <= 0 or billed <= 0 or np.isnan(days.site_kwh[during]).all():
        return None
    usual_told = told / int(known.sum())
    now = np.where(np.isnan(days.told_kwh[during]), usual_told, days.told_kwh[during]).sum()
    missing = float(np.nansum(days.site_kwh[during])) - billed / told * float(now)
    return float(np.clip(missing / (billed / int(known.sum())), 0.0, last - first + 1))


def _usual(rates: Vector, worked: NDArray[np.int64]) -> Vector:
    """The median rate of all working days, at each day: a firm that always stands still never falls."""
    middle = float(np.median(rates[worked])) if len(worked) else 0.0
    return np.full(len(rates), middle)


def _mean(values: Vector) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Starts and ends (exclusive) of runs of true."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
