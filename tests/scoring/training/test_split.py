"""Slices keep their distance in time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from scoring_book import month

from data_contracts.reference.calendars import add_months
from scoring.errors import EmbargoViolated
from scoring.training.split import TimeSplit, instants_of, latest_held_back, rows_at, time_split


def test_the_worlds_grid_splits_as_planned() -> None:
    starts = [datetime(2022, 6, 1, tzinfo=UTC), *(add_months(datetime(2022, 6, 1, tzinfo=UTC), i) for i in range(48))]
    split = time_split(starts[3:37])
    assert split.train == tuple(starts[3:12])
    assert split.calibrate == tuple(starts[23:25])
    assert split.test == (starts[36],)
    assert split.as_ofs == (*starts[3:12], *starts[23:25], starts[36])


@pytest.mark.parametrize("embargo_months", [3, 6, 12])
def test_slices_lie_an_embargo_apart(embargo_months: int) -> None:
    split = time_split([month(index) for index in range(48)], embargo_months=embargo_months)
    split.check_embargo(embargo_months)
    assert add_months(max(split.train), embargo_months) <= min(split.calibrate)
    assert add_months(max(split.calibrate), embargo_months) <= min(split.test)


def test_overlapping_outcomes_are_refused() -> None:
    split = TimeSplit(train=(month(3), month(12)), calibrate=(month(23),), test=(month(36),))
    with pytest.raises(EmbargoViolated, match="calibrate begins"):
        split.check_embargo(12)
    split.check_embargo(11)


@pytest.mark.parametrize("empty", ["train", "calibrate", "test"])
def test_an_empty_slice_is_refused(empty: str) -> None:
    slices = {"train": (month(3),), "calibrate": (month(20),), "test": (month(40),), empty: ()}
    with pytest.raises(EmbargoViolated, match=f"{empty} is empty"):
        TimeSplit(**slices).check_embargo()


@pytest.mark.parametrize("months", [0, 1, 24])
def test_a_grid_too_short_is_refused(months: int) -> None:
    with pytest.raises(EmbargoViolated, match=f"{months} observation times"):
        time_split([month(index) for index in range(months)])


def test_the_last_time_is_held_back_a_year() -> None:
    train, test = latest_held_back([month(index) for index in range(3, 36, 6)])
    assert (train, test) == ([month(index) for index in (3, 9, 15, 21)], [month(33)])
    with pytest.raises(EmbargoViolated):
        latest_held_back([month(3), month(14)])


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2024-02-29", 12, "2025-02-28"), ("2022-08-31", 6, "2023-02-28"), ("2022-12-31", 1, "2023-01-31"), ("2023-03-31", -1, "2023-02-28")],
)  # fmt: skip
def test_months_end_where_they_end(start: str, months: int, end: str) -> None:
    given, expected = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end))
    assert add_months(given, months) == expected


def test_rows_are_found_by_instant_in_an_order_of_their_own() -> None:
    stamps = np.array(["2025-01-31T16:00", "2024-12-31T16:00", "2025-01-31T16:00"], dtype="datetime64[us]")
    shanghai = datetime.fromisoformat("2025-02-01T00:00+08:00")
    assert list(rows_at(stamps, ["b", "c", "a"], [shanghai])) == [2, 0]
    assert instants_of(stamps) == [
        datetime(2024, 12, 31, 16, tzinfo=UTC),
        datetime(2025, 1, 31, 16, tzinfo=UTC),
    ]
