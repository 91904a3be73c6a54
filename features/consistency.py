"""Family `consistency`: whether what is said in one place fits what is said in another.

These compare a firm's own words; who disagrees with physics, and on which evidence, is for `features.data_trust` to
say.
"""

from __future__ import annotations

import numpy as np

from features.columns import Column, column, ratio, unless
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Window, nan_sum
from features.level import SECONDS_PER_HOUR
from features.planned import PAST_DAYS, usual_of_past
from features.rows import row_median

MAD_TO_SPREAD = 1.4826
"""A median absolute deviation times this is the standard deviation of normal values."""


@feature(
    family="consistency",
    unit="1",
    windows_days=(30, 90),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="energy that does not fit the parts is a count or a meter that cannot be relied on",
    insurance_reason="a doubtful count is a matter of trust, not of the machine",
    actionable=True,
    label_zh="电耗与产量不符程度",
    label_en="Energy that does not fit the parts",
    formula=(
        "abs(median daily kWh - usual kWh per part x parts) / (1.4826 x median absolute deviation of the same "
        "over the 275 days before)"
    ),
)
def energy_output_residual(history: DailyHistory, window: Window) -> Column:
    """How far, in robust standard deviations of its own past, the daily energy lies from what the parts usually
    took."""
    return _residual(history, window)


@feature(
    family="consistency",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="hours that no energy stands behind are hours that may not have been worked",
    insurance_reason="a doubtful count is a matter of trust, not of the machine",
    actionable=True,
    label_zh="加工工时与电耗不符程度",
    label_en="Executing hours beyond what the energy implies",
    formula="1 - (kWh while executing / usual kWh per executing hour) / executing hours, of machine-days with energy",
)
def hours_energy_residual(history: DailyHistory, window: Window) -> Column:
    """Share of the executing hours for which the energy drawn does not suffice, by what an hour usually took."""
    hours = history.metered_executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    daily_hours = history.metered_executing_seconds.values / SECONDS_PER_HOUR
    usual = usual_of_past(history.energy_executing_kwh.values, daily_hours, window)
    implied = history.energy_executing_kwh.sum_over(window) / usual
    found = ratio(implied, hours, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_POWER_METER)
    return Column(1.0 - found.values, found.reasons)


@feature(
    family="consistency",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="days that repeat another to the last digit were copied, not worked",
    insurance_reason="copied days are a matter of trust, not of the machine",
    actionable=True,
    label_zh="完全重复日占比",
    label_en="Share of days that repeat another exactly",
    formula=(
        "1 - different days / days, of days with execution, compared by executing, idle and powered seconds "
        "and by energy"
    ),
)
def repeated_day_share(history: DailyHistory, window: Window) -> Column:
    """Share of the worked days that repeat an earlier day of the window in every figure."""
    return column(_repeated(history, window), missing=Missing.NO_EXECUTION)


@feature(
    family="consistency",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a spindle that turns in air makes hours and no parts",
    insurance_reason="turning in air hardly wears",
    actionable=True,
    label_zh="空切时间占比",
    label_en="Share of executing time without load",
    formula="seconds with a turning spindle and no load / executing seconds, of machine-days that report it",
)
def no_load_share(history: DailyHistory, window: Window) -> Column:
    """Share of the executing time in which the spindle turned in air."""
    executing = history.loaded_executing_seconds.sum_over(window)
    return ratio(
        history.no_load_seconds.sum_over(window), executing, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE
    )


