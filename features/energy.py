"""Family `energy`: what the machines draw, and what they draw it for."""

from __future__ import annotations

from features.declaration import Column, feature, ratio
from features.history import DailyHistory, Window
from features.level import SECONDS_PER_HOUR
from features.snapshot import Missing


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


ENERGY = (kwh_per_executing_hour, idle_energy_share, load_factor)
