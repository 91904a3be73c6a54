"""Which air-cutters did what their label says: those that added executing time, and after work of their own; and how
much of it. The label bears hours a day that were meant; machines that work late leave no room for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.trust.shares import share_of

LEAST_HOURS = 0.2
"""On a day, by all machines together: a quarter-hour is the least that can be cut."""
LEAST_DAYS = 20
"""Four weeks of work: of air-cutting, and of days before it."""
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1)
"""Least shares of air in executing time, of each class that recall is told of."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirCut:
    """One air-cutter: on how many days it added executing time, on how many it worked before, which share of the
    executing time told from the first of those days to the last is air, whether it was found."""

    days: int
    days_before: int
    share: float
    is_found: bool

    @property
    def has_effect(self) -> bool:
        """Whether there was something to find, and something of its own to hold it against."""
        return self.days >= LEAST_DAYS and self.days_before >= LEAST_DAYS


def air_cut(honest: Floats, told: Floats, is_found: bool) -> AirCut:
    """From the executing hours of each day as the same obligor tells them honestly, and as it tells them."""
    added = np.flatnonzero(told - honest > LEAST_HOURS)
    first, last = (int(added[0]), int(added[-1]) + 1) if len(added) else (len(told), len(told))
    air, whole = float((told - honest)[first:last].sum()), float(told[first:last].sum())
    return AirCut(
        days=len(added),
        days_before=int((honest[:first] > 0).sum()),
        share=air / whole if whole > 0 else 0.0,
        is_found=is_found,
    )


def air_figures(cut: Mapping[float, Sequence[AirCut]], *, wanted_recall: float) -> dict[str, Any]:
    """Recall by strength among those with an effect, and why the others had none."""
    chosen = {strength: [one for one in own if one.has_effect] for strength, own in cut.items()}
    found = {strength: share_of(one.is_found for one in own) for strength, own in chosen.items()}
    recalls = {strength: share.value for strength, share in found.items()}
    missed = [one for own in cut.values() for one in own if not one.is_found]
    with_past = [one for own in cut.values() for one in own if one.days_before >= LEAST_DAYS and one.share > 0]
    classes = {
        least: share_of(one.is_found for one in with_past if least <= one.share < most)
        for least, most in zip(SHARES, [*SHARES[1:], np.inf], strict=True)
    }
    by_share = {least: share for least, share in classes.items() if share.of}
    recall_by_share = {least: share.value for least, share in by_share.items()}
    return {
        "recall_by_strength": {str(strength): recall for strength, recall in recalls.items()},
        "interval_by_strength": {str(strength): share.interval for strength, share in found.items()},
        "frauds_by_strength": {str(strength): share.of for strength, share in found.items()},
        "smallest_detectable": smallest_detectable(recalls, wanted_recall=wanted_recall),
        "recall_by_share": {_class(least): share.value for least, share in by_share.items()},
        "interval_by_share": {_class(least): share.interval for least, share in by_share.items()},
        "frauds_by_share": {_class(least): share.of for least, share in by_share.items()},
        "smallest_detectable_share": smallest_detectable(recall_by_share, wanted_recall=wanted_recall),
        "missed": len(missed),
        "missed_with_effect": sum(one.has_effect for one in missed),
        "missed_without_days": sum(one.days < LEAST_DAYS for one in missed),
        "missed_without_past": sum(one.days >= LEAST_DAYS and one.days_before < LEAST_DAYS for one in missed),
    }


def _class(least: float) -> str:
    most = dict(pairwise(SHARES)).get(least)
    return f"from {least:.0%}" if most is None else f"{least:.0%} to {most:.0%}"


def smallest_detectable(recalls: Mapping[float, float], *, wanted_recall: float) -> float | None:
    """The smallest strength from which on recall is as wanted; None where there is none."""
    return min(
        (
            strength
            for strength in recalls
            if all(recall >= wanted_recall for above, recall in recalls.items() if above >= strength)
        ),
        default=None,
    )