@feature(
    family="consistency",
    unit="1",
    windows_days=(180,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="parts that are billed and were never counted may never have been made",
    insurance_reason="of a firm's papers; a machine has none",
    actionable=True,
    label_zh="开票数量超出产量的程度",
    label_en="Parts billed beyond parts counted",
    formula="parts of the deliveries billed in the window / parts counted in it - 1",
    rests_on_ledgers=True,
)
def invoice_output_gap(history: DailyHistory, window: Window) -> Column:
    """By how much the parts billed exceed the parts that the machines counted."""
    found = ratio(history.invoiced_parts.sum_over(window), history.parts.sum_over(window), zero=Missing.NO_BASIS,
                  unsaid=Missing.NO_SOURCE)  # fmt: skip
    return Column(found.values - 1.0, found.reasons)


@feature(
    family="consistency",
    unit="1/d",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="clocks that jump make days that cannot be relied on",
    insurance_reason="a clock wears nothing",
    actionable=True,
    label_zh="时钟跳变频次",
    label_en="Clock jumps per machine and day",
    formula="clock jumps and restarts of sequence numbers / machine-days that report them",
)
def clock_jump_rate(history: DailyHistory, window: Window) -> Column:
    """Jumps of the gateway's clock and restarts of its sequence, a machine and day."""
    return ratio(history.clock_jumps.sum_over(window), history.clocked_machine_days.sum_over(window),
                 zero=Missing.NO_SOURCE, unsaid=Missing.NO_SOURCE)  # fmt: skip


@feature(
    family="consistency",
    unit="km",
    windows_days=(90,),
    levels=(Level.OBLIGOR, Level.MACHINE),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a machine that is moved may be sold, or be somebody else's",
    insurance_reason="where a machine stands says little of wear",
    actionable=True,
    label_zh="设备移动距离",
    label_en="Distance from where the machine was first seen",
    formula=(
        "largest great-circle distance in the window from the machine's first known place within a year, over machines"
    ),
    rests_on_ledgers=True,
)
def moved_km(history: DailyHistory, window: Window) -> Column:
    """How far a machine was moved from where it was first seen."""
    places = history.moved_km.over(window)
    known = ~np.isnan(places)
    largest = np.where(known, places, -np.inf).max(axis=1)
    return column(np.where(known.any(axis=1), largest, np.nan), missing=Missing.NO_SOURCE)


@feature(
    family="consistency",
    unit="d",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="firms in trouble fall silent",
    insurance_reason="a machine that nobody sees is not warned about",
    actionable=True,
    label_zh="最长失联天数",
    label_en="Longest silence",
    formula="largest number of days in a row on which less than half of the time within ownership was observed",
    needs_observation=False,
)
def offline_spell(history: DailyHistory, window: Window) -> Column:
    """The longest run of days that were hardly observed."""
    within, observed = history.within_seconds.over(window), history.observed_seconds.over(window)
    dark = (within > 0) & (observed < 0.5 * within)
    run, longest = np.zeros(len(dark)), np.zeros(len(dark))
    for day in range(window.days):
        run = np.where(dark[:, day], run + 1.0, 0.0)
        longest = np.maximum(longest, run)
    return column(longest, missing=Missing.NOT_OBSERVED)


@feature(
    family="consistency",
    unit="1",
    windows_days=(365,),
    levels=(Level.OBLIGOR,),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="told: what else the bill pays for differs from shop to shop; that it is above 1 is for data trust",
    insurance_reason="told of the firm; a machine has no bill",
    actionable=False,
    label_zh="设备用电占电费单比例",
    label_en="Machines' energy against the electricity bill",
    formula="kWh of the machines / kWh billed, over the days that bills cover",
    rests_on_ledgers=True,
)
def billed_energy_share(history: DailyHistory, window: Window) -> Column:
    """Share of the billed electricity that the machines say they drew."""
    billed = history.billed_kwh.over(window)
    kwh = np.where(np.isnan(billed), np.nan, history.energy_kwh.over(window))
    billed = np.where(np.isnan(kwh), np.nan, billed)
    return ratio(nan_sum(kwh), nan_sum(billed), zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


def _residual(history: DailyHistory, window: Window) -> Column:
    kwh, parts = history.counted_kwh.values, history.parts.last(history.counted_kwh.values.shape[1])
    usual = usual_of_past(kwh, parts, window)
    residual = kwh - usual[:, None] * parts
    past = residual[:, -window.days - PAST_DAYS : -window.days]
    now = residual[:, -window.days :]
    level = np.abs(row_median(now))
    spread = MAD_TO_SPREAD * row_median(np.abs(past - row_median(past)[:, None]))
    unsaid = np.isnan(history.counted_kwh.sum_over(window))
    found = ratio(level, spread, zero=Missing.NO_BASIS, unsaid=Missing.NOT_ENOUGH_HISTORY)
    return unless(found, unsaid, Missing.NO_COUNTER)


def _repeated(history: DailyHistory, window: Window) -> Array:
    """Share of the days with execution whose figures equal those of an earlier day; NaN without such a day."""
    measures = (history.executing_seconds, history.idle_seconds, history.powered_seconds, history.energy_kwh)
    worked = history.executing_seconds.over(window) > 0
    figures = np.nan_to_num(np.stack([measure.over(window) for measure in measures], axis=2))
    # A random projection keeps equal days equal and different ones apart: one number a day, sorted to find twins.
    weights = np.random.default_rng(0).uniform(1.0, 2.0, figures.shape[2])
    marks = np.where(worked, (figures * weights).sum(axis=2), np.nan)
    ordered = np.sort(marks, axis=1)  # NaN last
    twins = (ordered[:, 1:] == ordered[:, :-1]).sum(axis=1)
    count = worked.sum(axis=1)
    return np.asarray(np.divide(twins, count, out=np.full(len(count), np.nan), where=count > 0))


CONSISTENCY = (
    energy_output_residual,
    hours_energy_residual,
    repeated_day_share,
    no_load_share,
    invoice_output_gap,
    clock_jump_rate,
    moved_km,
    offline_spell,
    billed_energy_share,
)
