"""Shutdowns that are staged for a payout: machines told to be off while the rest of the firm goes on.

A real slump shows everywhere: orders fall first, machines fade one by one, the meter follows, deliveries thin out, and
the neighbours have it too. A staged one is sudden, total, and alone, and what it cannot switch off (orders coming in,
parts leaving, the site's own meter) contradicts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LEAST_DAYS = 5
BEFORE_DAYS = 60
OFF_SHARE = 0.05
"""A day counts as standing still below this share of the usual rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmDays:
    """A firm day by day (n; NaN where nobody knows): its operating rate, its cluster's, value delivered, and energy by
    the site's own meter; and which days nobody works (holidays, planned)."""

    own_rate: Vector
    cluster_rate: Vector
    delivered: Vector
    site_kwh: Vector
    is_rest: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFinding:
    """The longest standstill of the season, what was usual before it, and what contradicts it.

    `score` is in log-odds-like points and orders cases; what fraction of honest firms passes a limit is measured
    (docs/premium.md), not assumed. None of the parts is known where its stream is not.
    """

    first_day: int
    days: int
    drop: float
    """By how much the rate fell beside the cluster's own fall, 0 to 1."""
    suddenness: float
    """Share of the fall that happened from one working day to the next."""
    delivered_share: float | None
    """Deliveries during the standstill beside before."""
    energy_share: float | None
    """Energy by the site's meter during the standstill beside before."""
    score: float


def staged_shutdown(days: FirmDays) -> StagedFinding | None:
    """The most suspicious standstill, or None where the firm never stood still for five working days."""
    worked = np.flatnonzero(~days.is_rest & ~np.isnan(days.own_rate))
    usual = _usual(days.own_rate, worked)
    still = days.own_rate[worked] < OFF_SHARE * usual[worked]
    best: StagedFinding | None = None
    for first, last in _runs(still):
        if last - first >= LEAST_DAYS and first > 0:
            found = _finding(days, worked, first, last)
            if found is not None and (best is None or found.score > best.score):
                best = found
    return best


def _finding(days: FirmDays, worked: NDArray[np.int64], first: int, last: int) -> StagedFinding | None:
    span, before = worked[first:last], worked[max(0, first - BEFORE_DAYS) : first]
    was = _mean(days.own_rate[before])
    if was is None or was <= 0:
        return None
    fall = 1 - (_mean(days.own_rate[span]) or 0.0) / was
    cluster_was, cluster_is = _mean(days.cluster_rate[before]), _mean(days.cluster_rate[span])
    cluster_fall = 0.0 if not cluster_was or cluster_is is None else max(0.0, 1 - cluster_is / cluster_was)
    last_worked = float(days.own_rate[worked[first - 1]])
    suddenness = min(1.0, max(0.0, last_worked / was))
    delivered, energy = (_kept(stream, span, before) for stream in (days.delivered, days.site_kwh))
    drop = max(0.0, fall - cluster_fall)
    score = drop + suddenness
    score += 0.0 if delivered is None else min(delivered, 1.5)
    score += 0.0 if energy is None else min(energy, 1.5)
    return StagedFinding(
        first_day=int(span[0]),
        days=int(last - first),
        drop=drop,
        suddenness=suddenness,
        delivered_share=delivered,
        energy_share=energy,
        score=score,
    )


def _usual(rates: Vector, worked: NDArray[np.int64]) -> Vector:
    """The median rate of all working days, at each day: a firm that always stands still never falls."""
    middle = float(np.median(rates[worked])) if len(worked) else 0.0
    return np.full(len(rates), middle)


def _kept(stream: Vector, span: NDArray[np.int64], before: NDArray[np.int64]) -> float | None:
    was, kept = _mean(stream[before]), _mean(stream[span])
    return None if not was or kept is None else kept / was


def _mean(values: Vector) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Starts and ends (exclusive) of runs of true."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
