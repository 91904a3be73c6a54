"""Covenants by hand: readings of ten days or so, a row a case, the standing on the last day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.monitoring.covenants import Bound, Covenant, CovenantState, Pause, Reading, standing

FIRST = date(2026, 5, 1)
LEAST = Covenant(
    covenant_id="C1", measure="operating_rate", side=Bound.AT_LEAST, bound=20.0, near_ratio=0.1, ahead_days=5,
    grace_days=3, cure_days=4,
)  # fmt: skip
MOST = Covenant(
    covenant_id="C2", measure="offline_days", side=Bound.AT_MOST, bound=20.0, near_ratio=0.1, ahead_days=5,
    grace_days=3, cure_days=4,
)  # fmt: skip


def readings(told: str) -> list[Reading]:
    """One reading a day, `-` for a day that was not observed."""
    return [
        Reading(day=FIRST + timedelta(days=n), value=None if text == "-" else float(text))
        for n, text in enumerate(told.split())
    ]


# the measure day by day               state          since  turns  crosses in
AT_LEAST = [
    ("40 40 40 40",                    "kept",         None, None,  None),
    ("40 40 40 22",                    "near_breach",  None, None,  4),      # 35.5 - 5.4 a day from its line: 26.?
    ("23 23 23 23",                    "kept",         None, None,  None),
    ("22 22 22 22",                    "near_breach",  None, None,  None),   # within a tenth of the bound
    ("50 45 40 35",                    "near_breach",  None, None,  3),      # 15 to go at 5 a day
    ("90 80 70 71",                    "kept",         None, None,  None),   # the line crosses in more than 5 days
    ("20 20 20 20",                    "near_breach",  None, None,  None),   # at the bound is kept
    ("40 19",                          "in_grace",     1,    4,     None),
    ("40 19 19 19",                    "in_grace",     1,    4,     None),
    ("40 19 19 19 19",                 "breached",     1,    None,  None),
    ("40 19 19 25 19 19",              "in_grace",     4,    7,     None),   # a day back begins the grace anew
    ("40 19 - - 19",                   "breached",     1,    None,  None),   # a gap is no day back
    ("40 19 - - -",                    "in_grace",     1,    4,     None),   # and none beyond
    ("19 19 19 19 30 30 30",           "breached",     4,    8,     None),   # to be cured on the 9th day
    ("19 19 19 19 30 30 30 30 30",     "cured",        4,    None,  None),
    ("19 19 19 19 30 30 19 30 30",     "breached",     7,    11,    None),
    ("- - -",                          "unknown",      None, None,  None),
    ("40 40 -",                        "unknown",      None, None,  None),
]  # fmt: skip


@pytest.mark.parametrize(("told", "state", "since", "turns", "crosses"), AT_LEAST)
def test_at_least(told: str, state: str, since: int | None, turns: int | None, crosses: int | None) -> None:
    series = readings(told)
    found = standing(LEAST, series, day=series[-1].day)
    assert found.state.value == state
    assert found.since == (None if since is None else FIRST + timedelta(days=since))
    assert found.turns_on == (None if turns is None else FIRST + timedelta(days=turns))
    if told != "40 40 40 22":
        assert found.crosses_in_days == crosses


def test_the_line_through_the_days_watched() -> None:
    """40 40 40 22: slope (-1.5 x 4.5 - 0.5 x 4.5 + 0.5 x 4.5 - 1.5 x 13.5) / 5 = -5.4, at the last day 27.4: 7.4 / 5.4."""
    series = readings("40 40 40 22")
    assert standing(LEAST, series, day=series[-1].day).crosses_in_days == 2


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(0, 40), min_size=1, max_size=20))
def test_at_most_is_at_least_turned_round(values: list[float | None]) -> None:
    days = [FIRST + timedelta(days=n) for n in range(len(values))]
    below = [Reading(day=day, value=value) for day, value in zip(days, values, strict=True)]
    above = [
        Reading(day=day, value=None if value is None else 40.0 - value) for day, value in zip(days, values, strict=True)
    ]
    one, other = standing(LEAST, below, day=days[-1]), standing(MOST, above, day=days[-1])
    if one.state in {CovenantState.KEPT, CovenantState.NEAR_BREACH}:
        assert other.state in {CovenantState.KEPT, CovenantState.NEAR_BREACH}  # the last bit of a slope may differ
    else:
        assert (one.state, one.since, one.turns_on) == (other.state, other.since, other.turns_on)


def test_a_pause_does_not_count_and_a_reset_forgets() -> None:
    series = readings("19 19 19 19 19 19 19")
    pause = Pause(first_day=FIRST + timedelta(days=1), last_day=FIRST + timedelta(days=4), reason="flood")
    assert standing(LEAST, series, day=FIRST + timedelta(days=3), pauses=[pause]).state is CovenantState.PAUSED
    after = standing(LEAST, series, day=FIRST + timedelta(days=6), pauses=[pause])
    assert after.state is CovenantState.BREACHED  # days 0, 5 and 6 are six days apart, and none came back
    reset = Pause(first_day=pause.first_day, last_day=pause.last_day, reason="flood", is_reset=True)
    found = standing(LEAST, series, day=FIRST + timedelta(days=6), pauses=[reset])
    assert (found.state, found.since) == (CovenantState.IN_GRACE, FIRST + timedelta(days=5))


def test_what_comes_later_is_not_looked_at() -> None:
    series = readings("40 40 40 40 5 5 5 5")
    assert standing(LEAST, series, day=FIRST + timedelta(days=3)) == standing(
        LEAST, series[:4], day=FIRST + timedelta(days=3)
    )
