"""Family `seasonality`, worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from day_tables import back, history
from family_examples import HOUR, Table, check, worked, worked_on

from features.history import DailyHistory
from features.snapshot import Missing

NEW_YEAR = date(2026, 2, 17)
HOLIDAYS = {date(2026, 4, 5), date(2026, 5, 1), date(2026, 5, 2), date(2026, 6, 19)}
"""Public holidays in the 90 days up to 30 June 2026."""

PAST_HOLIDAYS = {
    date(2024, 9, 17), date(2024, 10, 1), date(2024, 10, 2), date(2024, 10, 3), date(2025, 1, 1), date(2025, 4, 4),
    date(2025, 5, 1), date(2025, 5, 2), date(2025, 5, 31), date(2025, 10, 1), date(2025, 10, 2), date(2025, 10, 3),
    date(2025, 10, 6), date(2026, 1, 1),
}  # fmt: skip


def rested() -> DailyHistory:
    """12 h a day, but none from 3 days before to 7 days after Chinese New Year 2026."""
    days = [(n, (back(n) - NEW_YEAR).days) for n in range(400)]
    return history([worked(n, 0 if -3 <= offset <= 7 else 12) for n, offset in days])


def closed_on_holidays() -> DailyHistory:
    """12 h on every day but public holidays, for two years."""
    closed = HOLIDAYS | PAST_HOLIDAYS
    return history([worked(n, 0 if back(n) in closed else 12) for n in range(700)])


def weekends() -> DailyHistory:
    """8 h from Monday to Friday, 4 h on weekends; 6 h are planned on each day."""
    return history([
        worked(n, 4 if back(n).weekday() >= 5 else 8, planned_seconds=6 * HOUR) for n in range(90)
    ])  # fmt: skip


def rationed() -> DailyHistory:
    """Up to 14 November 2021: 2.4 h in the listed spell of 15 September to 31 October, 12 h otherwise."""
    last = date(2021, 11, 14)
    spell = date(2021, 9, 15), date(2021, 10, 31)
    days = [last - timedelta(days=n) for n in range(90)]
    return history(
        [worked_on(when, 2.4 if spell[0] <= when <= spell[1] else 12) for when in days],
        as_of=datetime(2021, 11, 14, 16, tzinfo=UTC),
    )


EXAMPLES: Table = {
    "new_year_shutdown_days_365d": (rested, 11),
    # Usual: 0.5. The week up to day k after New Year's Day has k - 7 days of work: 0.4 is reached with 6 of 7, on day 13.
    "new_year_restart_days_365d": (rested, 13),
    # What the holidays bring (nothing) is known from the past: without them the rate is 12 h of 24.
    "adjusted_operating_rate_90d": (closed_on_holidays, 0.5),
    "operating_rate_90d": (closed_on_holidays, 0.5 * 86 / 90),
    # 2 April to 30 June has 13 Saturdays, 13 Sundays and 64 other days.
    "weekend_share_90d": (weekends, 26 * 4 / (26 * 4 + 64 * 8)),
    # 2 h beyond the plan on 64 days; on weekends none.
    "overtime_share_90d": (weekends, 64 * 2 / (26 * 4 + 64 * 8)),
    "unrationed_operating_rate_90d": (rationed, 0.5),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_seasonality(key: str) -> None:
    check(EXAMPLES, key)


def test_a_site_elsewhere_has_no_chinese_new_year() -> None:
    from day_tables import span, values_of

    days = [worked(n, 12) for n in range(400)]
    found = values_of(history(days, [span(zone="Europe/Rome")]))
    assert found["new_year_shutdown_days_365d"] is Missing.NOT_OBSERVED
    assert found["operating_rate_yoy_30d"] == pytest.approx(0)
