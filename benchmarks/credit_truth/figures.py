"""Probabilities against exact ones: the fractional logistic slope, and intervals over cells of feature space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

NEWTON_STEPS = 50
CLOSE = 1e-12
HALVED_BY = (
    "operating_rate_90d",
    "operating_rate_slope_90d",
    "operating_rate_volatility_90d",
    "fault_time_share_90d",
    "coverage_90d",
    "failure_rate_90d",
    "load_factor_90d",
    "utilisation_90d",
)
"""Features that feature space is halved by, one after the other: 2^8 cells of equal size."""

YEARS = norm.ppf((np.arange(99) + 0.5) / 99)
"""Years of equal chance, in standard deviations of their level."""

Matrix = NDArray[np.float64]
Cells = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of `cells` cells the share whose mean exact PD lies between the means of the intervals' ends, and how many lie
    below and above; `noise` is the mean relative standard error of a cell's own mean.

    `over_years` is the share held if each cell kept its error and the level of the year were drawn: normal about the
    model's own, as deviant as the model's card says (a few worlds are a few years).

    In log-odds, as means over cells: the whole `width`, its parts `to_lower` and `to_upper` of the mean PD, and what
    they are there for: `level`, by how much the exact PD lies above the model's, and `misfit`, the standard deviation
    of that over cells without what the noise of their means makes of it."""

    cells: int
    rows_per_cell: float
    inside: float
    below: float
    above: float
    over_years: float
    width: float
    to_lower: float
    to_upper: float
    level: float
    misfit: float
    noise: float


def fractional_slope(log_odds: Matrix, chances: Matrix) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of chances (n, in 0-1) on log-odds (n) by maximum quasi-likelihood
    (Papke and Wooldridge 1996): 0 and 1 where chances are on average what the log-odds say."""
    design = np.column_stack([np.ones(len(log_odds)), log_odds])
    weights = np.array([float(logit(chances.mean())), 0.0])
    for _ in range(NEWTON_STEPS):
        fitted = expit(design @ weights)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        step = np.linalg.solve(information, design.T @ (chances - fitted))
        weights = weights + step
        if np.abs(step).max() < CLOSE:
            break
    return float(weights[0]), float(weights[1])


def expected_auc(scores: Matrix, chances: Matrix) -> float:
    """The AUC that outcomes drawn with these chances have on average (large n): pairs counted by their chance of being
    a default and a survivor. It has no noise of outcomes in it."""
    order = np.argsort(scores, kind="stable")
    events, others = chances[order], 1 - chances[order]
    tied = np.unique(scores[order], return_inverse=True)[1]
    total = np.bincount(tied, others)
    first = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    return float((events * (first[tied] + total[tied] / 2)).sum() / (events.sum() * others.sum()))


def cells_of(values: Matrix, names: Sequence[str], *, halvings: int = len(HALVED_BY)) -> Cells:
    """The cell of each row: feature space halved at the median within each cell, a missing value counting lowest."""
    cell = np.zeros(len(values), dtype=np.int64)
    for key in HALVED_BY[:halvings]:
        told = np.nan_to_num(values[:, names.index(key)], nan=-np.inf)
        cell = 2 * cell + _upper_half(told, cell)
    return cell


def coverage(
    cells: Cells, *, pd: Matrix, lower: Matrix, upper: Matrix, truth: Matrix, year_deviation: float
) -> Coverage:
    """How often intervals (n) hold the mean exact PD of their cell."""
    count = np.bincount(cells)
    low, middle, high, true, square = (np.bincount(cells, part) / count for part in (lower, pd, upper, truth, truth**2))
    below, above = true < low, true > high
    noise = np.sqrt(np.maximum(square - true**2, 0.0) / count) / true
    error = logit(true) - logit(middle)
    to_lower, to_upper = logit(middle) - logit(low), logit(high) - logit(middle)
    drawn = error - error.mean() + year_deviation * YEARS[:, None]
    return Coverage(
        cells=len(count),
        rows_per_cell=float(count.mean()),
        inside=float(1 - (below | above).mean()),
        below=float(below.mean()),
        above=float(above.mean()),
        over_years=float(((drawn >= -to_lower) & (drawn <= to_upper)).mean()),
        width=float((to_lower + to_upper).mean()),
        to_lower=float(to_lower.mean()),
        to_upper=float(to_upper.mean()),
        level=float(error.mean()),
        misfit=math.sqrt(max(float(error.var() - (noise**2).mean()), 0.0)),
        noise=float(noise.mean()),
    )


def _upper_half(told: Matrix, cell: Cells) -> Cells:
    """1 for the rows in the upper half of their cell, ties by position."""
    order = np.lexsort((told, cell))
    sizes = np.bincount(cell)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = np.empty(len(cell), dtype=np.int64)
    place[order] = np.arange(len(cell)) - np.repeat(starts, sizes)
    return np.asarray(place >= sizes[cell] // 2, dtype=np.int64)
