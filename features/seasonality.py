"""Family `seasonality`: what the calendar explains of the work, and what is left when it is taken out."""

from __future__ import annotations

import numpy as np

from features.aligned import adjusted_rate, day_numbers_of, is_weekend
from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import DailyHistory, Level, Window
from features.level import NO_PLAN
from features.new_year import restart_days, shutdown_days


@feature(
    family="seasonality",
    unit="d",
    windows_days=(365,),
    levels=(Level.OBLIGOR,),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="told; scored against the industry's (new_year_shutdown_excess)",
    insurance_reason="told; the rest of a firm says little of one machine",
    actionable=False,
    label_zh="春节停工天数",
    label_en="Days without work around Chinese New Year",
    formula=(
        "days from 10 before to 25 after the last Chinese New Year that is over on which something was "
        "observed and nothing executed"
    ),
    iso_22400=NO_PLAN,
)
def new_year_shutdown_days(history: DailyHistory, window: Window) -> Column:
    """How many days the shop stood around the last Chinese New Year."""
    return column(shutdown_days(history), missing=Missing.NOT_OBSERVED)


@feature(
    family="seasonality",
    unit="d",
    windows_days=(365,),
    levels=(Level.OBLIGOR,),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="told; scored against the industry's (new_year_restart_excess)",
    insurance_reason="told; the rest of a firm says little of one machine",
    actionable=True,
    label_zh="春节后复工用时",
    label_en="Days from Chinese New Year to usual work",
    formula=(
        "days from Chinese New Year's Day to the first day whose week reaches 0.8 x the operating rate of "
        "days -42 to -15, at most 42"
    ),
    iso_22400=NO_PLAN,
)
def new_year_restart_days(history: DailyHistory, window: Window) -> Column:
    """How long after the last Chinese New Year the work of a week came back to eight tenths of what it was before
    it."""
    return column(restart_days(history), missing=Missing.NOT_OBSERVED)


@feature(
    family="seasonality",
    unit="1",
    windows_days=(30, 90),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="work that is left when holidays are taken out is work from orders",
    insurance_reason="of a firm; of a machine its hours at risk and its faults are scored",
    actionable=True,
    label_zh="开工率（剔除节假日影响）",
    label_en="Operating rate, holidays taken out",
    formula=(
        "executing seconds / sum of observed seconds x what days of their kind brought in the unit's own "
        "past, ordinary days 1"
    ),
    iso_22400=NO_PLAN,
)
def adjusted_operating_rate(history: DailyHistory, window: Window) -> Column:
    """The operating rate against what the calendar lets expect: public holidays and the days before, in and after
    Chinese New Year count for as much as they brought in the unit's own past before the window."""
    return column(adjusted_rate(history, window.days), missing=Missing.NOT_OBSERVED)


@feature(
    family="seasonality",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="weekends are worked when orders press, and when energy is cheap; which leads is not settled",
    insurance_reason="hours at risk are scored; on which day they fall is not",
    actionable=True,
    label_zh="周末加工占比",
    label_en="Share of work on weekends",
    formula="executing seconds on Saturdays and Sundays / executing seconds",
    iso_22400=NO_PLAN,
)
def weekend_share(history: DailyHistory, window: Window) -> Column:
    """Share of the executing time that fell on weekends."""
    executing = history.executing_seconds.over(window)
    on_weekends = np.where(is_weekend(day_numbers_of(history, window.days)), executing, 0.0).sum(axis=1)
    return ratio(on_weekends, executing.sum(axis=1), zero=Missing.NO_EXECUTION)


@feature(
    family="seasonality",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="told: what is left of the operating rate without days of rationed power",
    insurance_reason="told: what is left of the operating rate without days of rationed power",
    actionable=False,
    label_zh="开工率（剔除限电日）",
    label_en="Operating rate without days of rationed power",
    formula="executing seconds / observed seconds, of days outside the listed spells of power rationing",
    iso_22400=NO_PLAN,
)
def unrationed_operating_rate(history: DailyHistory, window: Window) -> Column:
    """The operating rate over the days outside the spells in which power was rationed (parameter `rationing`)."""
    numbers = day_numbers_of(history, window.days).astype("datetime64[D]")
    rationed = np.zeros(numbers.shape, dtype=np.bool_)
    for first, last in window.settings.rationing:
        rationed |= (numbers >= np.datetime64(first)) & (numbers <= np.datetime64(last))
    worked = np.where(rationed, 0.0, history.executing_seconds.over(window)).sum(axis=1)
    return ratio(worked, np.where(rationed, 0.0, history.observed_seconds.over(window)).sum(axis=1))


SEASONALITY = (
    new_year_shutdown_days,
    new_year_restart_days,
    adjusted_operating_rate,
    weekend_share,
    unrationed_operating_rate,
)
