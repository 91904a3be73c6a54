"""Family `energy`, worked by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from day_tables import history, span
from family_examples import HOUR, Table, check, worked
from sample_tables import OBLIGOR

from features.history import DailyHistory

SECOND = f"{OBLIGOR}/M2"
MEASURED: dict[str, Any] = {
    "energy_kwh": 50.0, "energy_executing_kwh": 40.0, "energy_idle_kwh": 8.0, "energy_other_kwh": 2.0, "peak_kw": 10.0,
}  # fmt: skip


def metered() -> DailyHistory:
    """90 days of 5 h executing and 3 h idle with 50 kWh, 40 and 8 of them by state, a peak of 10 kW, and an hour with a
    low power factor; a second machine without a meter."""
    days = [
        *(worked(n, 5, idle=3 * HOUR, low_power_factor_seconds=HOUR, **MEASURED) for n in range(90)),
        *(worked(n, 9, machine=SECOND) for n in range(90)),
    ]
    return history(days, [span(), span(machine=SECOND)])


def dearer_parts() -> DailyHistory:
    """10 parts a day for 50 kWh, in the last 90 days for 60; a year before the same 10 parts for 50."""
    return history([worked(n, 5, parts=10.0, energy_kwh=60.0 if n < 90 else 50.0) for n in range(460)])


def quiet_and_busy() -> DailyHistory:
    """Days of 10 and 100 kWh in turn."""
    return history([worked(n, 5, energy_kwh=10.0 if n % 2 else 100.0) for n in range(90)])


EXAMPLES: Table = {
    "kwh_per_executing_hour_90d": (metered, 50 / 5),
    "idle_energy_share_90d": (metered, 8 / 50),
    # 8 powered hours at the peak would be 80 kWh.
    "load_factor_90d": (metered, 50 / 80),
    "log_energy_90d": (metered, math.log(1 + 50 * 30)),
    "low_power_factor_share_90d": (metered, 1 / 8),
    "energy_per_part_drift_90d": (dearer_parts, 6 / 5 - 1),
    # Energy rose by a fifth against the year before, output did not.
    "energy_output_gap_90d": (dearer_parts, 0.2),
    # Of 90 days in order, the 5th percentile lies among the quiet half, the 95th among the busy one.
    "base_load_ratio_90d": (quiet_and_busy, 10 / 100),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_energy(key: str) -> None:
    check(EXAMPLES, key)
