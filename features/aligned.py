"""Days compared with their like: moving holidays aligned, a year before, and weeks freed of what the calendar does.

Chinese New Year moves between late January and late February, and a factory slows down before it and comes back after
it. So days around it are compared with the days that lay as far from the New Year before, never with the same month;
and what such days usually bring is told by the unit's own past alone.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.holidays import CHINESE_ZONES, days_from_new_year, is_public_holiday
from features.history import Array, DailyHistory, Measure, nan_sum

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FRAME_BEFORE, FRAME_AFTER = -21, 28
"""Days around Chinese New Year's Day that are compared with each other only."""

WEEKDAYS = 7
WEEKS_OF_A_YEAR = 52 * WEEKDAYS
SATURDAY = 5
MONDAY_OFFSET = 3
"""1 January 1970 was a Thursday: day number + 3 modulo 7 is 0 on Mondays."""

FAR = 10_000

LEAST_PAST_DAYS = 5
"""So many days of a kind a unit must have seen for its own past to tell what they bring."""


class DayKind(IntEnum):
    """What the calendar does to a day."""

    ORDINARY = 0
    PUBLIC_HOLIDAY = 1
    BEFORE_NEW_YEAR = 2
    NEW_YEAR = 3
    AFTER_NEW_YEAR = 4


_SPANS = {
    DayKind.BEFORE_NEW_YEAR: (-14, -4),
    DayKind.NEW_YEAR: (-3, 7),
    DayKind.AFTER_NEW_YEAR: (8, 21),
}
"""First and last day of each kind, in days from Chinese New Year's Day."""


def day_numbers_of(history: DailyHistory, days: int) -> Ints:
    """Day numbers of the last `days` local days: (unit, day)."""
    last = history.last_days.astype("datetime64[D]").astype(np.int64)
    return np.asarray(last[:, None] - np.arange(days - 1, -1, -1))


def new_year_offsets(history: DailyHistory, numbers: Ints) -> Ints:
    """Days from the nearest Chinese New Year; `FAR` for units whose site does not follow that calendar."""
    chinese = np.array([zone in CHINESE_ZONES for zone in history.zones], dtype=np.bool_)
    return np.where(chinese[:, None], days_from_new_year(numbers), FAR)


def day_kinds(history: DailyHistory, numbers: Ints) -> NDArray[np.int8]:
    """What the calendar does to each day (codes of `DayKind`); nothing where the site follows another calendar."""
    return _kinds(numbers, new_year_offsets(history, numbers))


def _kinds(numbers: Ints, offsets: Ints) -> NDArray[np.int8]:
    kinds = np.where(is_public_holiday(numbers) & (offsets != FAR), DayKind.PUBLIC_HOLIDAY, DayKind.ORDINARY)
    for kind, (first, last) in _SPANS.items():
        kinds = np.where((offsets >= first) & (offsets <= last), kind, kinds)
    return kinds.astype(np.int8)


def is_workday(history: DailyHistory, numbers: Ints) -> Bools:
    """Monday to Friday outside holidays and the days around Chinese New Year."""
    weekday = (numbers + MONDAY_OFFSET) % WEEKDAYS
    return np.asarray((weekday < SATURDAY) & (day_kinds(history, numbers) == DayKind.ORDINARY))


def is_weekend(numbers: Ints) -> Bools:
    """Saturdays and Sundays."""
    return np.asarray((numbers + MONDAY_OFFSET) % WEEKDAYS >= SATURDAY)


def like_days(history: DailyHistory, days: int) -> tuple[Bools, Ints]:
    """For each of the last `days` days: whether it has its like a year before, and how many days ago that was.

    A day around Chinese New Year is like the one as far from the New Year before; another one is like that 52 weeks
    before, unless that one lies around a New Year.
    """
    numbers = day_numbers_of(history, days)
    offsets = new_year_offsets(history, numbers)
    framed = (offsets >= FRAME_BEFORE) & (offsets <= FRAME_AFTER)
    before = _year_before(numbers, offsets)
    earlier = np.where(framed, before, numbers - WEEKS_OF_A_YEAR)
    other = new_year_offsets(history, earlier)
    other_framed = (other >= FRAME_BEFORE) & (other <= FRAME_AFTER)
    return np.asarray(framed == other_framed), numbers - earlier


