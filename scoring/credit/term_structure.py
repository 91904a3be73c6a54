"""When a default comes: a shape of monthly hazards, brought into agreement with the probability over 12 months.

The level of the first twelve months is the calibrated PD's, the shape over time that of a discrete-time hazard fitted
on the lives of the book (`scoring.training.hazard`): bad obligors default soon or recover, good ones have time to turn
bad. The calibrator speaks of its one year, good or bad; later months have the level of the lives (docs/decisions/0020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from features.labels import LIFETIME_MONTHS
from scoring.credit.calibration import logit, probability
from scoring.records import TermStructure

MONTHS_OF_PD = 12
NEWTON_STEPS = 60
CLOSE = 1e-15
"""Share of the wanted cumulative hazard within which a level is found; reached in fewer than ten steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardShape:
    """Log-odds of the hazard in month s of an obligor whose 12-month PD has log-odds x:

    `intercept` + `month_slope` w + `first_slope` x (1 - w) + `last_slope` x w, where w = ln s / ln 60 goes from 0 in
    the first month to 1 in the sixtieth. Neither slope is negative, so that a worse obligor is worse in every month.
    """

    intercept: float
    month_slope: float
    first_slope: float
    last_slope: float
    observed_months: int

    def log_odds(self, pd_log_odds: float) -> list[float]:
        """Log-odds of the hazards of all months."""
        return [
            self.intercept
            + self.month_slope * along
            + pd_log_odds * (self.first_slope * (1 - along) + self.last_slope * along)
            for along in ALONG
        ]


def along(month: int) -> float:
    """How far a month lies on the way from the first to the last of a life, in logarithms."""
    return math.log(month) / math.log(LIFETIME_MONTHS)


ALONG = tuple(along(month) for month in range(1, LIFETIME_MONTHS + 1))


def term_structure(pd_12m: float, shape: HazardShape | None) -> TermStructure:
    """The curve of an obligor with that PD, strictly between 0 and 1: twelve months that add up to it, and the shape's
    own hazards after them. Without a shape its hazard is constant."""
    if shape is None:
        return reconciled([0.0] * LIFETIME_MONTHS, pd_12m, observed_months=0)
    log_odds = shape.log_odds(logit(pd_12m))
    first, later = log_odds[:MONTHS_OF_PD], log_odds[MONTHS_OF_PD:]
    return reconciled(first, pd_12m, observed_months=shape.observed_months, later=later)


def moved_to(curve: TermStructure, pd_12m: float) -> TermStructure:
    """The curve of the same shape that gives another PD over 12 months: all odds of its hazards moved by one factor.

    No factor moves a month in which default is certain, or impossible; the first twelve must hold neither for all.
    """
    assert 0 < curve.pd(MONTHS_OF_PD) < 1, "a curve whose first twelve months decide nothing for certain"
    log_odds = [_log_odds(hazard) for hazard in curve.hazards]
    never_reached = [math.inf] * (len(curve.cumulative_pd) - len(log_odds))
    return reconciled([*log_odds, *never_reached], pd_12m, observed_months=curve.observed_months)


def first_months(curve: TermStructure, months: int) -> TermStructure:
    """The beginning of a curve; all of it where it is no longer."""
    return TermStructure(cumulative_pd=curve.cumulative_pd[:months], observed_months=curve.observed_months)


def reconciled(
    log_odds: Sequence[float], pd_12m: float, *, observed_months: int, later: Sequence[float] = ()
) -> TermStructure:
    """The curve whose first twelve months give `pd_12m`: log-odds of hazards (at least 12), all moved by one number,
    and those of `later` months as they are. After the first twelve they may be infinite: default is certain.

    The cumulative hazard sum(ln(1 + exp(g + shift))) is convex and rising in the shift, so that Newton's steps come
    from above after the first one.
    """
    assert len(log_odds) >= MONTHS_OF_PD, "a curve of at least 12 months"
    assert 0 < pd_12m < 1, "a PD strictly between 0 and 1"
    first, wanted = log_odds[:MONTHS_OF_PD], -math.log1p(-pd_12m)
    shift = math.log(wanted) - _log_sum_exp(first)
    for _ in range(NEWTON_STEPS):
        gap = math.fsum(_softplus(value + shift) for value in first) - wanted
        if abs(gap) <= CLOSE * wanted:
            break
        shift -= gap / math.fsum(probability(value + shift) for value in first)
    cumulative, total = [], 0.0
    for value in (*(value + shift for value in log_odds), *later):
        total += _softplus(value)
        cumulative.append(-math.expm1(-total))
    return TermStructure(cumulative_pd=tuple(cumulative), observed_months=observed_months)


def _log_odds(hazard: float) -> float:
    if 0 < hazard < 1:
        return logit(hazard)
    return math.inf if hazard else -math.inf


def _log_sum_exp(values: Sequence[float]) -> float:
    largest = max(values)
    return largest + math.log(math.fsum(math.exp(value - largest) for value in values))


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
