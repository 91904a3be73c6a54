"""What the interval of a PD needs beside the bag: how far its ends move out, and where unbounded features stand."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from features.bounded import is_bounded
from features.catalogue import CATALOGUE
from scoring.boosters import Ensemble, mean_of_members
from scoring.cards import ModelFeature

PERCENTILES = range(50, 101)
"""Where a feature may stand, counted towards risk: never on the better half of the training rows."""

Matrix = NDArray[np.float64]


def interval_widening(struck: int, settings: Mapping[str, Any]) -> float:
    """Log-odds that join the spread of the bag at each end: the level of the calibrator rests on `struck` obligors that
    defaulted and on the year in which they did, and of firms the trees cannot tell all."""
    deviation = math.sqrt(1 / struck + settings["interval_year"] ** 2 + settings["interval_misfit"] ** 2)
    return float(norm.ppf(settings["interval_percentiles"][1] / 100)) * deviation


def standing_values(bag: Ensemble, rows: Matrix, features: Sequence[ModelFeature]) -> dict[str, float]:
    """Where the unbounded features stand at everyone's upper end: the least percentile of the training `rows` (n, k),
    one for all of them, at which the bag expects as many defaults as with each row's own values.

    So an upper end means what the model knows of firms whose value is not told, neither more nor less."""
    unbounded = [column for column, feature in enumerate(features) if not is_bounded(CATALOGUE[feature.key])]
    if not unbounded:
        return {}
    own = _expected(bag, rows)

    def at(percentile: int) -> Matrix:
        places = [percentile if features[column].sign > 0 else 100 - percentile for column in unbounded]
        return np.array([np.nanpercentile(rows[:, column], p) for column, p in zip(unbounded, places, strict=True)])

    def expected_at(percentile: int) -> float:
        """Share of defaults that the bag expects with the unbounded features at this percentile for everyone."""
        stood = rows.copy()
        stood[:, unbounded] = at(percentile)
        return _expected(bag, stood)

    found = min(bisect_left(PERCENTILES, own, key=expected_at), len(PERCENTILES) - 1)
    return {features[column].key: float(value) for column, value in zip(unbounded, at(PERCENTILES[found]), strict=True)}


def _expected(bag: Ensemble, rows: Matrix) -> float:
    """The mean over rows of the chance that the uncalibrated bag gives a default."""
    return float(expit(mean_of_members(list(bag.margins(rows)))).mean())
