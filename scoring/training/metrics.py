"""How well probabilities and frequencies did on outcomes that they were not fitted on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata
from sklearn.metrics import brier_score_loss, log_loss

from scoring.cards import Estimate
from scoring.credit.calibration import fit_logistic
from scoring.credit.card import CreditMetrics

Vector = NDArray[np.float64]
Z_95 = 1.959963984540054


def credit_metrics(pd: Vector, defaulted: NDArray[np.bool_]) -> CreditMetrics:
    """Discrimination and calibration of PDs (n) against outcomes (n).

    What needs both outcomes is None without them, and the slope also where all PDs are one.
    """
    rate = float(defaulted.mean())
    has_both = 0 < rate < 1
    log_odds = np.log(pd) - np.log1p(-pd)
    has_slope = has_both and bool(np.ptp(log_odds) > 0)
    flat = np.full(len(pd), rate)
    return CreditMetrics(
        auc=area_under_curve(pd, defaulted) if has_both else None,
        brier=float(brier_score_loss(defaulted, pd)),
        brier_of_base_rate=float(brier_score_loss(defaulted, flat)),
        log_loss=float(log_loss(defaulted, pd, labels=[False, True])),
        log_loss_of_base_rate=float(log_loss(defaulted, flat, labels=[False, True])),
        mean_pd=float(pd.mean()),
        default_rate=rate,
        calibration_in_the_large=calibration_in_the_large(log_odds, defaulted) if has_both else None,
        calibration_slope=calibration_slope(log_odds, defaulted) if has_slope else None,
    )


def area_under_curve(scores: Vector, outcomes: NDArray[np.bool_]) -> Estimate:
    """Area under the ROC curve (ties count half) with DeLong's interval (DeLong, DeLong and Clarke-Pearson 1988).

    Rows count as independent: give one row an obligor.
    """
    area, error = _area_and_error(scores, outcomes)
    half = Z_95 * error
    return Estimate(value=area, lower=max(0.0, area - half), upper=min(1.0, area + half))


def area_within(scores: Sequence[Vector], outcomes: Sequence[NDArray[np.bool_]]) -> Estimate:
    """Area under the ROC curve over pairs of rows of one part (a fold), not of two: parts differ in their rates and in
    what was fitted for them. Each part has both outcomes and counts by its pairs."""
    pairs = np.array([int(part.sum()) * int((~part).sum()) for part in outcomes], dtype=np.float64)
    found = np.array([_area_and_error(score, part) for score, part in zip(scores, outcomes, strict=True)])
    share = pairs / pairs.sum()
    area = float(share @ found[:, 0])
    half = Z_95 * math.sqrt(float(share**2 @ found[:, 1] ** 2))
    return Estimate(value=area, lower=max(0.0, area - half), upper=min(1.0, area + half))


def calibration_in_the_large(log_odds: Vector, outcomes: NDArray[np.bool_]) -> Estimate:
    """Log-odds by which outcomes exceed the probabilities: intercept with the slope held at 1."""
    intercept = 0.0
    for _ in range(100):
        fitted = expit(intercept + log_odds)
        step = float((outcomes - fitted).sum() / (fitted * (1 - fitted)).sum())
        intercept += step
        if abs(step) < 1e-12:
            break
    fitted = expit(intercept + log_odds)
    half = Z_95 / math.sqrt(float((fitted * (1 - fitted)).sum()))
    return Estimate(value=intercept, lower=intercept - half, upper=intercept + half)


def calibration_slope(log_odds: Vector, outcomes: NDArray[np.bool_]) -> Estimate:
    """Slope of a logistic regression of outcomes on the probabilities' log-odds: below 1, they were too sure."""
    intercept, slope = fit_logistic(log_odds[:, None], outcomes, lower_slope=None)
    fitted = expit(intercept + slope * log_odds)
    weights = fitted * (1 - fitted)
    centre = float((weights * log_odds).sum() / weights.sum())
    half = Z_95 / math.sqrt(float((weights * (log_odds - centre) ** 2).sum()))
    return Estimate(value=slope, lower=slope - half, upper=slope + half)


def poisson_deviances(counts: Vector, expected: Vector) -> Vector:
    """The Poisson deviance of each row: 2 (n ln(n / e) - n + e)."""
    logs = np.zeros_like(expected)
    claimed = counts > 0
    logs[claimed] = counts[claimed] * np.log(counts[claimed] / expected[claimed])
    return np.asarray(2 * (logs - counts + expected))


def poisson_deviance(counts: Vector, expected: Vector, *, exposure: Vector) -> float:
    """Poisson deviance of claim counts a year of exposure."""
    return float(poisson_deviances(counts, expected).sum() / exposure.sum())


def _area_and_error(scores: Vector, outcomes: NDArray[np.bool_]) -> tuple[float, float]:
    """The area and DeLong's standard error of it."""
    events, others = scores[outcomes], scores[~outcomes]
    together = rankdata(np.concatenate([events, others]))
    of_events = (together[: len(events)] - rankdata(events)) / len(others)
    of_others = 1 - (together[len(events) :] - rankdata(others)) / len(events)
    return float(of_events.mean()), math.sqrt(_variance_of_mean(of_events) + _variance_of_mean(of_others))


def _variance_of_mean(values: Vector) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
