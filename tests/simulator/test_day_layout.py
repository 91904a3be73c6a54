"""The order of a machine-day, and the changes of state that it tells, whatever the counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.factory.day_layout import (
    EXECUTING,
    FAULT,
    IDLE,
    ITEM_CODES,
    MAINTENANCE,
    NOT_KNOWN,
    OFF,
    SETUP,
    STATES,
    Breaks,
    Told,
    across_days,
    breaks_of,
    lay_out,
    told_by,
    told_plainly,
)
from simulator.factory.faults import FailureLog
from simulator.factory.schedule import WHOLE_DAY

NOTHING = Breaks(after=np.zeros((1, 0), dtype=np.int64), quarters=np.zeros((1, 0), dtype=np.int64))


@st.composite
def plain_days(draw: st.DrawFn) -> tuple[np.ndarray, list[int], int]:
    """(quarter-hours by state, cuts between jobs, start of the shift) of a day without failures."""
    left, done = 96, np.zeros(len(STATES), dtype=np.int32)
    for state in draw(st.permutations([SETUP, EXECUTING, IDLE, MAINTENANCE])):
        done[state] = draw(st.integers(0, left))
        left -= int(done[state])
    done[OFF] = left
    cuts = sorted(draw(st.lists(st.integers(1, WHOLE_DAY), min_size=3, max_size=3)))
    return done, cuts, draw(st.integers(0, 60))


@st.composite
def broken_days(draw: st.DrawFn) -> tuple[np.ndarray, list[int], int, list[tuple[int, int]]]:
    """The same with failures: (executing quarter-hours before, quarter-hours) of each, in order."""
    done, cuts, start = draw(plain_days().filter(lambda day: day[0][EXECUTING] >= 2))
    places = sorted(draw(st.sets(st.integers(1, int(done[EXECUTING]) - 1), min_size=1, max_size=4)))
    most = int(done[OFF]) // len(places)
    lengths = [draw(st.integers(1, max(most, 1))) for _ in places] if most else []
    done[FAULT], done[OFF] = sum(lengths), done[OFF] - sum(lengths)
    return done, cuts, start, list(zip(places, lengths, strict=False))


def _lay_out(done: np.ndarray, cuts: list[int], start: int, breaks: Breaks = NOTHING) -> np.ndarray:
    return np.asarray(lay_out(done[:, None], np.array(cuts)[:, None], np.array([start]), breaks)[0])


def _runs(codes: np.ndarray) -> list[int]:
    return [int(codes[0]), *(int(code) for code in codes[1:][np.diff(codes) != 0])]


def test_a_day_of_two_jobs_in_order() -> None:
    done = np.zeros(len(STATES), dtype=np.int32)
    done[[OFF, SETUP, EXECUTING, IDLE, MAINTENANCE]] = [56, 3, 31, 4, 2]
    codes = _lay_out(done, [128, 256, 256], 32)
    assert _runs(codes) == [OFF, SETUP, EXECUTING, IDLE, SETUP, EXECUTING, IDLE, MAINTENANCE, OFF]
    assert np.diff(np.flatnonzero(np.diff(codes, prepend=9, append=9))).tolist() == [32, 1, 15, 2, 2, 16, 2, 2, 24]


@given(day=plain_days())
def test_every_quarter_hour_is_laid_out_once(day: tuple[np.ndarray, list[int], int]) -> None:
    done, cuts, start = day
    codes = _lay_out(done, cuts, start)
    assert np.bincount(codes, minlength=len(STATES)).tolist() == done.tolist()


@given(day=plain_days())
def test_counting_tells_what_laying_out_shows(day: tuple[np.ndarray, list[int], int]) -> None:
    done, cuts, start = day
    counted = told_plainly(done[:, None, None], np.array(cuts)[:, None, None], np.array([start]))
    shown = told_by(_lay_out(done, cuts, start)[None], np.ones((1, 96), dtype=bool))
    assert [int(array[0, 0]) for array in counted.arrays] == [int(array[0]) for array in shown.arrays]


@given(day=broken_days())
def test_each_failure_is_an_entry_between_executing_quarters(
    day: tuple[np.ndarray, list[int], int, list[tuple[int, int]]],
) -> None:
    done, cuts, start, failures = day
    breaks = Breaks(
        after=np.array([[after for after, _ in failures] + [0]]),
        quarters=np.array([[length for _, length in failures] + [0]]),
    )
    codes = _lay_out(done, cuts, start, breaks)
    assert np.bincount(codes, minlength=len(STATES)).tolist() == done.tolist()
    begins = np.flatnonzero((codes[1:] == FAULT) & (codes[:-1] != FAULT)) + 1
    assert [int((codes[:at] == EXECUTING).sum()) for at in begins] == [after for after, _ in failures]
    assert (codes[begins - 1] == EXECUTING).all()
    assert told_by(codes[None], np.ones((1, 96), dtype=bool)).fault_starts[0] == len(failures)


@given(day=broken_days(), hidden=st.tuples(st.integers(0, 96), st.integers(0, 96), st.integers(0, 96)))
def test_what_is_hidden_is_no_state_to_come_from(
    day: tuple[np.ndarray, list[int], int, list[tuple[int, int]]], hidden: tuple[int, int, int]
) -> None:
    done, cuts, start, failures = day
    breaks = Breaks(
        after=np.array([[after for after, _ in failures] + [0]]),
        quarters=np.array([[length for _, length in failures] + [0]]),
    )
    codes = _lay_out(done, cuts, start, breaks)
    front, begin, stop = sorted(hidden)
    known = np.ones(96, dtype=bool)
    known[:front], known[begin:stop] = False, False
    told = told_by(codes[None], known[None])
    words = ITEM_CODES[codes][known].tolist()
    steps = list(pairwise(words))
    assert int(told.changes[0]) == sum(one != other for one, other in steps)
    assert int(told.fault_starts[0]) == sum(one != other == ITEM_CODES[FAULT] for one, other in steps)
    assert (int(told.first[0]), int(told.last[0])) == ((words[0], words[-1]) if words else (NOT_KNOWN, NOT_KNOWN))


def test_the_last_known_state_is_carried_over_midnight_and_silent_days() -> None:
    off, runs, fault = (int(ITEM_CODES[state]) for state in (OFF, EXECUTING, FAULT))
    days = Told(
        first=np.array([[off, NOT_KNOWN, fault, off], [runs, off, NOT_KNOWN, NOT_KNOWN]], dtype=np.int8),
        last=np.array([[runs, NOT_KNOWN, fault, off], [runs, off, NOT_KNOWN, NOT_KNOWN]], dtype=np.int8),
        changes=np.array([[1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.int32),
        fault_starts=np.zeros((2, 4), dtype=np.int32),
    )
    whole, last = across_days(days, np.array([NOT_KNOWN, off], dtype=np.int8))
    assert whole.changes.tolist() == [[1, 0, 1, 1], [1, 1, 0, 0]]
    assert whole.fault_starts.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert last.tolist() == [off, off]


def test_the_failures_of_a_day_are_found_in_the_log() -> None:
    columns = np.array([[0, 3], [0, 3], [2, 0], [2, 1]]).T
    log = FailureLog(
        machine=columns[0],
        column=columns[1],
        component=np.zeros(4, dtype=np.int64),
        after_quarters=np.array([4, 9, 7, 8]),
        quarters=np.array([2, 3, 5, 6]),
        repair_quarters=np.array([2, 30, 5, 6]),
    )
    found = breaks_of(log, np.array([2, 1, 0]), np.array([1, 1, 3]), days=31)
    assert found.after.tolist() == [[8, 0], [0, 0], [4, 9]]
    assert found.quarters.tolist() == [[6, 0], [0, 0], [2, 3]]
