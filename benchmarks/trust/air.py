"""Which air-cutters did what their label says: those that added executing time, and after work of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_HOURS = 0.2
"""On a day, by all machines together: a quarter-hour is the least that can be cut."""
LEAST_DAYS = 20
"""Four weeks of work: of air-cutting, and of days before it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirCut:
    """One air-cutter: on how many days it added executing time, on how many it worked before, whether it was found."""

    days: int
    days_before: int
    is_found: bool

    @property
    def has_effect(self) -> bool:
        """Whether there was something to find, and something of its own to hold it against."""
        return self.days >= LEAST_DAYS and self.days_before >= LEAST_DAYS


def air_cut(honest: Floats, told: Floats, is_found: bool) -> AirCut:
    """From the executing hours of each day as the same obligor tells them honestly, and as it tells them."""
    added = told - honest > LEAST_HOURS
    first = int(added.argmax()) if added.any() else len(added)
    return AirCut(days=int(added.sum()), days_before=int((honest[:first] > 0).sum()), is_found=is_found)


def air_figures(cut: Mapping[float, Sequence[AirCut]], *, wanted_recall: float) -> dict[str, Any]:
    """Recall by strength among those with an effect, and why the others had none."""
    chosen = {strength: [one for one in own if one.has_effect] for strength, own in cut.items()}
    recalls = {
        strength: float(np.mean([one.is_found for one in own])) if own else float("nan")
        for strength, own in chosen.items()
    }
    missed = [one for own in cut.values() for one in own if not one.is_found]
    return {
        "recall_by_strength": {str(strength): recall for strength, recall in recalls.items()},
        "frauds_by_strength": {str(strength): len(own) for strength, own in chosen.items()},
        "smallest_detectable": smallest_detectable(recalls, wanted_recall=wanted_recall),
        "missed": len(missed),
        "missed_with_effect": sum(one.has_effect for one in missed),
        "missed_without_days": sum(one.days < LEAST_DAYS for one in missed),
        "missed_without_past": sum(one.days >= LEAST_DAYS and one.days_before < LEAST_DAYS for one in missed),
    }


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
