"""Whether an order will be ready in time: what remains against the posterior of the firm's daily output.

Daily output is normal with unknown mean and variance; the prior is the firm's own output before the order, worth a few
days, and the order's days move it. What n more days bring is then a Student t, which knows both that days differ and
that their mean is not known. Several days at once are a multivariate t: who is late for one call-off is likely late for
the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import multivariate_t
from scipy.stats import t as student

SEED = 20_260_628
MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Normal-inverse-gamma: `mean` a day worth `days` days, and `variance` a day worth `degrees` degrees of freedom."""

    mean: float
    days: float
    variance: float
    degrees: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffForecast:
    """Units that a call-off still lacks, working days until it is due, and the probability that they are enough."""

    call_off_id: str
    remaining_units: float
    days_left: int
    probability_on_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Units that remain, working days that are left, and the probability that they are enough; the rate a day it rests
    on, and on how many days of the order itself. Where a schedule is told, the same of each call-off, and the
    probability that all of them and the whole are on time."""

    remaining_units: float
    days_left: int
    probability_on_time: float
    units_a_day: float
    observed_days: int
    call_offs: Sequence[CallOffForecast] = ()
    probability_all_on_time: float | None = None

    def next_missed(self, least: float) -> str | None:
        """The first call-off whose probability to be on time is below `least`."""
        return next((item.call_off_id for item in self.call_offs if item.probability_on_time < least), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a firm makes on a working day, and which share of days it works."""

    prior: Prior
    working_share: float

    def days_left(self, due_on: date, *, day: date) -> int:
        """Working days from a day until one that is due."""
        return int(np.floor(max((due_on - day).days, 0) * self.working_share))


def prior_of(daily_units: Sequence[float], *, worth_days: float) -> Prior | None:
    """The prior of output before the order, as if seen on `worth_days` days; None of fewer than two days."""
    if len(daily_units) < 2:
        return None
    told = np.asarray(daily_units, dtype=np.float64)
    return Prior(mean=float(told.mean()), days=worth_days, variance=float(told.var(ddof=1)), degrees=worth_days)


def pace_of(days: pd.DataFrame, *, worth_days: float, least_days: int, norm_days: int) -> Pace | None:
    """The pace of days (`day`, `parts`; a row a day, NaN where nothing was told): working days are those on which parts
    were told at all, the last `norm_days` of them tell the rate. None of fewer than `least_days`."""
    told = days.dropna(subset=["parts"])
    worked = told[told["parts"] > 0].tail(norm_days)["parts"].to_list()
    prior = prior_of(worked, worth_days=worth_days)
    if prior is None or len(worked) < least_days:
        return None
    span = max((told["day"].iloc[-1] - told["day"].iloc[0]).days + 1, 1)
    return Pace(prior=prior, working_share=float((told["parts"] > 0).sum() / span))


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


def all_at_least(rate: Prior, steps: Sequence[tuple[float, int]]) -> float:
    """The chance that every step (units made in all, within working days) is reached. Output by two days shares the
    days of the earlier one and the mean that is not known; beyond one step integrated numerically, by a fixed seed."""
    by_days: dict[int, float] = {}
    for units, days in steps:
        if units > 0:
            by_days[days] = max(units, by_days.get(days, 0.0))
    if len(by_days) < 2 or rate.variance == 0.0 or 0 in by_days:
        return min((_at_least(rate, units, days) for days, units in by_days.items()), default=1.0)
    days_left = np.array(sorted(by_days), dtype=np.float64)
    units_due = np.array([by_days[int(days)] for days in days_left])
    spread = rate.variance * (np.minimum.outer(days_left, days_left) + np.outer(days_left, days_left) / rate.days)
    chance = multivariate_t.cdf(
        -units_due,
        loc=-rate.mean * days_left,
        shape=spread,
        df=rate.degrees,
        maxpts=MOST_POINTS,
        random_state=np.random.default_rng(SEED),
    )
    return float(chance)


def _at_least(rate: Prior, units: float, days: int) -> float:
    if units <= 0:
        return 1.0
    if days <= 0:
        return 0.0
    scale = math.sqrt(rate.variance * days * (1.0 + days / rate.days))
    if scale == 0.0:
        return float(rate.mean * days >= units)
    return float(student.sf((units - rate.mean * days) / scale, rate.degrees))
