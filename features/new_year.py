"""The rest around Chinese New Year: how long a shop stood, and how long it took to come back."""

from __future__ import annotations

import numpy as np

from data_contracts.reference.holidays import CHINESE_ZONES, last_new_year
from features.aligned import Ints, day_numbers_of
from features.columns import ratio
from features.history import Array, DailyHistory

REST_FIRST, REST_LAST = -10, 25
"""Days from Chinese New Year's Day among which the rest around it is looked for."""

USUAL_FIRST, USUAL_LAST = -42, -15
"""Days whose operating rate is the usual one before the rest."""

RESTART_DAYS = 42
"""A firm that has not come back by so many days counts as coming back then."""

RESTART_SHARE = 0.8


def shutdown_days(history: DailyHistory) -> Array:
    """Days without work around the last Chinese New Year whose rest is over; NaN where half of these days were not
    observed, or the site follows another calendar."""
    offsets = _around_new_year(history)
    span = (offsets >= REST_FIRST) & (offsets <= REST_LAST)
    seen = span & (history.observed_seconds.values > 0)
    stood = (seen & (history.executing_seconds.values == 0)).sum(axis=1).astype(np.float64)
    return np.where(2 * seen.sum(axis=1) >= REST_LAST - REST_FIRST + 1, stood, np.nan)


def restart_days(history: DailyHistory) -> Array:
    """Days from the last Chinese New Year that is over to the first day at whose end a week's operating rate reaches
    `RESTART_SHARE` of the usual one; NaN where the usual one is not known or 0."""
    offsets = _around_new_year(history)
    executing, observed = history.executing_seconds.values, history.observed_seconds.values
    usual_days = (offsets >= USUAL_FIRST) & (offsets <= USUAL_LAST)
    usual = ratio((executing * usual_days).sum(axis=1), (observed * usual_days).sum(axis=1)).values
    week = ratio(_trailing(executing), _trailing(observed)).values
    back = (offsets >= 0) & (offsets < RESTART_DAYS) & (week >= RESTART_SHARE * usual[:, None])
    first = np.where(back, offsets, RESTART_DAYS).min(axis=1).astype(np.float64)
    watched = ((offsets >= 0) & (offsets < RESTART_DAYS) & (observed > 0)).sum(axis=1) * 2 >= RESTART_DAYS
    return np.where(watched & (usual > 0), first, np.nan)


def _around_new_year(history: DailyHistory) -> Ints:
    """Days of the whole history counted from the last Chinese New Year that lies `RESTART_DAYS` back."""
    numbers = day_numbers_of(history, history.length)
    new_year = last_new_year(numbers[:, -1] - RESTART_DAYS)
    chinese = np.array([zone in CHINESE_ZONES for zone in history.zones], dtype=np.bool_)
    far = np.iinfo(np.int32).max
    return np.where(chinese[:, None], numbers - new_year[:, None], far)


def _trailing(daily: Array) -> Array:
    """Sums over the seven days that end with each day."""
    sums = np.cumsum(daily, axis=1)
    sums[:, 7:] = sums[:, 7:] - sums[:, :-7].copy()
    return sums
