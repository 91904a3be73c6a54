"""The challenger: pure premium in one model, Tweedie with a power between Poisson and Gamma, a GLM and trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.insurance.balance import global_factor
from scoring.insurance.linear import LinearPredictor
from scoring.table.card import TableFeature
from scoring.training.claims.glm import TWEEDIE_POWER, bandings_of, fit_linear
from scoring.training.claims.sample import ClaimsSample, matrix_of
from scoring.training.features import fold_of

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedTweedie:
    """Expected cost a unit of exposure: exp(linear + trees) x factor, which balances to the observed costs."""

    features: tuple[TableFeature, ...]
    linear: LinearPredictor
    booster: Any
    rounds: int
    factor: float

    def costs(self, rows: Matrix) -> Vector:
        """The expected cost a unit of exposure of encoded rows (n, k)."""
        matrix = matrix_of(rows, self.features, start=self.linear.logs(rows))
        return np.asarray(self.booster.predict(matrix), dtype=np.float64) * self.factor


def fit_tweedie(sample: ClaimsSample, costs: Vector, *, settings: Mapping[str, Any], seed: int) -> FittedTweedie:
    """Fit on what each policy (n) cost. Rounds are those at which one fold of groups, held back, has least deviance."""
    rates = costs / sample.exposure
    bandings = bandings_of(
        sample.rows,
        sample.features,
        sample.exposure,
        bands=settings["bands"],
        claims=float(sample.counts.sum()),
    )
    held = fold_of(sample.groups, settings["folds"], seed=seed) == 0
    growth = {
        "objective": "reg:tweedie",
        "tweedie_variance_power": TWEEDIE_POWER,
        "tree_method": "hist",
        "base_score": 1.0,
        "monotone_constraints": tuple(int(feature.sign) for feature in sample.features),
        "max_depth": min(depth for depth, _ in settings["growths"]),
        "nthread": settings["threads"],
        "seed": seed,
        **{name: settings[name] for name in ("eta", "subsample", "colsample_bytree", "reg_lambda")},
    }
    unit = float(costs.sum() / sample.exposure.sum())
    scaled = rates / unit

    def matrix(chosen: NDArray[np.bool_], linear: LinearPredictor) -> xgb.DMatrix:
        """The chosen policies started at a linear predictor."""
        return matrix_of(
            sample.rows[chosen],
            sample.features,
            label=scaled[chosen],
            weight=sample.exposure[chosen],
            start=linear.logs(sample.rows[chosen]),
        )

    grown = fit_linear(sample.rows[~held], scaled[~held], sample.exposure[~held], bandings, family="tweedie")
    told: dict[str, dict[str, list[float]]] = {}
    xgb.train(
        growth,
        matrix(~held, grown),
        num_boost_round=settings["maximum_rounds"],
        evals=[(matrix(held, grown), "held")],
        evals_result=told,
        verbose_eval=False,
        early_stopping_rounds=settings["patience"],
    )
    (curve,) = told["held"].values()
    rounds = int(np.argmin(curve)) + 1
    linear = fit_linear(sample.rows, scaled, sample.exposure, bandings, family="tweedie")
    everything = np.ones(len(rates), dtype=np.bool_)
    booster = xgb.train(growth, matrix(everything, linear), num_boost_round=rounds)
    fitted = FittedTweedie(features=sample.features, linear=linear, booster=booster, rounds=rounds, factor=1.0)
    factor = global_factor(costs, sample.exposure * fitted.costs(sample.rows))
    return FittedTweedie(features=sample.features, linear=linear, booster=booster, rounds=rounds, factor=factor)
