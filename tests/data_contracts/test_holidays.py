"""Chinese holidays: days from the New Year, and public holidays."""

from __future__ import annotations

import numpy as np

from data_contracts.reference.holidays import days_from_new_year, is_public_holiday, last_new_year


def days(*dates: str) -> np.ndarray:
    return np.array(dates, dtype="datetime64[D]").astype(np.int64)


def test_days_count_from_the_nearest_new_year() -> None:
    # 29 January 2025 and 17 February 2026 lie 384 days apart: the middle is 9 August.
    found = days_from_new_year(days("2025-01-29", "2025-01-19", "2025-02-05", "2025-08-08", "2025-08-10", "2026-02-16"))
    assert found.tolist() == [0, -10, 7, 191, -191, -1]


def test_the_last_new_year_is_at_or_before_a_day() -> None:
    expected = days("2025-01-29", "2025-01-29", "2026-02-17")
    assert last_new_year(days("2025-01-29", "2026-02-16", "2026-02-17")).tolist() == expected.tolist()


def test_public_holidays_move_with_the_moon() -> None:
    holidays = is_public_holiday(
        days("2026-06-19", "2025-05-31", "2026-09-25", "2026-10-01", "2026-06-18", "2026-02-17")
    )
    assert holidays.tolist() == [True, True, True, True, False, False]
