"""A classic scorecard: binned features as weights of evidence in a logistic regression. The champion to beat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from scoring.credit.calibration import fit_logistic

BINS = 5
SMOOTHING = 0.5
"""Events and others added to each bin, so that an empty one has a finite weight."""
LARGEST_COUNT = 10
LEAST_INFORMATION = 0.02
"""Information value below which a feature is customarily called not predictive (Siddiqi 2006)."""
CLOSEST = 0.8
"""Of two features whose weights are correlated more closely, the one that informs less is left out."""

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedFeature:
    """A feature's bins: inner edges, the weight of evidence of each bin, and of a missing value."""

    column: int
    edges: tuple[float, ...]
    weights: tuple[float, ...]
    missing_weight: float
    information_value: float

    def encoded(self, rows: Matrix) -> Matrix:
        """Weights of evidence (n) of rows (n, k): the higher, the more defaults."""
        values = rows[:, self.column]
        known = np.array(self.weights)[np.searchsorted(np.array(self.edges), np.nan_to_num(values), side="right")]
        return np.where(np.isnan(values), self.missing_weight, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Features, intercept and slopes; everything in it was fitted on the training rows."""

    features: tuple[BinnedFeature, ...]
    intercept: float
    slopes: tuple[float, ...]

    def log_odds(self, rows: Matrix) -> Matrix:
        """Log-odds of default of rows (n, k), NaN where missing."""
        columns = [slope * feature.encoded(rows) for slope, feature in zip(self.slopes, self.features, strict=True)]
        return np.asarray(self.intercept + np.sum(columns, axis=0)) if columns else np.full(len(rows), self.intercept)

    def pd(self, rows: Matrix) -> Matrix:
        """Probabilities of default of rows (n, k)."""
        return np.asarray(expit(self.log_odds(rows)))


def fit_scorecard(
    rows: Matrix, defaulted: Mask, *, columns: Sequence[int] | None = None, categories: Collection[int] = ()
) -> Scorecard:
    """Bin at quantiles, keep the most informative features that are not near copies, and regress.

    `rows` (n, k) with NaN where missing, `defaulted` (n) with both outcomes; `columns` are the candidates (all, if
    None); those in `categories` hold codes from 0 on, each a bin of its own. Slopes are not below zero: a weight of
    evidence points one way only. Weight of evidence of a bin is ln(its share of defaults / its share of others); the
    information value sums weight x (difference of the shares).
    """
    candidates = range(rows.shape[1]) if columns is None else columns
    binned = [_binned(rows, defaulted, column, is_category=column in categories) for column in candidates]
    chosen: list[BinnedFeature] = []
    for feature in sorted(binned, key=lambda item: (-item.information_value, item.column)):
        if len(chosen) == LARGEST_COUNT or feature.information_value < LEAST_INFORMATION:
            break
        if all(_correlation(feature.encoded(rows), other.encoded(rows)) < CLOSEST for other in chosen):
            chosen.append(feature)
    encoded = np.column_stack([feature.encoded(rows) for feature in chosen]) if chosen else np.empty((len(rows), 0))
    intercept, *slopes = fit_logistic(encoded, defaulted) if chosen else (_log_odds(defaulted),)
    return Scorecard(features=tuple(chosen), intercept=intercept, slopes=tuple(slopes))


def _binned(rows: Matrix, defaulted: Mask, column: int, *, is_category: bool) -> BinnedFeature:
    values = rows[:, column]
    known = ~np.isnan(values)
    edges = _edges(values[known], is_category=is_category)
    place = np.where(known, np.searchsorted(edges, np.nan_to_num(values), side="right"), len(edges) + 1)
    bad = np.bincount(place[defaulted], minlength=len(edges) + 2) + SMOOTHING
    good = np.bincount(place[~defaulted], minlength=len(edges) + 2) + SMOOTHING
    shares = bad / bad.sum(), good / good.sum()
    weights = np.log(shares[0] / shares[1])
    return BinnedFeature(
        column=column,
        edges=tuple(edges.tolist()),
        weights=tuple(weights[:-1].tolist()),
        missing_weight=float(weights[-1]) if (~known).any() else 0.0,
        information_value=float(((shares[0] - shares[1]) * weights).sum()),
    )


def _edges(known: Matrix, *, is_category: bool) -> Matrix:
    """Between codes for categories, at quantiles otherwise."""
    if not known.size:
        return np.array([])
    if is_category:
        return np.arange(known.max()) + 0.5
    return np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))


def _correlation(one: Matrix, other: Matrix) -> float:
    spread = float(one.std() * other.std())
    return abs(float(((one - one.mean()) * (other - other.mean())).mean())) / spread if spread > 0 else 1.0


def _log_odds(defaulted: Mask) -> float:
    rate = float(defaulted.mean())
    return float(np.log(rate / (1 - rate)))
