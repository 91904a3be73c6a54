"""Family `trend`, worked by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from day_tables import history, span, values_of
from family_examples import Table, check, worked, worked_on
from sample_tables import OBLIGOR

from features.change_point import PRIOR_SHAPE, PRIOR_SPREAD, PRIOR_WEIGHT, down_probability
from features.history import DailyHistory

SECOND = f"{OBLIGOR}/M2"


def fallen() -> DailyHistory:
    """7.2 h a day (a rate of 0.3), 30 kWh and 8 parts; from 91 days back on 9.6 h (0.4), 40 kWh and 10 parts."""
    return history([
        worked(n, 7.2 if n < 90 else 9.6, energy_kwh=30.0 if n < 90 else 40.0, parts=8.0 if n < 90 else 10.0)
        for n in range(640)
    ])  # fmt: skip


def three_bad_months() -> DailyHistory:
    """A rate of 0.2 in the last 90 days, 0.4 before."""
    return history([worked(n, 4.8 if n < 90 else 9.6) for n in range(640)])


def five_bad_weeks() -> DailyHistory:
    """A rate of 0.2 in the last 35 days, 0.4 before."""
    return history([worked(n, 4.8 if n < 35 else 9.6) for n in range(640)])


def climbing() -> DailyHistory:
    """The rate rises by 0.01 a week (0.24 h a day more), and stays the same within a week."""
    return history([worked(n, 24 * (0.5 - 0.01 * (n // 7))) for n in range(180)])


def climbing_daily() -> DailyHistory:
    """The rate rises by 0.004 a day."""
    return history([worked(n, 24 * (0.4 - 0.004 * n)) for n in range(30)])


def one_more_machine() -> DailyHistory:
    """One machine works throughout, another since 100 days ago."""
    days = [worked(n, 8) for n in range(300)] + [worked(n, 8, machine=SECOND) for n in range(100)]
    return history(days, [span(), span(machine=SECOND)])


EXAMPLES: Table = {
    "operating_rate_slope_30d": (climbing_daily, 0.004 * 30),
    # No day of April to June lies around a New Year: all are compared with 52 weeks before.
    "operating_rate_yoy_90d": (fallen, 0.3 / 0.4 - 1),
    "energy_yoy_90d": (fallen, 30 / 40 - 1),
    "output_yoy_90d": (fallen, 8 / 10 - 1),
    "operating_rate_trend_180d": (climbing, 0.01 * 30 / 7),
    # A year is 90 days of 0.3 and 275 of 0.4.
    "operating_rate_vs_year_90d": (fallen, 0.3 / ((90 * 0.3 + 275 * 0.4) / 365) - 1),
    "operating_rate_drawdown_365d": (three_bad_months, 1 - 0.2 / 0.4),
    # Below 0.7 x 0.4 = 0.28: the last three of twelve runs.
    "months_below_peak_365d": (three_bad_months, 3),
    # Two machines on a mean day now, one on a mean day 180 to 210 days ago.
    "active_machines_change_30d": (one_more_machine, 1),
    # Five weeks at half the usual, each 0.5 short, of which 0.1 is forgiven.
    "operating_rate_cusum_180d": (five_bad_weeks, 5 * 0.4),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_trend(key: str) -> None:
    check(EXAMPLES, key)


def test_the_probability_of_a_lasting_fall() -> None:
    # Six points, three of 0.4 and three of 0.2: the only split that leaves three on each side. The mean is 0.3, each
    # segment lies 0.1 off it and has no spread of its own; the whole has 6 x 0.01 of squared distances and no offset.
    def evidence(n: int, squares: float, offset: float) -> float:
        weight, shape, scale = PRIOR_WEIGHT + n, PRIOR_SHAPE + n / 2, PRIOR_SHAPE * PRIOR_SPREAD**2
        after = scale + squares / 2 + PRIOR_WEIGHT * n * offset**2 / (2 * weight)
        return (
            math.lgamma(shape) - math.lgamma(PRIOR_SHAPE) + PRIOR_SHAPE * math.log(scale) - shape * math.log(after)
            + 0.5 * math.log(PRIOR_WEIGHT / weight) - n / 2 * math.log(2 * math.pi)
        )  # fmt: skip

    changed, whole = 2 * evidence(3, 0.0, 0.1), evidence(6, 0.06, 0.0)
    expected = 1 / (1 + math.exp(whole - changed))
    rows = np.array([[0.4] * 3 + [0.2] * 3, [0.2] * 3 + [0.4] * 3, [0.4] * 3 + [math.nan] + [0.2] * 2])
    found = down_probability(rows)
    assert found[0] == pytest.approx(expected)
    assert found[1] == pytest.approx(0, abs=1e-12)
    assert math.isnan(found[2])
    assert values_of(five_bad_weeks())["downturn_probability_180d"] == pytest.approx(1, abs=1e-3)
    steady = values_of(history([worked(n, 9.6) for n in range(640)]))["downturn_probability_180d"]
    assert isinstance(steady, float)
    assert steady < 0.05


def test_days_around_chinese_new_year_are_compared_with_each_other_only() -> None:
    # The shop stands from 3 days before to 7 after: 14 to 24 February 2026 (New Year on the 17th), and 26 January to
    # 5 February 2025 (on the 29th). Otherwise it works the same, so nothing has changed against the year before.
    rests = [(date(2026, 2, 17), 3, 7), (date(2025, 1, 29), 3, 7)]
    last = date(2026, 3, 31)

    def hours(when: date) -> float:
        return 0 if any(-before <= (when - day).days <= after for day, before, after in rests) else 12

    days = [worked_on(last - timedelta(days=n), hours(last - timedelta(days=n))) for n in range(600)]
    found = values_of(history(days, as_of=datetime(2026, 3, 31, 16, tzinfo=UTC)))
    assert found["operating_rate_yoy_90d"] == pytest.approx(0)
    # By calendar days the quarter before would have had as many days of rest; by months February had 11 and none.
    assert found["operating_rate_vs_year_90d"] < 0
