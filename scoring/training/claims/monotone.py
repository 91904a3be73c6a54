"""A GLM that never steps the wrong way: bands of a signed factor that do are pooled with their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from scoring.insurance.balance import global_factor
from scoring.insurance.linear import Factor, LinearPredictor, band_weights

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


class Signed(Protocol):
    """What a feature must tell here: +1 where more is riskier, -1 where less is, 0 where nobody says."""

    @property
    def sign(self) -> int:
        """The sign."""
        ...


def with_signs(
    linear: LinearPredictor, rows: Matrix, observed: Vector, weights: Vector, features: Sequence[Signed]
) -> LinearPredictor:
    """`linear` with the coefficients of each signed factor (sign +1: more is riskier) isotonic over its bands.

    Neighbours are pooled by their exposure `weights` (n); the band of missing values is left as it is; the intercept
    then makes the expected claims sum to the `observed` ones (n) again.
    """
    factors = [
        factor if feature.sign == 0 else _pooled(factor, rows[:, at], weights, sign=feature.sign)
        for at, (factor, feature) in enumerate(zip(linear.factors, features, strict=True))
    ]
    moved = LinearPredictor(intercept=linear.intercept, factors=tuple(factors))
    expected = weights * np.exp(moved.logs(rows))
    return moved.model_copy(update={"intercept": linear.intercept + float(np.log(global_factor(observed, expected)))})


def _pooled(factor: Factor, column: Vector, weights: Vector, *, sign: int) -> Factor:
    """The factor with its bands in order, and the base band at 0 again."""
    known = np.array(factor.coefficients[:-1])
    mass = np.maximum(band_weights(factor.banding, column, weights)[:-1], np.finfo(np.float64).tiny)
    places = np.arange(len(known))
    pooled = IsotonicRegression(increasing=sign > 0).fit_transform(places, known, sample_weight=mass)
    found = np.append(pooled, factor.coefficients[-1])
    return factor.model_copy(
        update={"coefficients": tuple(float(value) for value in found - found[factor.banding.base])}
    )
