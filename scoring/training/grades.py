"""A model's rating grades on months that nothing was fitted on: what was promised, what was seen, what is prudent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.credit.card import GradeFigures
from scoring.credit.master_scale import DEFAULTED, MasterScale
from scoring.credit.pluto_tasche import most_prudent, optimism


def grade_figures(
    pd: NDArray[np.float64], defaulted: NDArray[np.bool_], *, scale: MasterScale, settings: Mapping[str, Any]
) -> tuple[GradeFigures, ...]:
    """A line a living grade, best first, of PDs (n) and outcomes (n); empty grades have no mean PD.

    `settings` are parameter `low_default`: the confidence of the most prudent PD and the asset correlation in it.
    """
    living = [grade for grade in scale.grades if grade != DEFAULTED]
    place = np.array([living.index(scale.grade(float(value))) for value in pd])
    masks = [place == at for at in range(len(living))]
    obligors = [int(mask.sum()) for mask in masks]
    defaults = [int(defaulted[mask].sum()) for mask in masks]
    prudent = most_prudent(
        obligors,
        defaults,
        confidence=settings["confidence"],
        asset_correlation=settings["asset_correlation"],
    )
    means = [float(pd[mask].mean()) if mask.any() else None for mask in masks]
    return tuple(
        GradeFigures(
            rating_grade=grade,
            obligors=count,
            defaults=struck,
            mean_pd=mean,
            most_prudent_pd=upper,
            optimism=None if mean is None else optimism(mean, count, struck),
        )
        for grade, count, struck, mean, upper in zip(living, obligors, defaults, means, prudent, strict=True)
    )
