"""Whether an order will be ready in time: what remains against the posterior of the firm's daily output.

Daily output is normal with unknown mean and variance; the prior is the firm's own output before the order, worth a few
days, and the order's days move it. What n more days bring is then a Student t, which knows both that days differ and
that their mean is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Normal-inverse-gamma: `mean` a day worth `days` days, and `variance` a day worth `degrees` degrees of freedom."""

    mean: float
    days: float
    variance: float
    degrees: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Units that remain, working days that are left, and the probability that they are enough; the rate a day it rests
    on, and on how many days of the order itself."""

    remaining_units: float
    days_left: int
    probability_on_time: float
    units_a_day: float
    observed_days: int


def prior_of(daily_units: Sequence[float], *, worth_days: float) -> Prior | None:
    """The prior of output before the order, as if seen on `worth_days` days; None of fewer than two days."""
    if len(daily_units) < 2:
        return None
    told = np.asarray(daily_units, dtype=np.float64)
    return Prior(mean=float(told.mean()), days=worth_days, variance=float(told.var(ddof=1)), degrees=worth_days)


def posterior(prior: Prior, daily_units: Sequence[float]) -> Prior:
    """The prior after days of the order itself (the conjugate update)."""
    told = np.asarray(daily_units, dtype=np.float64)
    if not len(told):
        return prior
    days = prior.days + len(told)
    mean = (prior.days * prior.mean + told.sum()) / days
    apart = prior.days * len(told) / days * (told.mean() - prior.mean) ** 2
    degrees = prior.degrees + len(told)
    squares = prior.degrees * prior.variance + ((told - told.mean()) ** 2).sum() + apart
    return Prior(mean=float(mean), days=days, variance=float(squares / degrees), degrees=degrees)


def forecast(prior: Prior, daily_units: Sequence[float], *, remaining_units: float, days_left: int) -> Forecast:
    """The chance that `days_left` working days bring what remains."""
    told = posterior(prior, daily_units)
    return Forecast(
        remaining_units=remaining_units,
        days_left=days_left,
        probability_on_time=_at_least(told, remaining_units, days_left),
        units_a_day=told.mean,
        observed_days=len(daily_units),
    )


def _at_least(rate: Prior, units: float, days: int) -> float:
    if units <= 0:
        return 1.0
    if days <= 0:
        return 0.0
    scale = math.sqrt(rate.variance * days * (1.0 + days / rate.days))
    if scale == 0.0:
        return float(rate.mean * days >= units)
    return float(student.sf((units - rate.mean * days) / scale, rate.degrees))
