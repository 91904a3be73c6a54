"""Fitting monthly hazards of default: a row a firm and month still at risk, the month being one of the features.

A firm whose outcome is not known to the end (its loan ended, the data did) counts for the months in which it was seen:
what is censored is not thrown away, as a fixed horizon must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.boosters import Ensemble, ensemble, mean_of_members, to_bytes, training_matrix
from scoring.errors import NotEnoughEvents

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Months = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lives:
    """Firms as seen from an observation time: values (n, k) then, months (n, at least 1) for which they were followed,
    and whether the last of those months ended in default (n)."""

    values: Matrix
    months: Months
    defaulted: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardModel:
    """Trees over the features and, as the last column, the month."""

    bag: Ensemble
    horizon: int

    def hazards(self, rows: Matrix) -> Matrix:
        """Hazards (n, horizon) of rows (n, k), NaN where missing."""
        months = np.tile(np.arange(1.0, self.horizon + 1), len(rows))
        asked = np.column_stack([np.repeat(rows, self.horizon, axis=0), months])
        margins = mean_of_members(list(self.bag.margins(asked)))
        return (1 / (1 + np.exp(-margins))).reshape(len(rows), self.horizon)


def fit_hazard(
    lives: Lives, *, signs: Sequence[int], settings: Mapping[str, Any], horizon: int, seed: int, kept: float = 1.0
) -> HazardModel:
    """Hazards of the first `horizon` months, monotone in each feature by its sign and free in the month.

    `settings` are xgboost's growth parameters and `rounds`. Of the months without default a share `kept` is drawn where
    the book is large; they start at log-odds lower by ln(kept), so that the hazards stay those of the whole book.
    Raises NotEnoughEvents without a default.
    """
    values, struck = person_months(lives, horizon=horizon)
    if not struck.any():
        raise NotEnoughEvents(f"No default among {len(lives.months)} firms within {horizon} months.")
    drawn = struck | (np.random.default_rng(seed).random(len(struck)) < kept)
    start = np.full(int(drawn.sum()), _log_odds(float(struck.mean())) - np.log(kept))
    matrix = training_matrix(values[drawn], struck[drawn].astype(np.float64), base_margins=start)
    growth = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "base_score": float(struck.mean()),
        "monotone_constraints": (*signs, 0),
        "nthread": 1,
        "seed": seed,
        **{name: value for name, value in settings.items() if name != "rounds"},
    }
    grown = xgb.train(growth, matrix, num_boost_round=settings["rounds"])
    return HazardModel(bag=ensemble([to_bytes(grown)]), horizon=horizon)


def person_months(lives: Lives, *, horizon: int) -> tuple[Matrix, Mask]:
    """A row for each month in which a firm was at risk (its values and the month), and whether it ended in default."""
    assert (lives.months >= 1).all(), "a firm that was never followed is no life"
    followed = np.minimum(lives.months, horizon)
    firm = np.repeat(np.arange(len(followed)), followed)
    month = np.arange(len(firm)) - np.repeat(np.cumsum(followed) - followed, followed) + 1
    struck = lives.defaulted[firm] & (month == lives.months[firm])
    return np.column_stack([lives.values[firm], month.astype(np.float64)]), struck


def _log_odds(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))
