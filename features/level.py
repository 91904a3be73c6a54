"""Family `level`: how much the machines are on and at work."""

from __future__ import annotations

from features.declaration import Column, feature, ratio
from features.history import DailyHistory, Window
from features.snapshot import Missing

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0

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


LEVEL = (
    power_on_rate,
    operating_rate,
    utilisation,
    setup_time_share,
    idle_time_share,
    active_day_share,
    executing_hours_per_day,
    coverage,
)
