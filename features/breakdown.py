"""Family `breakdown`: how often and how long the machines are in fault."""

from __future__ import annotations

import numpy as np

from features.columns import Column, column, ratio
from features.declaration import Across, feature
from features.feature_value import Missing
from features.fleet import fleet_view, mean_of_machines
from features.history import Array, DailyHistory, Window
from features.level import SECONDS_PER_HOUR


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
    across_machines=(Across.MAX,),
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
    across_machines=(Across.MAX,),
)
def fault_time_share(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the machines were in fault."""
    return ratio(
        history.fault_seconds.sum_over(window), history.powered_seconds.sum_over(window), zero=Missing.NO_EXECUTION
    )


@feature(
    family="breakdown",
    unit="h",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="long stops lose orders, and slow repairs are what firms short of cash settle for",
    insurance_reason="long faults are severe faults",
    actionable=True,
    label_zh="平均故障时长（收缩估计）",
    label_en="Mean hours in fault, shrunk",
    formula="(fault hours + prior mean x prior starts) / (fault starts + prior starts)",
    iso_22400="MTTR in its variant with FE failures, over time in fault; no repair order is known",
)
def fault_hours(history: DailyHistory, window: Window) -> Column:
    """Hours in fault for each fault start, shrunk towards the prior (posterior mean of a Gamma model): waiting for
    repair counts."""
    starts = history.fault_starts.sum_over(window)
    hours = history.fault_seconds.sum_over(window) / SECONDS_PER_HOUR
    prior, weight = window.settings.repair_prior_hours, window.settings.repair_prior_starts
    return column((hours + prior * weight) / (starts + weight), missing=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=-1,
    credit_reason="work that runs through is work that is delivered",
    insurance_reason="few stops are few causes of claims",
    actionable=True,
    label_zh="无故障加工占比",
    label_en="Executing time undisturbed by faults",
    formula="executing seconds / (executing + fault seconds)",
    iso_22400="close to technical efficiency (APT / (APT + ADET)); faults alone stand in for delays, no order is known",
)
def undisturbed_share(history: DailyHistory, window: Window) -> Column:
    """Executing time against executing time and time in fault."""
    executing = history.executing_seconds.sum_over(window)
    return ratio(executing, executing + history.fault_seconds.sum_over(window), zero=Missing.NO_EXECUTION)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="the same machine failing again is a repair that was not paid for properly",
    insurance_reason="a fault that comes back soon was not mended",
    actionable=True,
    label_zh="72小时内重复故障占比（收缩估计）",
    label_en="Share of repeated faults, shrunk",
    formula=(
        "(fault starts within 3 days of an earlier one + prior share x prior starts) / (fault starts + prior starts)"
    ),
)
def repeat_fault_share(history: DailyHistory, window: Window) -> Column:
    """Share of the fault starts that follow another one of the same machine within three days, shrunk towards the
    prior."""
    starts, repeats = history.fault_starts.sum_over(window), history.repeat_fault_starts.sum_over(window)
    share, weight = window.settings.repeat_prior_share, window.settings.repeat_prior_starts
    return column((repeats + share * weight) / (starts + weight), missing=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90, 180),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="planned maintenance is what firms short of cash put off",
    insurance_reason="machines that are only mended when they break, break more",
    actionable=True,
    label_zh="事后维修占比",
    label_en="Share of upkeep that is repair",
    formula="seconds of corrective work / seconds of all work on machines in the maintenance ledger",
    iso_22400="corrective maintenance ratio (CMT / (CMT + PMT)), by the obligor's own records",
    rests_on_ledgers=True,
)
def corrective_maintenance_ratio(history: DailyHistory, window: Window) -> Column:
    """Share of the hours of upkeep that answered failures."""
    corrective = history.corrective_work_seconds.sum_over(window)
    planned = history.planned_work_seconds.sum_over(window)
    return ratio(corrective, corrective + planned, zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="h",
    windows_days=(180,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="service that is put off is cash that is short",
    insurance_reason="service that is overdue lets wear go unseen",
    actionable=True,
    label_zh="保养逾期加工小时",
    label_en="Executing hours past the service interval",
    formula=(
        "mean over machines of max(0, executing hours since the last planned service in the window - service interval)"
    ),
    rests_on_ledgers=True,
)
def maintenance_overdue_hours(history: DailyHistory, window: Window) -> Column:
    """How many executing hours beyond the interval the machines have run since their last planned service; a machine
    without any in the window counts from its beginning."""
    fleet = fleet_view(history)
    overdue = np.maximum(_hours_since_service(fleet.history, window) - window.settings.service_interval_hours, 0.0)
    return column(mean_of_machines(overdue, fleet, units=len(history.units)), missing=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="worn machines will have to be mended or replaced",
    insurance_reason="worn parts fail",
    actionable=False,
    label_zh="累计磨损指数",
    label_en="Cumulative wear",
    formula="mean over machines of the sum over wear parts of (hour meter / characteristic hours) ^ shape",
)
def wear_index(history: DailyHistory, window: Window) -> Column:
    """Cumulative Weibull hazard of the wear parts at the hour meter's last reading: the failures that parts never
    renewed would have had by now."""
    fleet = fleet_view(history)
    hours = _last_known(fleet.history.hour_meter_hours.over(window))
    wear = np.sum([(hours / eta) ** beta for eta, beta in window.settings.wear_parts], axis=0)
    return column(mean_of_machines(wear, fleet, units=len(history.units)), missing=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1/1000h",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="alarms come before stops",
    insurance_reason="alarms come before claims",
    actionable=True,
    label_zh="报警严重度",
    label_en="Severity of alarms per 1,000 hours",
    formula="1000 x severities of alarms added up / executing hours, of machine-days that report alarms",
)
def alarm_severity_rate(history: DailyHistory, window: Window) -> Column:
    """Severities of the alarms raised, added up over 1,000 executing hours."""
    hours = history.alarmed_executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    found = ratio(history.alarm_severity.sum_over(window), hours, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE)
    return Column(1000.0 * found.values, found.reasons)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(30, 90),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="scrap is material and time that nobody pays for",
    insurance_reason="scrap is a matter of process as much as of the machine",
    actionable=True,
    label_zh="废品率",
    label_en="Scrap ratio",
    formula="scrap / (good parts + scrap), of machine-days that report scrap",
    iso_22400="scrap ratio (SQ / PQ)",
)
def scrap_ratio(history: DailyHistory, window: Window) -> Column:
    """Share of the parts made that are scrap."""
    inspected = history.inspected_parts.sum_over(window)
    return ratio(history.scrap_parts.sum_over(window), inspected, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE)


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="parts made twice are paid once",
    insurance_reason="rework is a matter of process as much as of the machine",
    actionable=True,
    label_zh="返工率",
    label_en="Rework ratio",
    formula="reworked parts / parts, of machine-days that report rework",
    iso_22400="rework ratio (RQ / PQ)",
)
def rework_ratio(history: DailyHistory, window: Window) -> Column:
    """Share of the parts that needed work done again."""
    made = history.reworked_of_parts.sum_over(window)
    return ratio(history.rework_parts.sum_over(window), made, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE)


def _hours_since_service(machines: DailyHistory, window: Window) -> Array:
    """Executing hours of each machine after its last planned service in the window; NaN without a maintenance
    ledger."""
    services = machines.planned_services.over(window)
    executing = machines.executing_seconds.over(window) / SECONDS_PER_HOUR
    later = np.cumsum(services[:, ::-1] > 0, axis=1)[:, ::-1] == 0
    return np.where(np.isnan(services).all(axis=1), np.nan, (executing * later).sum(axis=1))


def _last_known(daily: Array) -> Array:
    """The last value of each row that is known; NaN where none is."""
    known = ~np.isnan(daily)
    last = daily.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    return np.where(known.any(axis=1), daily[np.arange(len(daily)), last], np.nan)


BREAKDOWN = (
    failure_rate,
    mtbf,
    fault_time_share,
    fault_hours,
    undisturbed_share,
    repeat_fault_share,
    corrective_maintenance_ratio,
    maintenance_overdue_hours,
    wear_index,
    alarm_severity_rate,
    scrap_ratio,
    rework_ratio,
)
