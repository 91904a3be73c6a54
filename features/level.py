"""Family `level`: how much the machines are on and at work."""

from __future__ import annotations

import numpy as np

from features.columns import Column, column, ratio
from features.declaration import Across, feature
from features.feature_value import Missing
from features.fleet import fleet_view, mean_of_machines, sum_of_machines
from features.history import DailyHistory, Level, Window
from features.value_curve import live_value

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0
DAYS_OF_A_MONTH = 30.0
DAYS_OF_A_YEAR = 365.0

NO_PLAN = "not an ISO 22400 indicator: no plan or calendar is needed"


@feature(
    family="level",
    unit="1",
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="machines that are on are machines with work",
    insurance_reason="a machine that is on can break, burn or hurt; one that is off can not",
    actionable=True,
    label_zh="开机率",
    label_en="Power-on rate",
    formula="powered seconds / observed seconds",
    iso_22400=NO_PLAN,
)
def power_on_rate(history: DailyHistory, window: Window) -> Column:
    """Share of the observed time in which the machines were powered: in fault, maintenance, set-up, executing or
    idle."""
    return ratio(history.powered_seconds.sum_over(window), history.observed_seconds.sum_over(window))


@feature(
    family="level",
    unit="1",
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="executing time is what revenue is made of",
    insurance_reason="wear and mishaps come with executing time",
    actionable=True,
    label_zh="开工率",
    label_en="Operating rate",
    formula="executing seconds / observed seconds",
    iso_22400=NO_PLAN,
    across_machines=(Across.MIN, Across.MAX, Across.VALUE_WEIGHTED),
)
def operating_rate(history: DailyHistory, window: Window) -> Column:
    """Share of the observed time in which the machines were executing."""
    return ratio(history.executing_seconds.sum_over(window), history.observed_seconds.sum_over(window))


