"""Family `breakdown`: how often and how long the machines are in fault."""

from __future__ import annotations

from features.declaration import Column, column, feature, ratio
from features.history import DailyHistory, Window
from features.level import SECONDS_PER_HOUR
from features.snapshot import Missing


@feature(
    family="breakdown",
    unit="1/1000h",
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="stops cost output, and upkeep is what firms short of cash put off",
    insurance_reason="faults come before breakdown claims",
    actionable=True,
    label_zh="故障率（收缩估计）",
    label_en="Failure rate, shrunk",
    formula="1000 x (fault starts + prior mean x prior hours / 1000) / (executing hours + prior hours)",
    iso_22400="failure events per operating time; the events are states of the machine, not work orders",
)
def failure_rate(history: DailyHistory, window: Window) -> Column:
    """Fault starts per 1,000 executing hours, shrunk towards the prior (posterior mean of a Gamma-Poisson model)."""
    starts = history.fault_starts.sum_over(window)
    hours = history.watched_executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    prior_hours = window.settings.failure_prior_hours
    prior_starts = window.settings.failure_prior_per_1000_hours * prior_hours / 1000
    return column(1000 * (starts + prior_starts) / (hours + prior_hours), missing=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="h",
    credit_risk=0,
    insurance_risk=0,
    credit_reason="told, not scored: missing both where nothing failed and where nothing is known",
    insurance_reason="told, not scored: the shrunk failure rate says the same and is there without a failure",
    actionable=True,
    label_zh="平均故障间隔（加工小时）",
    label_en="Mean executing hours between faults",
    formula="executing hours / fault starts",
    iso_22400="MTBF in its variant with FE failures (not FE + 1), over executing time",
)
def mtbf(history: DailyHistory, window: Window) -> Column:
    """Executing hours for each fault start; missing where there was no fault."""
    hours = history.watched_executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    return ratio(hours, history.fault_starts.sum_over(window), zero=Missing.NO_FAILURE, unsaid=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1",
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="time in fault is paid for and earns nothing",
    insurance_reason="long faults are severe faults or slow repairs",
    actionable=True,
    label_zh="故障停机占比",
    label_en="Fault time share",
    formula="fault seconds / powered seconds",
    iso_22400="the malfunction part of actual unit delay time; no order is known",
)
def fault_time_share(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the machines were in fault."""
    return ratio(
        history.fault_seconds.sum_over(window), history.powered_seconds.sum_over(window), zero=Missing.NO_EXECUTION
    )


BREAKDOWN = (failure_rate, mtbf, fault_time_share)
