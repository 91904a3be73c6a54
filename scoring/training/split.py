"""Splits in time with an embargo, so that no slice's outcome window reaches into the months of a later slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.calendars import add_months
from scoring.errors import EmbargoViolated

CALIBRATE_SNAPSHOTS = 2
TEST_SNAPSHOTS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSplit:
    """Observation times (aware instants, rising) of the slices that fit, calibrate and test a model."""

    train: tuple[datetime, ...]
    calibrate: tuple[datetime, ...]
    test: tuple[datetime, ...]

    @property
    def as_ofs(self) -> tuple[datetime, ...]:
        """All observation times, in order."""
        return (*self.train, *self.calibrate, *self.test)

    def check_embargo(self, months: int = 12) -> None:
        """Raise EmbargoViolated where a slice begins before the outcome windows of the one before it have closed."""
        slices = (("train", self.train), ("calibrate", self.calibrate), ("test", self.test))
        for (earlier_name, earlier), (later_name, later) in pairwise(slices):
            if not earlier or not later:
                raise EmbargoViolated(f"Slice {later_name if earlier else earlier_name} is empty.")
            if min(later) < add_months(max(earlier), months):
                raise EmbargoViolated(
                    f"Slice {later_name} begins {min(later).date()}, before the {months}-month outcomes of slice "
                    f"{earlier_name} (last {max(earlier).date()}) are known.",
                    hint="Leave out the months between, or train on fewer.",
                )


def time_split(as_ofs: Sequence[datetime], embargo_months: int = 12) -> TimeSplit:
    """Split a grid of observation times: the last tests, two an embargo earlier calibrate, all an embargo before train.

    Raises EmbargoViolated where the grid is too short for that.
    """
    grid = sorted(set(as_ofs))
    test = grid[-TEST_SNAPSHOTS:]
    calibrate = _embargoed(grid, test, embargo_months)[-CALIBRATE_SNAPSHOTS:]
    train = _embargoed(grid, calibrate, embargo_months)
    if not train:
        span = f"{grid[0].date()} to {grid[-1].date()}" if grid else "none"
        raise EmbargoViolated(
            f"{len(grid)} observation times ({span}) do not hold three slices {embargo_months} months apart.",
            hint=f"Bring at least {2 * embargo_months + 3} months of history before the last known outcomes.",
        )
    split = TimeSplit(train=tuple(train), calibrate=tuple(calibrate), test=tuple(test))
    split.check_embargo(embargo_months)
    return split


def latest_held_back(as_ofs: Sequence[datetime], embargo_months: int = 12) -> tuple[list[datetime], list[datetime]]:
    """Observation times to fit on, and the last one to test on, an embargo later.

    Raises EmbargoViolated where the grid is too short for that.
    """
    grid = sorted(set(as_ofs))
    test = grid[-TEST_SNAPSHOTS:]
    train = _embargoed(grid, test, embargo_months)
    if not train:
        raise EmbargoViolated(
            f"{len(grid)} observation times do not hold two slices {embargo_months} months apart.",
            hint=f"Bring at least {embargo_months + 1} months of history before the last known outcomes.",
        )
    return train, test


def rows_at(as_of: NDArray[np.datetime64], units: Sequence[str], instants: Sequence[datetime]) -> NDArray[np.int64]:
    """Positions of the rows (n; datetime64 in UTC) observed at one of `instants`.

    They stand by time and unit, so that a model does not depend on the order in which its rows were read.
    """
    stamps = as_of.astype("datetime64[us]")
    wanted = np.array([instant.astimezone(UTC).replace(tzinfo=None) for instant in instants], dtype="datetime64[us]")
    order = np.lexsort((np.array(units), stamps))
    return order[np.isin(stamps[order], wanted)]


def instants_of(as_of: NDArray[np.datetime64]) -> list[datetime]:
    """The distinct observation times of rows (datetime64 in UTC), rising."""
    return [stamp.replace(tzinfo=UTC) for stamp in np.unique(as_of.astype("datetime64[us]")).tolist()]


def whole_months(start: datetime, until: datetime) -> int:
    """How many whole months after `start` end by `until`; 0 where not even one does."""
    months = max(0, (until.year - start.year) * 12 + until.month - start.month)
    return months if not months or add_months(start, months) <= until else months - 1


def _embargoed(grid: Sequence[datetime], later: Sequence[datetime], months: int) -> list[datetime]:
    return [instant for instant in grid if later and add_months(instant, months) <= min(later)]
