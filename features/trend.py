"""Family `trend`: where the operating rate is going."""

from __future__ import annotations

import numpy as np

from features.declaration import Column, column, feature
from features.history import DailyHistory, Window
from features.level import NO_PLAN
from features.snapshot import Missing

DAYS_PER_SLOPE_UNIT = 30.0


@feature(
    family="trend",
    unit="1/30d",
    windows_days=(30, 90),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="falling work comes before missed payments",
    insurance_reason="rising use brings wear, falling use brings neglect; which one leads is not settled",
    actionable=True,
    label_zh="开工率趋势（每30天）",
    label_en="Slope of the operating rate, per 30 days",
    formula="weighted least squares of the daily operating rate on the day, weights observed seconds, x 30",
    iso_22400=NO_PLAN,
)
def operating_rate_slope(history: DailyHistory, window: Window) -> Column:
    """Change of the daily operating rate over 30 days, each day weighted by its observed seconds. Seven days are too
    few: the slope would say where the weekend lies. Missing with fewer than two observed days."""
    weight = history.observed_seconds.over(window)
    executing = history.executing_seconds.over(window)
    day = np.arange(window.days, dtype=np.float64)
    total = weight.sum(axis=1)
    observed = total > 0
    # Not a matrix product: its rounding would depend on how many units are computed at once.
    mean_day = np.divide((weight * day).sum(axis=1), total, out=np.zeros_like(total), where=observed)
    centred = day[None, :] - mean_day[:, None]
    spread = (weight * centred**2).sum(axis=1)
    slope = np.full(total.shape, np.nan)
    enough = (weight > 0).sum(axis=1) >= 2
    np.divide((executing * centred).sum(axis=1), spread, out=slope, where=enough)
    return column(slope * DAYS_PER_SLOPE_UNIT, missing=Missing.NOT_ENOUGH_HISTORY)


TREND = (operating_rate_slope,)
