"""Family `volatility`, worked by hand."""

from __future__ import annotations

import math

import pytest
from day_tables import history
from family_examples import HOUR, Table, check, worked

from features.history import DailyHistory


def alternating_weeks() -> DailyHistory:
    """Weeks of 0.5 and 0.3 in turn for half a year (25 whole weeks, the last of 0.5), 0.4 on every day before."""
    return history([
        worked(n, 24 * (0.4 if n >= 175 else 0.3 if n // 7 % 2 else 0.5)) for n in range(640)
    ])  # fmt: skip


def four_weeks() -> DailyHistory:
    """Two weeks of 0.5 and two of 0.3 in turn: each weekday lies 0.1 off its mean."""
    return history([worked(n, 24 * (0.3 if n // 7 % 2 else 0.5)) for n in range(28)])


def a_week_off() -> DailyHistory:
    """8 h a day, but for 22 to 26 June, Monday to Friday; gateways report entropies of 0.8 and 0.6 in turn, and first
    starts at 8 and 9 o'clock in turn."""
    return history([
        worked(n, 0 if 4 <= n <= 8 else 8, load_entropy=0.6 if n % 2 else 0.8,
               first_start_seconds=(9 if n % 2 else 8) * HOUR)
        for n in range(90)
    ])  # fmt: skip


# 13 weeks of 0.5 and 12 of 0.3: mean 0.404, distances 0.096 and 0.104.
MEAN = (13 * 0.5 + 12 * 0.3) / 25
SQUARES = 13 * 0.096**2 + 12 * 0.104**2

EXAMPLES: Table = {
    "operating_rate_volatility_30d": (four_weeks, math.sqrt(28 * 0.1**2 / (28 - 7))),
    "operating_rate_cv_180d": (alternating_weeks, math.sqrt(SQUARES / 24) / MEAN),
    "downside_deviation_180d": (alternating_weeks, math.sqrt(12 * 0.104**2 / 25)),
    "longest_idle_run_90d": (a_week_off, 5),
    # June 2026 has 22 days from Monday to Friday, of which the 19th is the Dragon Boat Festival.
    "idle_workday_share_30d": (a_week_off, 5 / 21),
    "intraday_entropy_30d": (a_week_off, 0.7),
    # Thirty starts, half an hour off their mean each.
    "shift_regularity_30d": (a_week_off, 1 - math.sqrt(30 * 0.5**2 / 29) / 8),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_volatility(key: str) -> None:
    check(EXAMPLES, key)
