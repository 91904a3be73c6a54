"""Family `consistency`, worked by hand."""

from __future__ import annotations

import math

import pytest
from day_tables import back, day
from family_examples import HOUR, Table, check, worked
from ledger_tables import ledgers, months_back, noon, told
from sample_tables import MACHINE

from features.history import DailyHistory


def counted() -> DailyHistory:
    """10 parts a day for 49, 50 and 51 kWh in turn, in the last 30 days for 60; 8 h a day that took 40 kWh, in the last
    90 days 20; half an hour of it in the air, and a jump of the clock on every third day."""
    return told([
        worked(n, 8, parts=10.0, energy_kwh=60.0 if n < 30 else 49.0 + n % 3,
               energy_executing_kwh=20.0 if n < 90 else 40.0, no_load_seconds=HOUR / 2, clock_jumps=float(n % 3 == 0))
        for n in range(365)
    ])  # fmt: skip


def copied() -> DailyHistory:
    """Ninety days of thirty different lengths, each three times."""
    return told([worked(n, 6 + 0.1 * (n % 30)) for n in range(90)])


def silent() -> DailyHistory:
    """Nothing is known of the days 10 to 14 back."""
    return told([worked(n, 8) if not 10 <= n <= 14 else day(back(n)) for n in range(90)])


def papers() -> DailyHistory:
    """10 parts and 50 kWh a day; 2,700 parts billed within half a year; a bill of 3,100 kWh for May, which has 31 days;
    the machine first at the equator, then one degree east of it."""
    said = ledgers(
        [{"machine_uid": MACHINE, "owned_from": noon(400), "asset_value_minor": 1}],
        delivery=[{"delivery_id": "D", "order_id": "A", "event_time": noon(40), "parts": 2_700}],
        invoice=[{"invoice_id": "I", "buyer_id": "X", "delivery_id": "D", "event_time": noon(40), "status": "issued",
                  "amount_minor": 1}],
        energy_bill=[{"month": months_back(1), "event_time": noon(30), "energy_kwh": 3_100.0}],
        location=[
            {"machine_uid": MACHINE, "event_time": noon(100), "latitude_deg": 0.0, "longitude_deg": 10.0},
            {"machine_uid": MACHINE, "event_time": noon(20), "latitude_deg": 0.0, "longitude_deg": 11.0},
        ],
    )  # fmt: skip
    return told([worked(n, 8, parts=10.0, energy_kwh=50.0) for n in range(365)], None, said)


EXAMPLES: Table = {
    # Usual: 5 kWh a part. Residuals of the past are -1, 0 and 1, their median absolute deviation 1; now they are 10.
    "energy_output_residual_30d": (counted, 10 / 1.4826),
    # An hour took 5 kWh; 20 kWh a day imply 4 of the 8 h.
    "hours_energy_residual_90d": (counted, 1 - 4 / 8),
    "repeated_day_share_90d": (copied, 60 / 90),
    "no_load_share_90d": (counted, 0.5 / 8),
    # 180 days of 10 parts.
    "invoice_output_gap_180d": (papers, 2_700 / 1_800 - 1),
    "clock_jump_rate_90d": (counted, 1 / 3),
    # One degree on the equator.
    "moved_km_90d": (papers, 2 * math.pi * 6371.0088 / 360),
    "offline_spell_90d": (silent, 5),
    "billed_energy_share_365d": (papers, 31 * 50 / 3_100),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_consistency(key: str) -> None:
    check(EXAMPLES, key)