@feature(
    family="level",
    unit="1",
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="machines that are on but do not execute wait for orders, material or people",
    insurance_reason="of two machines that are on, the busier one wears faster",
    actionable=True,
    label_zh="设备利用率",
    label_en="Utilisation",
    formula="executing seconds / powered seconds",
    iso_22400="close to utilization efficiency (APT / AUBT); powered time stands in for busy time",
    across_machines=(Across.MIN,),
)
def utilisation(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the machines were executing."""
    return ratio(
        history.executing_seconds.sum_over(window), history.powered_seconds.sum_over(window), zero=Missing.NO_EXECUTION
    )


@feature(
    family="level",
    unit="1",
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="days without any work are the first sign of a thin order book",
    insurance_reason="more days at risk",
    actionable=True,
    label_zh="有效开工日占比",
    label_en="Active-day share",
    formula="machine-days with executing seconds above 0 / observed machine-days",
    iso_22400=NO_PLAN,
)
def active_day_share(history: DailyHistory, window: Window) -> Column:
    """Share of the observed machine-days on which the machine executed at all."""
    return ratio(history.active_machine_days.sum_over(window), history.observed_machine_days.sum_over(window))


@feature(
    family="level",
    unit="h",
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="hours of work for each machine that has to be paid for",
    insurance_reason="hours at risk for each machine-day of cover",
    actionable=True,
    label_zh="单机日均加工小时",
    label_en="Executing hours per machine and day",
    formula="executing seconds / seconds within ownership x 24",
    iso_22400=NO_PLAN,
)
def executing_hours_per_day(history: DailyHistory, window: Window) -> Column:
    """Executing hours of each machine and day within ownership; time that nobody observed counts as not executing."""
    daily = ratio(history.executing_seconds.sum_over(window), history.within_seconds.sum_over(window))
    return Column(daily.values * SECONDS_PER_DAY / SECONDS_PER_HOUR, daily.reasons)


@feature(
    family="level",
    unit="1",
    credit_risk=-1,
    insurance_risk=-1,
    credit_reason="what nobody observed cannot speak for the firm, and firms in trouble fall silent more often",
    insurance_reason="a machine that nobody sees is not warned about",
    actionable=True,
    label_zh="数据覆盖率",
    label_en="Coverage",
    formula="observed seconds / seconds within ownership",
    iso_22400=NO_PLAN,
    needs_observation=False,
    across_machines=(Across.MIN,),
)
def coverage(history: DailyHistory, window: Window) -> Column:
    """Share of the time within ownership, from the first day on, in which it is known what the machines did."""
    return ratio(history.covered_seconds.sum_over(window), history.within_seconds.sum_over(window))


@feature(
    family="level",
    unit="1",
    credit_risk=0,
    insurance_risk=0,
    credit_reason="much setup is small batches or trouble; which of the two is not told",
    insurance_reason="setting up wears little, but short runs start and stop; which leads is not settled",
    actionable=True,
    label_zh="调试时间占比",
    label_en="Setup time share",
    formula="setup seconds / powered seconds",
    iso_22400="close to the setup ratio (AUST / AUPT); powered time stands in for processing time",
)
def setup_time_share(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the machines were set up."""
    return ratio(
        history.setup_seconds.sum_over(window), history.powered_seconds.sum_over(window), zero=Missing.NO_EXECUTION
    )


@feature(
    family="level",
    unit="1",
    credit_risk=0,
    insurance_risk=0,
    credit_reason="waiting is the rest of utilisation, which is scored",
    insurance_reason="waiting is the rest of utilisation, which is scored",
    actionable=True,
    label_zh="空闲等待时间占比",
    label_en="Idle time share",
    formula="idle seconds / powered seconds",
    iso_22400=NO_PLAN,
)
def idle_time_share(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the machines were available and waiting."""
    return ratio(
        history.idle_seconds.sum_over(window), history.powered_seconds.sum_over(window), zero=Missing.NO_EXECUTION
    )


@feature(
    family="level",
    unit="1",
    windows_days=(30,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="machines that stand idle for a month are paid for and earn nothing",
    insurance_reason="how many of the others work says nothing of the one that is insured",
    actionable=True,
    label_zh="有开工的设备占比",
    label_en="Share of machines that worked",
    formula="machines with executing seconds above 0 in the window / machines with an observed second in it",
    iso_22400=NO_PLAN,
)
def active_machine_share(history: DailyHistory, window: Window) -> Column:
    """Share of the machines owned and observed that executed at all in the window."""
    fleet = fleet_view(history)
    worked = (fleet.history.executing_seconds.sum_over(window) > 0).astype(np.float64)
    seen = fleet.history.observed_seconds.sum_over(window) > 0
    share = mean_of_machines(np.where(seen, worked, np.nan), fleet, units=len(history.units))
    return column(share, missing=Missing.NOT_OBSERVED)


@feature(
    family="level",
    unit="h",
    windows_days=(30, 90),
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="second and third shifts are run when there is work for them",
    insurance_reason="long days heat and wear a machine more than short ones, with fewer people about at night",
    actionable=True,
    label_zh="开工日单机加工小时（班次深度）",
    label_en="Executing hours per machine on days it works",
    formula="executing hours / machine-days with executing seconds above 0",
    iso_22400=NO_PLAN,
)
def shift_depth(history: DailyHistory, window: Window) -> Column:
    """Executing hours of a machine on the days on which it executes."""
    hours = history.executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    return ratio(hours, history.active_machine_days.sum_over(window), zero=Missing.NO_EXECUTION)


@feature(
    family="level",
    unit="ln",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="larger output spreads fixed cost and orders over more buyers",
    insurance_reason="parts of different machines do not compare; hours at risk are scored",
    actionable=True,
    label_zh="月产量（对数）",
    label_en="Output per 30 days, as a logarithm",
    formula="ln(1 + parts in the window x 30 / days of the window)",
    iso_22400="related to throughput rate, which divides by order execution time",
)
def log_output(history: DailyHistory, window: Window) -> Column:
    """Natural logarithm of one more than the parts made in 30 days."""
    parts = history.parts.sum_over(window) * DAYS_OF_A_MONTH / window.days
    return column(np.log1p(parts), missing=Missing.NO_COUNTER)


@feature(
    family="level",
    unit="1",
    windows_days=(30,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="output far below what the same machines have made is capacity that has to be paid for",
    insurance_reason="told of the firm; of a machine its hours at risk are scored",
    actionable=True,
    label_zh="产量相对近一年峰值",
    label_en="Output against the peak of a year",
    formula="parts of the last 30 days / largest parts of the twelve runs of 30 days that end with the last day",
    iso_22400=NO_PLAN,
)
def output_to_peak(history: DailyHistory, window: Window) -> Column:
    """Parts of the last 30 days against the best of the last twelve such runs of days."""
    parts = history.parts.last(12 * window.days)
    runs = np.nansum(parts.reshape(len(parts), 12, window.days), axis=2)
    unsaid = np.isnan(history.parts.sum_over(window))
    return ratio(
        np.where(unsaid, np.nan, runs[:, -1]), runs.max(axis=1), zero=Missing.NO_BASIS, unsaid=Missing.NO_COUNTER
    )


@feature(
    family="level",
    unit="minor",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="machines that keep their worth can be sold or pledged",
    insurance_reason="the sum insured is the premium's own factor",
    actionable=False,
    label_zh="设备现值",
    label_en="Present value of the machines",
    formula="sum over machines of value at acquisition x exp(-a x years since - h x executing hours since / 1000)",
)
def fleet_value_live(history: DailyHistory, window: Window) -> Column:
    """What the machines owned are worth now by the value curve, their hours since acquisition taken from their hours a
    day in the window; in minor units of the ownership register's currency."""
    fleet = fleet_view(history)
    machines, settings = fleet.history, window.settings
    hours, within = machines.executing_seconds.sum_over(window), machines.within_seconds.sum_over(window)
    share = np.divide(hours, within, out=np.full(len(hours), np.nan), where=within > 0)
    owned = machines.standing.owned_days
    value = live_value(
        machines.standing.value_minor,
        owned / DAYS_OF_A_YEAR,
        share * owned * SECONDS_PER_DAY / SECONDS_PER_HOUR,
        per_year=settings.decay_per_year,
        per_1000_hours=settings.decay_per_1000_hours,
    )
    return column(sum_of_machines(value, fleet, units=len(history.units)), missing=Missing.NO_SOURCE)


LEVEL = (
    power_on_rate,
    operating_rate,
    utilisation,
    setup_time_share,
    idle_time_share,
    active_day_share,
    executing_hours_per_day,
    coverage,
    active_machine_share,
    shift_depth,
    log_output,
    output_to_peak,
    fleet_value_live,
)
