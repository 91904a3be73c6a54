"""What can be told only where a production plan is supplied: indicators under their ISO 22400 names.

The plan is `planned_seconds` of daily reports; machine-days without one are left out of both sides of every ratio.
"""

from __future__ import annotations

import numpy as np

from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Window
from features.rows import row_median

PAST_DAYS = 275
"""Days before a window of 90 whose median pace is the usual one: with it a year."""


@feature(
    family="level",
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="planned time in which the machines are not even on is a plan without orders",
    insurance_reason="a plan is the firm's word; time at risk is scored as it was",
    actionable=True,
    label_zh="分配效率",
    label_en="Allocation efficiency",
    formula="powered seconds / planned seconds, of machine-days with a plan",
    iso_22400="allocation efficiency (AUBT / PBT), powered time standing in for busy time",
)
def allocation_efficiency(history: DailyHistory, window: Window) -> Column:
    """Powered time against planned time."""
    return _of_plan(history.planned_powered_seconds.sum_over(window), history, window)


@feature(
    family="level",
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="planned time that becomes work is what instalments are paid from",
    insurance_reason="a plan is the firm's word; time at risk is scored as it was",
    actionable=True,
    label_zh="可用率",
    label_en="Availability",
    formula="executing seconds / planned seconds, of machine-days with a plan",
    iso_22400="availability (APT / PBT)",
)
def availability(history: DailyHistory, window: Window) -> Column:
    """Executing time against planned time."""
    return _of_plan(history.planned_executing_seconds.sum_over(window), history, window)


@feature(
    family="level",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="work that slows down earns less an hour",
    insurance_reason="pace is a matter of the parts made",
    actionable=True,
    label_zh="加工节拍（相对自身常态）",
    label_en="Pace of work against the usual",
    formula="usual executing hours per part x parts / executing hours; usual: daily median over the 275 days before",
    iso_22400="effectiveness (PRI x PQ / APT) with the firm's own earlier median for the planned run time PRI",
)
def own_pace(history: DailyHistory, window: Window) -> Column:
    """How fast parts are made against how fast they usually were."""
    return ratio(_usual_seconds(history, window), history.counted_executing_seconds.sum_over(window),
                 zero=Missing.NO_EXECUTION, unsaid=Missing.NO_COUNTER)  # fmt: skip


@feature(
    family="level",
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="scrap is material and time that nobody pays for",
    insurance_reason="scrap is a matter of process as much as of the machine",
    actionable=True,
    label_zh="合格率",
    label_en="Quality ratio",
    formula="good parts / (good parts + scrap), of machine-days that report scrap",
    iso_22400="quality ratio (GQ / PQ)",
)
def quality_ratio(history: DailyHistory, window: Window) -> Column:
    """Share of the parts made that are good."""
    inspected = history.inspected_parts.sum_over(window)
    good = inspected - history.scrap_parts.sum_over(window)
    return ratio(good, inspected, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE)


@feature(
    family="level",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="it puts time, pace and quality of what was planned into one figure",
    insurance_reason="a plan is the firm's word; time at risk is scored as it was",
    actionable=True,
    label_zh="设备综合效率",
    label_en="Overall equipment effectiveness",
    formula="availability x pace of work against the usual x quality ratio",
    iso_22400="OEE index (A x E x QR), E with the firm's own earlier median for the planned run time",
)
def oee(history: DailyHistory, window: Window) -> Column:
    """Availability times pace times quality."""
    parts: list[Array] = [item.definitions[0].compute(history, window).values  # type: ignore[call-arg]
                          for item in (availability, own_pace, quality_ratio)]  # fmt: skip
    return column(np.prod(parts, axis=0), missing=Missing.NO_SOURCE)


@feature(
    family="seasonality",
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    insurance_risk=+1,
    credit_reason="overtime is worked when orders press",
    insurance_reason="work beyond the planned shift is work with tired people and hot machines",
    actionable=True,
    label_zh="加班占比",
    label_en="Overtime share",
    formula="executing seconds beyond the planned ones of each machine-day / executing seconds, with a plan",
)
def overtime_share(history: DailyHistory, window: Window) -> Column:
    """Share of the executing time that lies beyond the plan of its machine and day."""
    executing = history.planned_executing_seconds.sum_over(window)
    return ratio(
        history.overtime_seconds.sum_over(window), executing, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_SOURCE
    )


@feature(
    family="breakdown",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=+1,
    credit_reason="planned time lost to faults is output lost",
    insurance_reason="a machine that is in fault when it should work is one that breaks",
    actionable=True,
    label_zh="计划时间内故障停机占比",
    label_en="Unplanned downtime share",
    formula="fault seconds / planned seconds, of machine-days with a plan",
    iso_22400="the unplanned part of ADOT over PBT",
)
def unplanned_down_share(history: DailyHistory, window: Window) -> Column:
    """Time in fault against planned time."""
    return _of_plan(history.planned_fault_seconds.sum_over(window), history, window)


def _of_plan(seconds: Array, history: DailyHistory, window: Window) -> Column:
    plan = history.planned_seconds.sum_over(window)
    return ratio(seconds, plan, zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


def _usual_seconds(history: DailyHistory, window: Window) -> Array:
    """Seconds that the window's parts would usually have taken."""
    parts = history.parts.sum_over(window)
    return usual_of_past(history.counted_executing_seconds.values, history.parts.values, window) * parts


def usual_of_past(spent: Array, made: Array, window: Window) -> Array:
    """Median over the `PAST_DAYS` before the window of what a unit of `made` took a day; NaN where no such day."""
    past = slice(-window.days - PAST_DAYS, -window.days)
    spent, made = spent[:, past], made[:, past]
    each = np.divide(spent, made, out=np.full(spent.shape, np.nan), where=(made > 0) & (spent > 0))
    return row_median(each)


PLANNED = (allocation_efficiency, availability, own_pace, quality_ratio, oee, overtime_share, unplanned_down_share)
