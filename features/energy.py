"""Family `energy`: what the machines draw, and what they draw it for."""

from __future__ import annotations

import numpy as np

from features.aligned import sums_of_like_days
from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import DailyHistory, Level, Window
from features.level import DAYS_OF_A_MONTH, SECONDS_PER_HOUR
from features.planned import usual_of_past
from features.rows import row_quantile


@feature(
    family="energy",
    unit="kWh/h",
    credit_risk=0,
    insurance_risk=0,
    credit_reason="a matter of machine and material; which way it points is not settled",
    insurance_reason="heavy cutting and old drives both raise it; which way it points is not settled",
    actionable=False,
    label_zh="单位加工小时电耗",
    label_en="kWh per executing hour",
    formula="energy / executing hours, of machine-days with energy",
    iso_22400="related to comprehensive energy consumption, which divides by produced quantity",
)
def kwh_per_executing_hour(history: DailyHistory, window: Window) -> Column:
    """Energy of the machines, in whatever state it was drawn, for each hour of executing."""
    hours = history.metered_executing_seconds.sum_over(window) / SECONDS_PER_HOUR
    return ratio(history.energy_kwh.sum_over(window), hours, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_POWER_METER)


@feature(
    family="energy",
    unit="1",
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="energy drawn while waiting is cost without output",
    insurance_reason="idle draw neither wears nor spares a machine",
    actionable=True,
    label_zh="空转能耗占比",
    label_en="Idle energy share",
    formula="energy in idle / energy",
    iso_22400="no such indicator",
)
def idle_energy_share(history: DailyHistory, window: Window) -> Column:
    """Share of the energy that was drawn while idle."""
    return ratio(
        history.energy_idle_kwh.sum_over(window),
        history.energy_kwh.sum_over(window),
        zero=Missing.NO_EXECUTION,
        unsaid=Missing.NO_POWER_METER,
    )


@feature(
    family="energy",
    unit="1",
    credit_risk=-1,
    insurance_risk=0,
    credit_reason="an even, full load is the mark of a filled schedule",
    insurance_reason="full load wears, uneven load strains; which one leads is not settled",
    actionable=True,
    label_zh="负荷率",
    label_en="Load factor",
    formula="energy / sum over machine-days of peak kW x powered hours",
    iso_22400="no such indicator",
)
def load_factor(history: DailyHistory, window: Window) -> Column:
    """Energy against what the powered machines would have drawn at the peak of their day."""
    return ratio(
        history.peaked_energy_kwh.sum_over(window),
        history.peak_energy_kwh.sum_over(window),
        zero=Missing.NO_EXECUTION,
        unsaid=Missing.NO_POWER_METER,
    )


@feature(
    family="energy",
    unit="ln",
    windows_days=(90,),
    credit_risk=0,
    insurance_risk=0,
    credit_reason="how much a firm draws is a matter of its trade",
    insurance_reason="how much a machine draws is a matter of its make",
    actionable=False,
    label_zh="月用电量（对数）",
    label_en="Energy per 30 days, as a logarithm",
    formula="ln(1 + kWh in the window x 30 / days of the window)",
)
def log_energy(history: DailyHistory, window: Window) -> Column:
    """Natural logarithm of one more than the kWh drawn in 30 days."""
    kwh = history.energy_kwh.sum_over(window) * DAYS_OF_A_MONTH / window.days
    return column(np.log1p(kwh), missing=Missing.NO_POWER_METER)


@feature(
    family="energy",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="more energy for a part is a worn process, or output that is not counted",
    insurance_reason="a matter of the parts made as much as of wear; which leads is not settled",
    actionable=True,
    label_zh="单件电耗（相对自身常态）",
    label_en="Energy per part against the usual",
    formula=(
        "(kWh / parts over the window) / median daily kWh per part over the 275 days before - 1, of "
        "machine-days with both"
    ),
    iso_22400="comprehensive energy consumption (energy / PQ), against the firm's own earlier median",
)
def energy_per_part_drift(history: DailyHistory, window: Window) -> Column:
    """How much more energy a part takes than it usually took in the year before."""
    spent = ratio(history.counted_kwh.sum_over(window), history.parts.sum_over(window), zero=Missing.NO_EXECUTION,
                  unsaid=Missing.NO_COUNTER)  # fmt: skip
    usual = usual_of_past(history.counted_kwh.values, history.parts.values, window)
    found = ratio(spent.values, usual, zero=Missing.NO_BASIS, unsaid=Missing.NOT_ENOUGH_HISTORY)
    reasons = np.where(np.isnan(spent.values), spent.reasons, found.reasons)
    return Column(found.values - 1.0, reasons)


@feature(
    family="energy",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="what is drawn on the quietest days is drawn for nothing",
    insurance_reason="base load neither wears nor spares a machine",
    actionable=True,
    label_zh="基荷比",
    label_en="Base load against peak load",
    formula="5th percentile / 95th percentile of the daily kWh in the window",
)
def base_load_ratio(history: DailyHistory, window: Window) -> Column:
    """Energy of the quietest days against that of the busiest."""
    daily = history.energy_kwh.over(window)
    low, high = row_quantile(daily, 0.05), row_quantile(daily, 0.95)
    return ratio(low, high, zero=Missing.NO_EXECUTION, unsaid=Missing.NO_POWER_METER)


@feature(
    family="energy",
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="a low power factor is charged for, and old drives have it",
    insurance_reason="told by drives and by load alike; which leads is not settled",
    actionable=True,
    label_zh="低功率因数时间占比",
    label_en="Share of time with a low power factor",
    formula="powered seconds with a power factor below 0.9 / powered seconds, of machine-days that report it",
)
def low_power_factor_share(history: DailyHistory, window: Window) -> Column:
    """Share of the powered time in which the power factor lay below 0.9."""
    powered = history.factored_powered_seconds.sum_over(window)
    return ratio(history.low_power_factor_seconds.sum_over(window), powered, zero=Missing.NO_EXECUTION,
                 unsaid=Missing.NO_SOURCE)  # fmt: skip


@feature(
    family="energy",
    unit="1",
    windows_days=(90,),
    levels=(Level.OBLIGOR,),
    credit_risk=+1,
    insurance_risk=0,
    credit_reason="energy that grows faster than output is waste, or output that is not there",
    insurance_reason="of a firm; of a machine its hours at risk are scored",
    actionable=True,
    label_zh="电耗增速与产量增速之差",
    label_en="Growth of energy beyond growth of output",
    formula="energy against its like days a year before - parts against theirs",
)
def energy_output_gap(history: DailyHistory, window: Window) -> Column:
    """By how much the energy drawn has grown more than the parts made, both against the like days of the year
    before."""
    energy = ratio(*sums_of_like_days(history, history.energy_kwh, window.days), unsaid=Missing.NO_POWER_METER)
    output = ratio(*sums_of_like_days(history, history.parts, window.days), unsaid=Missing.NO_COUNTER)
    reasons = np.where(np.isnan(energy.values), energy.reasons, output.reasons)
    return Column(energy.values - output.values, reasons)


ENERGY = (
    kwh_per_executing_hour,
    idle_energy_share,
    load_factor,
    log_energy,
    energy_per_part_drift,
    base_load_ratio,
    low_power_factor_share,
    energy_output_gap,
)
