"""Family `breakdown`, worked by hand."""

from __future__ import annotations

import pytest
from day_tables import span
from family_examples import HOUR, Table, check, worked
from ledger_tables import ledgers, noon, told
from sample_tables import MACHINE, OBLIGOR

from features.history import DailyHistory

SECOND = f"{OBLIGOR}/M2"


def faults() -> DailyHistory:
    """100 days of 6 h. The first machine starts four faults in the last 90 days, 60, 58, 30 and 10 days back, each of
    2.5 h; the second none. The hour meters stand at 6,000 and 0; alarms of severity 3 are raised on each day of the
    first, which makes 8 good parts, 2 of them twice, beside 2 of scrap."""
    starts = {60, 58, 30, 10}
    days = [
        *(
            worked(n, 6, fault=2.5 * HOUR if n in starts else 0.0, fault_starts=int(n in starts), hour_meter_hours=6_000.0,
                   alarm_severity=3.0, parts=8.0, scrap_parts=2.0, rework_parts=2.0, planned_seconds=8 * HOUR)
            for n in range(100)
        ),
        *(worked(n, 6, machine=SECOND, fault_starts=0, hour_meter_hours=0.0) for n in range(100)),
    ]  # fmt: skip
    return told(days, [span(), span(machine=SECOND)])


def upkeep() -> DailyHistory:
    """180 days of 8 h on two machines. The first was serviced 100 days ago (an hour), the second only mended (a quarter
    of an hour)."""
    days = [worked(n, 8, machine=uid) for uid in (MACHINE, SECOND) for n in range(180)]
    work = [
        {"machine_uid": MACHINE, "event_time": noon(100), "maintenance_kind": "preventive", "work_seconds": 3_600.0},
        {"machine_uid": SECOND, "event_time": noon(50), "maintenance_kind": "corrective", "work_seconds": 900.0},
    ]
    return told(days, [span(), span(machine=SECOND)], ledgers(maintenance=work))


EXAMPLES: Table = {
    # Both machines execute 2 x 90 x 6 = 1,080 h; the prior is 1.6 per 1,000 h over 250 h, 0.4 starts.
    "failure_rate_90d": (faults, 1_000 * 4.4 / 1_330),
    # The first machine alone: 540 h.
    "failure_rate_90d_max": (faults, 1_000 * 4.4 / 790),
    "mtbf_90d": (faults, 1_080 / 4),
    # 10 h of fault against 1,080 + 10 h powered; of the first machine against 540 + 10.
    "fault_time_share_90d": (faults, 10 / 1_090),
    "fault_time_share_90d_max": (faults, 10 / 550),
    # The prior is two faults of 5 h.
    "fault_hours_90d": (faults, (10 + 10) / (4 + 2)),
    "undisturbed_share_90d": (faults, 1_080 / 1_090),
    # The fault of 58 days back repeats that of 60; the prior is 5 faults, a tenth of them repeats.
    "repeat_fault_share_90d": (faults, (1 + 0.5) / (4 + 5)),
    "corrective_maintenance_ratio_180d": (upkeep, 900 / 4_500),
    # 100 days of 8 h since the service, 300 h beyond 500; the other never: 1,440 h, 940 beyond.
    "maintenance_overdue_hours_180d": (upkeep, (300 + 940) / 2),
    # (6000/6000)^1.6 + (6000/20000)^2 = 1.09 for the first machine, 0 for the other.
    "wear_index_90d": (faults, 1.09 / 2),
    "alarm_severity_rate_90d": (faults, 1_000 * 3 / 6),
    "scrap_ratio_90d": (faults, 2 / 10),
    "rework_ratio_90d": (faults, 2 / 8),
    # 10 h of fault against 90 x 8 planned, of the machine with a plan.
    "unplanned_down_share_90d": (faults, 10 / 720),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_breakdown(key: str) -> None:
    check(EXAMPLES, key)
