"""Family `volatility`: how steadily the machines work."""

from __future__ import annotations

import numpy as np

from features.declaration import Column, column, feature
from features.history import Array, DailyHistory, Window
from features.level import NO_PLAN
from features.snapshot import Missing

WEEKDAYS = 7


@feature(
    family="volatility",
    unit="1",
    windows_days=(30, 90),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="work that comes and goes does not carry instalments that come every month",
    insurance_reason="irregular use neither wears nor spares a machine by itself",
    actionable=True,
    label_zh="开工率波动（剔除星期规律）",
    label_en="Volatility of the operating rate, weekdays removed",
    formula="standard deviation of the daily operating rate around the window's mean of the same weekday",
    iso_22400=NO_PLAN,
)
def operating_rate_volatility(history: DailyHistory, window: Window) -> Column:
    """Standard deviation of the daily operating rate over the observed days, around the mean of the same weekday in
    the window: free weekends are a rhythm, not a risk. Seven days have one of each weekday and so no residual.
    Missing where no weekday was observed twice."""
    observed = history.observed_seconds.over(window)
    seen = observed > 0
    rate = np.divide(history.executing_seconds.over(window), observed, out=np.zeros_like(observed), where=seen)
    weekday = history.days[:, -window.days :].astype(np.int64) % WEEKDAYS
    squares = np.zeros(len(observed))
    freedom = np.zeros(len(observed))
    for which in range(WEEKDAYS):
        own = seen & (weekday == which)
        count = own.sum(axis=1)
        squares += _squares_around_mean(np.where(own, rate, 0.0), own.astype(np.float64))
        freedom += np.maximum(count - 1, 0)
    variance = np.full(len(observed), np.nan)
    np.divide(squares, freedom, out=variance, where=freedom > 0)
    return column(np.sqrt(variance), missing=Missing.NOT_ENOUGH_HISTORY)


def _squares_around_mean(values: Array, chosen: Array) -> Array:
    """Row sums of the squared distances of the chosen values from their row mean."""
    count = np.maximum(chosen.sum(axis=1), 1.0)
    mean = (values * chosen).sum(axis=1) / count
    squares: Array = (chosen * (values - mean[:, None]) ** 2).sum(axis=1)
    return squares


VOLATILITY = (operating_rate_volatility,)
