"""Family `trend`: where work is going, week by week and against the year before."""

from __future__ import annotations

import numpy as np

from features.aligned import sums_of_like_days, weekly_rates
from features.change_point import down_probability
from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Measure, Window, nan_sum
from features.level import NO_PLAN
from features.rows import row_median

DAYS_PER_SLOPE_UNIT = 30.0
MONTHS = 12
DAYS_OF_A_RUN = 30
PEAK_SHARE = 0.7
SLACK = 0.1
"""A week may fall short of the usual by so much before it counts towards the CUSUM."""


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


@feature(
    family="trend",
    unit="1",
    windows_days=(30, 90),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="less work than a year ago is falling work, whatever the season",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率同比",
    label_en="Operating rate against a year before",
    formula="operating rate over the window's days that have their like / that over their likes a year before - 1",
    iso_22400=NO_PLAN,
)
def operating_rate_yoy(history: DailyHistory, window: Window) -> Column:
    """Change of the operating rate against the year before: days around Chinese New Year against the days as far from
    the New Year before, other days against those 52 weeks before."""
    now, then = _like_rates(history, window.days)
    return _growth(now, then)


@feature(
    family="trend",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="less electricity than a year ago is less work, told by the meter",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="用电量同比",
    label_en="Energy against a year before",
    formula="energy over the window's days that have their like / that over their likes a year before - 1",
)
def energy_yoy(history: DailyHistory, window: Window) -> Column:
    """Change of the energy drawn against the like days of the year before."""
    return _growth(*sums_of_like_days(history, history.energy_kwh, window.days), unsaid=Missing.NO_POWER_METER)


@feature(
    family="trend",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="fewer parts than a year ago are fewer parts to be paid for",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="产量同比",
    label_en="Output against a year before",
    formula="parts over the window's days that have their like / those over their likes a year before - 1",
)
def output_yoy(history: DailyHistory, window: Window) -> Column:
    """Change of the parts made against the like days of the year before."""
    return _growth(*sums_of_like_days(history, history.parts, window.days), unsaid=Missing.NO_COUNTER)


@feature(
    family="trend",
    unit="1/30d",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="a steady fall over half a year is a firm losing work",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率趋势（稳健，剔除节假日）",
    label_en="Trend of the operating rate over half a year",
    formula=(
        "Theil-Sen slope (median of the slopes between any two) of the weekly operating rate freed of "
        "holidays, x 30 / 7"
    ),
    iso_22400=NO_PLAN,
)
def operating_rate_trend(history: DailyHistory, window: Window) -> Column:
    """Change over 30 days of the weekly operating rate freed of holidays, as the median of the slopes between any two
    weeks: single bad weeks do not move it."""
    rates = weekly_rates(history, window.days)
    return column(theil_sen(rates) * DAYS_PER_SLOPE_UNIT / 7.0, missing=Missing.NOT_ENOUGH_HISTORY)


@feature(
    family="trend",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="three months below the own year are a decline that is under way",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="近三个月开工率相对近一年",
    label_en="Operating rate of three months against the year",
    formula="operating rate over the window / operating rate over the last 365 days - 1",
    iso_22400=NO_PLAN,
)
def operating_rate_vs_year(history: DailyHistory, window: Window) -> Column:
    """The operating rate of the window against that of the last year."""
    now = ratio(history.executing_seconds.sum_over(window), history.observed_seconds.sum_over(window)).values
    year = ratio(nan_sum(history.executing_seconds.last(365)), nan_sum(history.observed_seconds.last(365))).values
    return _growth(now, year)


