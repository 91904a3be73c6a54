"""Public holidays of mainland China, 2015 to 2031, and how far a day lies from Chinese New Year's Day.

The days of `holidays_cn.csv` are those of the State Council's regulation on national holidays (festivals by the lunar
calendar and the solar terms); days that its yearly notice moves for long weekends are not in it. Chinese New Year's Day
stands for its whole festival.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

NEW_YEAR = "chinese_new_year"

CHINESE_ZONES = frozenset({"Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "Asia/Kashgar", "PRC"})
"""IANA zones whose sites follow this calendar."""

Ints = NDArray[np.int64]


def days_from_new_year(days: Ints) -> Ints:
    """Days since the nearest Chinese New Year's Day (negative before it) of day numbers (days since 1970-01-01).

    Days before 2015 and after 2031 lie as far from the table's first and last as they do.
    """
    new_years = _days(NEW_YEAR)
    after = np.clip(np.searchsorted(new_years, days), 1, len(new_years) - 1)
    since, until = days - new_years[after - 1], days - new_years[after]
    return np.where(np.abs(since) <= np.abs(until), since, until)


def last_new_year(days: Ints) -> Ints:
    """Day number of the last Chinese New Year's Day at or before each day; far in the past before the table's first."""
    new_years = _days(NEW_YEAR)
    position = np.searchsorted(new_years, days, side="right") - 1
    return np.where(position < 0, np.iinfo(np.int32).min, new_years[np.maximum(position, 0)])


def is_public_holiday(days: Ints) -> NDArray[np.bool_]:
    """Which day numbers are public holidays outside the Chinese New Year."""
    return np.asarray(np.isin(days, _days(None)))


@cache
def _days(holiday: str | None) -> Ints:
    """Sorted day numbers of one holiday, or of all but Chinese New Year."""
    source = resources.files("data_contracts").joinpath("reference", "holidays_cn.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    wanted = [row["date"] for row in rows if (row["holiday"] == NEW_YEAR if holiday else row["holiday"] != NEW_YEAR)]
    return np.unique(np.array(wanted, dtype="datetime64[D]").astype(np.int64))
