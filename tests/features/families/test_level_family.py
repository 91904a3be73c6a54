"""Family `level`, worked by hand."""

from __future__ import annotations

import math

import pytest
from day_tables import span
from family_examples import HOUR, Table, check, worked
from ledger_tables import ledgers, noon, told
from sample_tables import MACHINE, OBLIGOR

from features.history import DailyHistory

SECOND = f"{OBLIGOR}/M2"


def two_machines() -> DailyHistory:
    """Ninety days: one machine executes 6 h, idles 2, is set up and in fault for 1 each, and is off for 14; the other is
    off. Worth 300 and 100 when they were acquired, 366 days ago (the day itself counts)."""
    busy = {"idle": 2 * HOUR, "setup": HOUR, "fault": HOUR}
    days = [
        *(worked(n, 6, parts=40.0 if n < 30 else 80.0, **busy) for n in range(90)),
        *(worked(n, 0, machine=SECOND) for n in range(90)),
    ]
    owned = [
        {"machine_uid": uid, "owned_from": noon(365), "asset_value_minor": value}
        for uid, value in ((MACHINE, 300), (SECOND, 100))
    ]
    return told(days, [span(), span(machine=SECOND)], ledgers(owned))


def plan() -> DailyHistory:
    """365 days of 6 h executing, 1 h idle and 1 h in fault with 8 h planned and 9 good parts beside 1 of scrap; in the
    last 90 days 12 parts a day take the same time."""
    return told([
        worked(n, 6, idle=HOUR, fault=HOUR, planned_seconds=8 * HOUR, parts=12.0 if n < 90 else 9.0,
               scrap_parts=1.0 if n >= 90 else 3.0)
        for n in range(365)
    ])  # fmt: skip


EXAMPLES: Table = {
    # Observed 2 x 24 h a day, powered 6 + 2 + 1 + 1 = 10, executing 6.
    "power_on_rate_90d": (two_machines, 10 / 48),
    "operating_rate_90d": (two_machines, 6 / 48),
    "utilisation_90d": (two_machines, 6 / 10),
    "setup_time_share_90d": (two_machines, 1 / 10),
    "idle_time_share_90d": (two_machines, 2 / 10),
    "active_day_share_90d": (two_machines, 1 / 2),
    "executing_hours_per_day_90d": (two_machines, 3),
    "coverage_90d": (two_machines, 1),
    # The machines' own rates are 6/24 and 0; of the second, never powered, no utilisation is known.
    "operating_rate_90d_min": (two_machines, 0),
    "operating_rate_90d_max": (two_machines, 6 / 24),
    "operating_rate_90d_value_weighted": (two_machines, (300 * 6 / 24 + 100 * 0) / 400),
    "utilisation_90d_min": (two_machines, 6 / 10),
    "coverage_90d_min": (two_machines, 1),
    "active_machine_share_30d": (two_machines, 1 / 2),
    "shift_depth_30d": (two_machines, 6),
    # 30 x 40 + 60 x 80 = 6,000 parts in 90 days, 2,000 in 30.
    "log_output_90d": (two_machines, math.log(2_001)),
    # Runs of 30 days: 1,200, then twice 2,400.
    "output_to_peak_30d": (two_machines, 0.5),
    # 366 days: 366/365 years; the first machine executes a quarter of them, 366 x 6 = 2,196 h.
    "fleet_value_live_90d": (
        two_machines,
        300 * math.exp(-0.15 * 366 / 365 - 0.03 * 2.196) + 100 * math.exp(-0.15 * 366 / 365),
    ),
    # Powered 8 h of 8 planned, executing 6.
    "allocation_efficiency_90d": (plan, 1),
    "availability_90d": (plan, 6 / 8),
    # A part took 6/9 h; 12 of them would have taken 8 h and took 6.
    "own_pace_90d": (plan, 8 / 6),
    "quality_ratio_90d": (plan, 12 / 15),
    "oee_90d": (plan, 6 / 8 * 8 / 6 * 12 / 15),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_level(key: str) -> None:
    check(EXAMPLES, key)
