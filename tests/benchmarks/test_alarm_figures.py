"""What is counted of an alarm, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from benchmarks.early_warning.figures import figures, threshold_at, with_outcomes

FIRST = date(2023, 6, 30)
WEEKS = 104


def rows(alarms: dict[str, set[int]]) -> pd.DataFrame:
    """Firms week by week, alarmed in the weeks named."""
    return pd.DataFrame(
        [
            {"obligor_id": firm, "day": FIRST + timedelta(weeks=week), "alarm": float(week in weeks)}
            for firm, weeks in alarms.items()
            for week in range(WEEKS)
        ]
    )


def test_an_alarm_by_hand() -> None:
    late = FIRST + timedelta(weeks=WEEKS)
    alarms = {
        "A": {100, 102},  # defaults four weeks after the first alarm of the year before
        "B": {10},  # defaults; alarmed too early to be a warning
        "C": {5},  # keeps paying: one false month
        "D": set[int](),
    }
    told = with_outcomes(rows(alarms), {"A": late, "B": late}, seed=1)
    found = figures(told, "alarm", 1.0)
    assert (found.defaults, found.warned_share, found.median_lead_days) == (2, 0.5, 28.0)
    honest_months = int(told.groupby(["firm", "month"])["is_honest"].min().sum())  # honest throughout
    assert found.honest_share == pytest.approx(2 / honest_months)  # that of B, and of C: both paid for a year after
    assert found.honest_year_share == pytest.approx(1 / 4)  # C and D in both years; A and B in no whole one


def test_the_threshold_lets_so_many_months_through() -> None:
    told = with_outcomes(rows({firm: {place} for place, firm in enumerate("ABCDEFGH")}), {}, seed=1)
    told = told.assign(alarm=range(len(told)))
    threshold = threshold_at(told, "alarm", 0.1)
    assert figures(told, "alarm", threshold).honest_share == pytest.approx(0.1, abs=0.01)
