"""A model as a table: the log-linear tariff that comes nearest to what GLM, trees and severity say together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoring.insurance.linear import Banding, LinearPredictor
from scoring.training.claims.glm import fit_linear
from scoring.training.claims.monotone import Signed, with_signs

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def distilled(
    rows: Matrix, pure_premiums: Vector, exposure: Vector, bandings: Sequence[Banding], features: Sequence[Signed]
) -> LinearPredictor:
    """The table of pure premiums a unit of exposure (n) that a model gives to encoded rows (n, k), signed factors
    monotone; it earns on these rows what the model does.

    Fitted on what the model says, not on claims: the claims were heard already, and the table's only task is to say
    the same in a form that can be filed.
    """
    unit = float((pure_premiums * exposure).sum() / exposure.sum())
    free = fit_linear(rows, pure_premiums / unit, exposure, bandings, family="poisson")
    moved = with_signs(free, rows, pure_premiums * exposure / unit, exposure, features)
    return moved.model_copy(update={"intercept": moved.intercept + float(np.log(unit))})
