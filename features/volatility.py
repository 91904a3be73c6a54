"""Family `volatility`: how steadily the machines work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.aligned import day_numbers_of, is_workday, weekly_rates
from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Window
from features.level import NO_PLAN, SECONDS_PER_HOUR
from features.rows import row_deviation, row_mean

WEEKDAYS = 7
HOURS_OF_A_SHIFT = 8.0


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


@feature(
    family="volatility",
    unit="1",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="uneven weeks are weeks that do not carry their fixed cost",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="周开工率变异系数",
    label_en="Variation of the weekly operating rate",
    formula="standard deviation / mean of the weekly operating rate freed of holidays",
    iso_22400=NO_PLAN,
)
def operating_rate_cv(history: DailyHistory, window: Window) -> Column:
    """Standard deviation of the weekly operating rate freed of holidays, against its mean."""
    rates = weekly_rates(history, window.days)
    return ratio(row_deviation(rates), row_mean(rates), zero=Missing.NO_EXECUTION, unsaid=Missing.NOT_ENOUGH_HISTORY)


@feature(
    family="volatility",
    unit="1",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="weeks below the own mean cost more than weeks above it bring",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="周开工率下行偏差",
    label_en="Downside deviation of the weekly operating rate",
    formula="root of the mean over weeks of the squared distance below the mean weekly rate, 0 for weeks above it",
    iso_22400=NO_PLAN,
)
def downside_deviation(history: DailyHistory, window: Window) -> Column:
    """How far the weeks below the window's mean weekly operating rate, freed of holidays, lie below it."""
    rates = weekly_rates(history, window.days)
    below = np.minimum(rates - row_mean(rates)[:, None], 0.0)
    return column(np.sqrt(row_mean(below**2)), missing=Missing.NOT_ENOUGH_HISTORY)


@feature(
    family="volatility",
    unit="d",
    windows_days=(90,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a shop that stands for days on end has run out of work, material or money",
    insurance_reason="a machine that stands neither wears nor breaks at work; how it starts again is not settled",
    actionable=True,
    label_zh="最长连续停工工作日",
    label_en="Longest run of workdays without work",
    formula=(
        "largest number of workdays in a row, Monday to Friday outside holidays, on which something was "
        "observed and nothing executed"
    ),
    iso_22400=NO_PLAN,
)
def longest_idle_run(history: DailyHistory, window: Window) -> Column:
    """The longest run of workdays without any execution. Days that nobody observed neither lengthen nor break it."""
    idle, seen = _idle_workdays(history, window)
    run, longest = np.zeros(len(idle)), np.zeros(len(idle))
    for day in range(window.days):
        run = np.where(idle[:, day], run + 1.0, np.where(seen[:, day], 0.0, run))
        longest = np.maximum(longest, run)
    return column(np.where(seen.any(axis=1), longest, np.nan), missing=Missing.NOT_OBSERVED)


@feature(
    family="volatility",
    unit="1",
    windows_days=(30, 90),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="workdays without work are wages without sales",
    insurance_reason="a machine that stands neither wears nor breaks at work; how it starts again is not settled",
    actionable=True,
    label_zh="停工工作日占比",
    label_en="Share of workdays without work",
    formula="workdays on which something was observed and nothing executed / observed workdays",
    iso_22400=NO_PLAN,
)
def idle_workday_share(history: DailyHistory, window: Window) -> Column:
    """Share of the observed workdays on which nothing executed."""
    idle, seen = _idle_workdays(history, window)
    return ratio(idle.sum(axis=1).astype(np.float64), seen.sum(axis=1).astype(np.float64))


@feature(
    family="volatility",
    unit="1",
    windows_days=(30,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="an even day is a day of shifts, or of a machine left on; which of the two is not told",
    insurance_reason="an even day is a day of shifts, or of a machine left on; which of the two is not told",
    actionable=False,
    label_zh="日内负荷均匀度",
    label_en="Evenness of the load over the day",
    formula="mean over machine-days of the entropy of the hourly shares of energy / that of equal shares",
)
def intraday_entropy(history: DailyHistory, window: Window) -> Column:
    """How evenly the day's energy lies over its hours, as gateways report it."""
    days = history.load_entropy_days.sum_over(window)
    return ratio(history.load_entropy.sum_over(window), days, unsaid=Missing.NO_SOURCE, zero=Missing.NO_SOURCE)


@feature(
    family="volatility",
    unit="1",
    windows_days=(30, 90),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="shifts that begin on time are shifts that are planned",
    insurance_reason="when a shift begins says little of wear",
    actionable=True,
    label_zh="班次规律性",
    label_en="Regularity of the first start",
    formula="1 - standard deviation of the hour of the first start over days / 8",
)
def shift_regularity(history: DailyHistory, window: Window) -> Column:
    """How regularly work begins: one minus the spread of the mean hour of the first start, in shifts of eight hours.
    Known where gateways report it, or where silence means off."""
    starts, machines = history.start_seconds.over(window), history.started_machine_days.over(window)
    hour = np.divide(starts, machines, out=np.full(starts.shape, np.nan), where=machines > 0) / SECONDS_PER_HOUR
    return column(1.0 - row_deviation(hour) / HOURS_OF_A_SHIFT, missing=Missing.NO_SOURCE)


def _idle_workdays(history: DailyHistory, window: Window) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Workdays of the window on which something was observed and nothing executed, and all that were observed."""
    seen = is_workday(history, day_numbers_of(history, window.days)) & (history.observed_seconds.over(window) > 0)
    return seen & (history.executing_seconds.over(window) == 0), seen


VOLATILITY = (
    operating_rate_volatility,
    operating_rate_cv,
    downside_deviation,
    longest_idle_run,
    idle_workday_share,
    intraday_entropy,
    shift_regularity,
)