def _year_before(numbers: Ints, offsets: Ints) -> Ints:
    """The day as far from the New Year before; the nearest New Year is `offsets` back."""
    new_year = numbers - offsets
    # The New Year before lies 354 to 385 days back: 370 days back it is the nearest one.
    earlier = new_year - 370
    return np.asarray(earlier - days_from_new_year(earlier) + offsets)


def sums_of_like_days(history: DailyHistory, measure: Measure, days: int) -> tuple[Array, Array]:
    """Sums of a long measure over the last `days` days that have their like, and over those likes a year before."""
    kept, ago = like_days(history, days)
    width = measure.values.shape[1]
    column = np.arange(width - days, width)[None, :] - ago
    kept &= column >= 0
    now, then = measure.last(days), np.take_along_axis(measure.values, np.maximum(column, 0), axis=1)
    return nan_sum(np.where(kept, now, np.nan)), nan_sum(np.where(kept, then, np.nan))


def _kinds_of_all(history: DailyHistory) -> NDArray[np.int8]:
    """What the calendar does to every day of a history; units whose days and calendar are the same are asked once."""
    numbers = day_numbers_of(history, history.length)
    chinese = np.array([zone in CHINESE_ZONES for zone in history.zones], dtype=np.int64)
    _, first, same = np.unique(numbers[:, -1] * 2 + chinese, return_index=True, return_inverse=True)
    offsets = np.where(chinese[first, None] == 1, days_from_new_year(numbers[first]), FAR)
    return _kinds(numbers[first], offsets)[same]


def calendar_factors(history: DailyHistory, days: int) -> Array:
    """What each of the last `days` days brings of an ordinary day's operating rate, by the unit's own past before them:
    (unit, day), 1 on ordinary days, NaN where the past does not tell."""
    length = history.length
    kinds = history.once(("day_kinds", length), lambda: _kinds_of_all(history))
    executing, observed = history.executing_seconds.values, history.observed_seconds.values
    past = np.zeros(length, dtype=np.bool_)
    past[: length - days] = True
    ordinary = _rate(executing, observed, past & (kinds == DayKind.ORDINARY))
    recent = kinds[:, length - days :]
    factors = np.where(recent == DayKind.ORDINARY, 1.0, np.nan)
    for kind in list(DayKind)[1:]:
        own = past & (kinds == kind)
        enough = (own & (observed > 0)).sum(axis=1) >= LEAST_PAST_DAYS
        share = np.divide(
            _rate(executing, observed, own), ordinary, out=np.full(len(ordinary), np.nan), where=ordinary > 0
        )
        factors = np.where(recent == kind, np.where(enough, share, np.nan)[:, None], factors)
    return factors


def adjusted_rate(history: DailyHistory, days: int) -> Array:
    """Operating rate over the last `days` days against what the calendar lets expect: executing seconds over observed
    seconds times the days' factors. Days whose factor is not known are left out; NaN where nothing is left."""
    return history.once(("adjusted_rate", days), lambda: _adjusted(history, days, weeks=1)[:, 0])


def weekly_rates(history: DailyHistory, days: int) -> Array:
    """The same by week: (unit, week), the last one ending with the last day; `days` is cut to whole weeks."""
    weeks = days // WEEKDAYS
    whole = weeks * WEEKDAYS
    return history.once(("weekly_rates", whole), lambda: _adjusted(history, whole, weeks=weeks))


def _adjusted(history: DailyHistory, days: int, *, weeks: int) -> Array:
    factors = calendar_factors(history, days)
    executing, observed = history.executing_seconds.last(days), history.observed_seconds.last(days)
    known = ~np.isnan(factors)
    shape = (len(factors), weeks, days // weeks)
    worked = np.where(known, executing, 0.0).reshape(shape).sum(axis=2)
    expected = np.where(known, observed * factors, 0.0).reshape(shape).sum(axis=2)
    # Less than a tenth of the time seen: a week of holidays, or hardly observed, says nothing.
    least = 0.1 * observed.reshape(shape).max(axis=2)
    rates = np.full(expected.shape, np.nan)
    np.divide(worked, expected, out=rates, where=(expected > least) & (expected > 0))
    return rates


def _rate(executing: Array, observed: Array, chosen: Bools) -> Array:
    total = np.where(chosen, observed, 0.0).sum(axis=1)
    worked = np.where(chosen, executing, 0.0).sum(axis=1)
    return np.asarray(np.divide(worked, total, out=np.full(len(total), np.nan), where=total > 0))
