"""From the margin of the bag to a probability of default: calibrator, central tendency, floor; each a named step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from scoring.records import PdStep

Vector = NDArray[np.float64]


class CalibrationMethod(StrEnum):
    """How the calibrator was fitted."""

    IDENTITY = "identity"
    PLATT = "platt"
    BETA = "beta"
    ISOTONIC = "isotonic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """logit p = intercept + slope_default ln s - slope_survival ln(1 - s), where s = 1 / (1 + exp(-margin)).

    Beta calibration (Kull, Silva Filho and Flach 2017) with non-negative slopes, so that order is kept. With equal
    slopes it is Platt's (a straight line in the margin); with intercept 0 and slopes 1, the identity.

    With `knots` (margin and log-odds, both rising) it is isotonic instead: straight lines between them, level beyond.
    """

    method: CalibrationMethod
    intercept: float
    slope_default: float
    slope_survival: float
    knots: tuple[tuple[float, float], ...] = ()

    def log_odds(self, margin: float) -> float:
        """Calibrated log-odds of default of one margin."""
        if self.knots:
            margins, log_odds = np.array(self.knots).T
            return float(np.interp(margin, margins, log_odds))
        return self.intercept - self.slope_default * _log1p_exp(-margin) + self.slope_survival * _log1p_exp(margin)

    def moved(self, intercept: float, slope: float) -> Calibrator:
        """The calibrator whose log-odds are intercept + slope x these."""
        return Calibrator(
            method=self.method,
            intercept=intercept + slope * self.intercept,
            slope_default=slope * self.slope_default,
            slope_survival=slope * self.slope_survival,
            knots=tuple((margin, intercept + slope * log_odds) for margin, log_odds in self.knots),
        )


IDENTITY = Calibrator(method=CalibrationMethod.IDENTITY, intercept=0.0, slope_default=1.0, slope_survival=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdScale:
    """All that lies between a margin and `pd_12m`.

    `reference_rate` is the default rate of the slice that the calibrator saw; the shift to `central_tendency` is the
    difference of their log-odds, 0 where that parameter is null. The ceiling is the middle of the worst living grade:
    what is worse is a default event, which no machine tells.
    """

    calibrator: Calibrator
    reference_rate: float
    central_tendency: float | None
    floor: float
    ceiling: float = 1.0

    @property
    def shift(self) -> float:
        """Log-odds added for the central tendency."""
        return 0.0 if self.central_tendency is None else logit(self.central_tendency) - logit(self.reference_rate)

    def pd_12m(self, margin: float, *, widened_by: float = 0.0) -> float:
        """The probability of default over 12 months that `margin` stands for, after every step, with `widened_by`
        log-odds on its calibrated log-odds."""
        shifted = probability(self.calibrator.log_odds(margin) + self.shift + widened_by)
        return min(max(shifted, self.floor), self.ceiling)

    def steps(self, margin: float) -> tuple[PdStep, PdStep, PdStep, PdStep]:
        """The probability after each step, in order."""
        calibrated = self.calibrator.log_odds(margin)
        shifted = probability(calibrated + self.shift)
        return (
            PdStep(name=f"calibrated_{self.calibrator.method.value}", pd_12m=probability(calibrated)),
            PdStep(name="central_tendency", pd_12m=shifted),
            PdStep(name="floor", pd_12m=max(shifted, self.floor)),
            PdStep(name="ceiling", pd_12m=min(max(shifted, self.floor), self.ceiling)),
        )


def fit_calibrator(
    margins: Vector, defaulted: NDArray[np.bool_], *, platt_below_defaults: int, isotonic_above_defaults: int
) -> Calibrator:
    """The calibrator of margins (n) and outcomes (n), by the number of defaults: Platt where they are too few for three
    numbers, isotonic where they are enough for any shape, beta between.

    Maximum likelihood with slopes of at least 0. Both outcomes must occur.
    """
    if int(defaulted.sum()) > isotonic_above_defaults:
        return _isotonic(margins, defaulted)
    from_default = -np.logaddexp(0, -margins)
    from_survival = np.logaddexp(0, margins)
    if int(defaulted.sum()) < platt_below_defaults:
        intercept, slope = fit_logistic(np.column_stack([margins]), defaulted)
        return Calibrator(
            method=CalibrationMethod.PLATT, intercept=intercept, slope_default=slope, slope_survival=slope
        )
    intercept, first, second = fit_logistic(np.column_stack([from_default, from_survival]), defaulted)
    return Calibrator(method=CalibrationMethod.BETA, intercept=intercept, slope_default=first, slope_survival=second)


def _isotonic(margins: Vector, defaulted: NDArray[np.bool_]) -> Calibrator:
    """Rising default rates by pooling adjacent violators, each pool a knot at its mean margin (Oron and Flournoy 2017).

    Lines between the knots leave few ties. A pool without a default counts half a one, and one of defaults only half a
    survivor, so that no PD is 0 or 1.
    """
    order = np.argsort(margins, kind="stable")
    pooled = IsotonicRegression().fit(margins[order], defaulted[order]).predict(margins[order])
    starts = np.flatnonzero(np.diff(pooled, prepend=-1.0))
    counts = np.diff(np.append(starts, len(pooled)))
    places = np.add.reduceat(margins[order], starts) / counts
    half = 0.5 / counts
    rates = np.clip(pooled[starts], half, 1 - half)
    rising = np.maximum.accumulate(np.minimum.accumulate(rates[::-1])[::-1])
    knots = tuple((float(place), logit(float(rate))) for place, rate in zip(places, rising, strict=True))
    return Calibrator(
        method=CalibrationMethod.ISOTONIC, intercept=0.0, slope_default=0.0, slope_survival=0.0, knots=knots
    )


def fit_logistic(
    columns: Vector, outcomes: NDArray[np.bool_], *, lower_slope: float | Sequence[float | None] | None = 0.0
) -> tuple[float, ...]:
    """Intercept and slopes of a logistic regression of `outcomes` (n) on `columns` (n, k), unpenalised.

    Slopes are at least `lower_slope` (None: free), one for all or one each. Raises AssertionError where the optimiser
    does not converge.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    signs = np.where(outcomes, 1.0, -1.0)

    def loss_and_gradient(weights: Vector) -> tuple[float, Vector]:
        """Mean log-loss of a logistic regression at its weights, and how it changes with them."""
        along = signs * (design @ weights)
        pull = -signs * expit(-along)
        return float(np.logaddexp(0, -along).mean()), design.T @ pull / len(design)

    start = np.array([0.0, *np.full(columns.shape[1], 1.0 / columns.shape[1])])
    lower = list(lower_slope) if isinstance(lower_slope, Sequence) else [lower_slope] * columns.shape[1]
    bounds = [(None, None), *[(least, None) for least in lower]]
    result = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )
    assert np.isfinite(result.x).all(), f"logistic regression failed: {result.message}"
    return tuple(float(weight) for weight in result.x)


def logit(probability_: float) -> float:
    """Log-odds of a probability strictly between 0 and 1."""
    return math.log(probability_ / (1 - probability_))


def probability(log_odds: float) -> float:
    """Probability of log-odds, exact to the last bits at both ends."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


def _log1p_exp(number: float) -> float:
    return number + math.log1p(math.exp(-number)) if number > 0 else math.log1p(math.exp(number))