@feature(
    family="trend",
    unit="1",
    windows_days=(365,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="the deeper below its own peak, the less of its fixed cost a firm earns",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率回撤",
    label_en="Operating rate below the peak of a year",
    formula="1 - operating rate of the last 30 days / highest of the last twelve runs of 30 days",
    iso_22400=NO_PLAN,
)
def operating_rate_drawdown(history: DailyHistory, window: Window) -> Column:
    """How far the last 30 days lie below the best of the last twelve runs of 30 days."""
    rates = monthly_rates(history)
    best = np.nanmax(np.where(np.isnan(rates), -np.inf, rates), axis=1)
    found = ratio(rates[:, -1], np.where(np.isinf(best), np.nan, best), zero=Missing.NO_EXECUTION)
    return Column(1.0 - found.values, found.reasons)


@feature(
    family="trend",
    unit="months",
    windows_days=(365,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="months far below the peak are months in which reserves were used up",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="低于峰值七成的月数",
    label_en="Months below 70 % of the peak of a year",
    formula="number of the last twelve runs of 30 days whose operating rate is below 0.7 x the highest",
    iso_22400=NO_PLAN,
)
def months_below_peak(history: DailyHistory, window: Window) -> Column:
    """How many of the last twelve runs of 30 days fell below seven tenths of the best; runs that nobody observed are
    not counted."""
    rates = monthly_rates(history)
    best = np.max(np.where(np.isnan(rates), -np.inf, rates), axis=1)
    below = (rates < PEAK_SHARE * best[:, None]).sum(axis=1).astype(np.float64)
    return column(np.where(np.isinf(best), np.nan, below), missing=Missing.NOT_OBSERVED)


@feature(
    family="trend",
    unit="machines",
    windows_days=(30,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="machines that stop for good are capacity given up",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="半年活跃设备数变化",
    label_en="Change of the machines at work over half a year",
    formula=(
        "machines executing on a mean day of the window - those on a mean day of the 30 days that ended 180 days before"
    ),
    iso_22400=NO_PLAN,
)
def active_machines_change(history: DailyHistory, window: Window) -> Column:
    """How many more machines execute on a mean day than half a year before."""
    now = history.active_machine_days.sum_over(window) / window.days
    half_a_year_ago = history.active_machine_days.last(180 + window.days)[:, : window.days]
    seen = history.observed_machine_days.last(180 + window.days)[:, : window.days].sum(axis=1) > 0
    before = half_a_year_ago.sum(axis=1) / window.days
    return column(np.where(seen, now - before, np.nan), missing=Missing.NOT_ENOUGH_HISTORY)


@feature(
    family="trend",
    unit="weeks",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="shortfalls that add up are losses that add up",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率累计缺口（周）",
    label_en="Accumulated shortfall of work",
    formula=(
        "largest value over the weeks of S = max(0, S + (usual - rate) / usual - 0.1), usual: median week of "
        "the year before"
    ),
    iso_22400=NO_PLAN,
)
def operating_rate_cusum(history: DailyHistory, window: Window) -> Column:
    """Weeks' worth of usual work that are missing: the largest CUSUM of the weekly rates' shortfalls against the median
    week of the year before the window, holidays removed."""
    return column(_cusum(history, window), missing=Missing.NOT_ENOUGH_HISTORY)


@feature(
    family="trend",
    unit="1",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a lasting fall is told from a bad week before it shows in averages",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="下行拐点概率",
    label_en="Probability of a lasting fall of the operating rate",
    formula=(
        "posterior probability that the weekly rates changed their mean once, and downwards (conjugate normal "
        "segments, prior 1/2)"
    ),
    iso_22400=NO_PLAN,
)
def downturn_probability(history: DailyHistory, window: Window) -> Column:
    """Probability, given the weekly operating rates freed of holidays, that their mean changed within the window and
    fell."""
    return column(down_probability(weekly_rates(history, window.days)), missing=Missing.NOT_ENOUGH_HISTORY)


def theil_sen(series: Array) -> Array:
    """Median of the slopes between any two known points of each row, per step; NaN with fewer than three."""
    first, second = np.triu_indices(series.shape[1], k=1)
    slopes = (series[:, second] - series[:, first]) / (second - first)
    return np.where((~np.isnan(series)).sum(axis=1) >= 3, row_median(slopes), np.nan)


def monthly_rates(history: DailyHistory) -> Array:
    """Operating rates of the last twelve runs of 30 days: (unit, run), NaN where nothing was observed."""

    def runs(measure: Measure) -> Array:
        days = measure.last(MONTHS * DAYS_OF_A_RUN)
        return np.asarray(days.reshape(len(days), MONTHS, DAYS_OF_A_RUN).sum(axis=2))

    return ratio(runs(history.executing_seconds), runs(history.observed_seconds)).values


def _like_rates(history: DailyHistory, days: int) -> tuple[Array, Array]:
    """Operating rates over the days that have their like, and over their likes a year before."""
    executing = sums_of_like_days(history, history.executing_seconds, days)
    observed = sums_of_like_days(history, history.observed_seconds, days)
    now, then = (ratio(worked, seen).values for worked, seen in zip(executing, observed, strict=True))
    return now, then


def _growth(now: Array, then: Array, *, unsaid: Missing = Missing.NOT_ENOUGH_HISTORY) -> Column:
    """now / then - 1; without a year before it is not known, whatever the source."""
    found = ratio(now, then, zero=Missing.NO_BASIS, unsaid=unsaid)
    return Column(found.values - 1.0, found.reasons)


def _cusum(history: DailyHistory, window: Window) -> Array:
    weeks = weekly_rates(history, window.days + 364)
    recent, past = weeks[:, -(window.days // 7) :], weeks[:, : -(window.days // 7)]
    known = ((~np.isnan(past)).sum(axis=1) >= 8) & ((~np.isnan(recent)).sum(axis=1) >= 2)
    usual = row_median(past)
    known &= usual > 0
    shortfall = np.where(np.isnan(recent), 0.0, 1.0 - recent / np.where(known, usual, 1.0)[:, None] - SLACK)
    reached, largest = np.zeros(len(weeks)), np.zeros(len(weeks))
    for week in range(shortfall.shape[1]):
        reached = np.maximum(0.0, reached + shortfall[:, week])
        largest = np.maximum(largest, reached)
    return np.where(known, largest, np.nan)


TREND = (
    operating_rate_slope,
    operating_rate_yoy,
    energy_yoy,
    output_yoy,
    operating_rate_trend,
    operating_rate_vs_year,
    operating_rate_drawdown,
    months_below_peak,
    active_machines_change,
    operating_rate_cusum,
    downturn_probability,
)
