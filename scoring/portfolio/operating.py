"""How busy the machines of a cluster are, month by month, so that who joins or leaves does not move the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BASE = 100.0
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMonth:
    """A cluster in one month: firms that were observed, machines, observed machine-hours (its capacity), the share of
    them in which machines executed, and the index (100 in the first month that has one; None where it cannot be
    carried on). `matched_firms` are those that the step from the month before rests on."""

    month: str
    firms: int
    machines: int
    observed_hours: float
    operating_rate: float | None
    index: float | None
    matched_firms: int


def operating_course(
    executing: Floats, observed: Floats, machines: NDArray[np.int64], *, months: Sequence[str]
) -> list[ClusterMonth]:
    """Seconds executed and observed and machines of each firm and month, (firm, month): a line a month.

    The index is chained: each month's step is the ratio of the two months' operating rates over the firms observed in
    both, so that a busy firm that joins does not look like a boom. Where two months share no busy firm it ends.
    """
    found, index, has_begun = list[ClusterMonth](), None, False
    for month, name in enumerate(months):
        seen = observed[:, month] > 0
        rate = _rate(executing[:, month], observed[:, month], seen)
        matched = seen & (observed[:, month - 1] > 0) if month else seen
        if not has_begun:
            index, has_begun = (BASE, True) if rate is not None else (None, False)
        elif index is not None:
            now = _rate(executing[:, month], observed[:, month], matched)
            before = _rate(executing[:, month - 1], observed[:, month - 1], matched)
            index = index * now / before if now is not None and before else None
        found.append(
            ClusterMonth(
                month=name,
                firms=int(seen.sum()),
                machines=int(machines[seen, month].sum()),
                observed_hours=float(observed[:, month].sum()) / SECONDS_AN_HOUR,
                operating_rate=rate,
                index=index,
                matched_firms=int(matched.sum()),
            )
        )
    return found


def _rate(executing: Floats, observed: Floats, chosen: NDArray[np.bool_]) -> float | None:
    hours = float(observed[chosen].sum())
    return float(executing[chosen].sum()) / hours if hours > 0 else None
