"""Generalised linear models with a log link over banded factors, by glum, as a table that needs no library to be read.

glum rather than scikit-learn: it takes an offset, knows the negative binomial, and fits half a million rows of
categories in seconds (docs/premium.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from scoring.insurance.linear import ENDS, Banding, Factor, LinearPredictor, category_banding, quantile_banding
from scoring.table.card import TableFeature

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Family = Literal["poisson", "gamma", "tweedie"]

RIDGE = 1e-3
"""Inverse variance of a coefficient before any claim was seen: holds that of a band without claims where it is finite.
The intercept is not penalised, so that a Poisson model keeps the observed sum."""

CLAIMS_A_BAND = 100
CLAIMS_AT_AN_END = 50
TOLERANCE = 1e-8
TWEEDIE_POWER = 1.5
DISPERSION_STEPS = 12
DISPERSION_TOLERANCE = 1e-4
SMALLEST_DISPERSION, LARGEST_DISPERSION = 1e-6, 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeBinomial:
    """A frequency model whose variance is mean + dispersion x mean^2, and the likelihood that it gains."""

    linear: LinearPredictor
    dispersion: float
    gain: float
    """Log-likelihood above the Poisson model's; 0 where claims are no more spread than by chance."""


def bandings_of(
    rows: Matrix, features: Sequence[TableFeature], weights: Vector, *, bands: int, claims: float
) -> tuple[Banding, ...]:
    """Bands of each feature (k) of encoded rows (n, k): numbers by quantiles of `weights`, texts by level.

    A band rests on a hundred claims or more on average, one at an end on fifty: at most `bands`, fewer in a small book.
    """
    bands = max(2, min(bands, int(claims / CLAIMS_A_BAND)))
    ends = [share for share in ENDS if min(share, 1 - share) * claims >= CLAIMS_AT_AN_END]
    made = []
    for at, feature in enumerate(features):
        column = rows[:, at]
        if feature.kind == "category":
            made.append(category_banding(feature.key, feature.levels, column, weights))
        else:
            made.append(quantile_banding(feature.key, column, weights, bands=bands, ends=ends))
    return tuple(made)


def fit_linear(
    rows: Matrix,
    response: Vector,
    weights: Vector,
    bandings: Sequence[Banding],
    *,
    family: Family,
    offset: Vector | None = None,
) -> LinearPredictor:
    """The predictor of `response` (n; a mean of weight `weights`) from encoded rows (n, k).

    A claim count as response with ln(exposure) as offset, and a frequency with exposure as weight, give the same
    Poisson model. Bands that no row shows have the coefficient 0.
    """
    return _fitted(rows, response, weights, bandings, family=_distribution(family), offset=offset)


def fit_negative_binomial(
    rows: Matrix, counts: Vector, exposure: Vector, bandings: Sequence[Banding]
) -> NegativeBinomial:
    """Counts (n) over exposure (n), the dispersion by maximum likelihood, in turns with the coefficients."""
    offset, ones = np.log(exposure), np.ones(len(counts))
    poisson = _fitted(rows, counts, ones, bandings, family="poisson", offset=offset)
    without = _likelihood(counts, np.exp(poisson.logs(rows) + offset), 0.0)
    linear, dispersion = poisson, 0.0
    for _ in range(DISPERSION_STEPS):
        means = np.exp(linear.logs(rows) + offset)
        found = _dispersion(counts, means)
        if abs(found - dispersion) <= DISPERSION_TOLERANCE * max(found, DISPERSION_TOLERANCE):
            break
        dispersion = found
        if dispersion <= 2 * SMALLEST_DISPERSION:
            return NegativeBinomial(linear=poisson, dispersion=0.0, gain=0.0)
        linear = _fitted(rows, counts, ones, bandings, family=_negative_binomial(dispersion), offset=offset)
    gained = _likelihood(counts, np.exp(linear.logs(rows) + offset), dispersion) - without
    return NegativeBinomial(linear=linear, dispersion=dispersion, gain=gained)


def _fitted(
    rows: Matrix,
    response: Vector,
    weights: Vector,
    bandings: Sequence[Banding],
    *,
    family: Any,
    offset: Vector | None,
) -> LinearPredictor:
    from glum import GeneralizedLinearRegressor  # noqa: PLC0415 (slow to import, and only training needs it)

    frame, shown = _frame(rows, bandings)
    model = GeneralizedLinearRegressor(
        family=family,
        link="log",
        alpha=RIDGE / float(weights.sum()),
        drop_first=True,
        gradient_tol=TOLERANCE,
        max_iter=200,
    )
    model.fit(frame, response, sample_weight=weights, offset=offset)
    found = iter(model.coef_)
    factors = []
    for banding, bands in zip(bandings, shown, strict=True):
        coefficients = [0.0] * banding.bands
        for band in bands[1:]:
            coefficients[band] = float(next(found))
        factors.append(Factor(banding=banding.model_copy(update={"base": bands[0]}), coefficients=tuple(coefficients)))
    return LinearPredictor(intercept=float(model.intercept_), factors=tuple(factors))


def _frame(rows: Matrix, bandings: Sequence[Banding]) -> tuple[pd.DataFrame, list[list[int]]]:
    """The bands of each row as categories, the base first, and which bands are shown at all.

    A factor with one shown band has nothing to fit, so it has no column.
    """
    columns, shown = {}, []
    for at, banding in enumerate(bandings):
        places = banding.places(rows[:, at])
        seen = np.unique(places)
        base = banding.base if banding.base in seen else int(seen[0])
        bands = [base, *(int(band) for band in seen if band != base)]
        shown.append(bands)
        if len(bands) > 1:
            position = np.zeros(banding.bands, dtype=np.int64)
            position[bands] = np.arange(len(bands))
            columns[banding.key] = pd.Categorical.from_codes(position[places], categories=list(range(len(bands))))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows))), shown


def _distribution(family: Family) -> Any:
    from glum import TweedieDistribution  # noqa: PLC0415 (slow to import, and only training needs it)

    return TweedieDistribution(TWEEDIE_POWER) if family == "tweedie" else family


def _negative_binomial(dispersion: float) -> Any:
    from glum import NegativeBinomialDistribution  # noqa: PLC0415 (slow to import, and only training needs it)

    return NegativeBinomialDistribution(dispersion)


def _dispersion(counts: Vector, means: Vector) -> float:
    bounds = (np.log(SMALLEST_DISPERSION), np.log(LARGEST_DISPERSION))
    found = minimize_scalar(
        lambda log: -_likelihood(counts, means, float(np.exp(log))), bounds=bounds, method="bounded"
    )
    return float(np.exp(found.x))


def _likelihood(counts: Vector, means: Vector, dispersion: float) -> float:
    """Log-likelihood without the factorials, which no parameter moves; dispersion 0 is Poisson."""
    if dispersion == 0:
        return float((counts * np.log(means) - means).sum())
    size = 1 / dispersion
    told = gammaln(counts + size) - gammaln(size) - (counts + size) * np.log1p(means * dispersion)
    return float((told + counts * np.log(means * dispersion)).sum())
