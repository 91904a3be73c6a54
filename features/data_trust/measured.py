"""What a comparison measures: a number for each unit, since when, and the figures by which a person can check it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.data_trust.codes import TrustCode
from features.data_trust.told import Told
from features.history import Level

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NO_DAY = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Of each unit (a row of what was told, or an obligor) arrays (unit,).

    `statistic` grows with the disagreement and is NaN where nothing could be compared; `since` is a column of the days
    (`NO_DAY`: none can be named); `has_source` says whether both sides of the comparison were ever told; `evidence`
    are the figures behind it, named with their units.
    """

    statistic: Floats
    since: Ints
    has_source: Bools
    evidence: Mapping[str, Floats]


class WhenAsked(Mapping[str, Floats]):
    """Evidence that is made when it is first asked for: of most comparisons nobody asks, as they find nothing."""

    def __init__(self, make: Callable[[], Mapping[str, Floats]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Floats]:
        return self._make()

    def __getitem__(self, name: str) -> Floats:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison, of machines or of obligors."""

    code: TrustCode
    level: Level

    @property
    def name(self) -> str:
        """What its null goes by."""
        return f"{self.code}_of_{self.level}"


Measure = Callable[[Told], Mapping[Check, Measured]]
"""Makes one comparison or several that share their work."""


def ever(values: Floats) -> Bools:
    """(unit,): whether a value was told on any day."""
    return np.asarray(~np.isnan(values).all(axis=1))


def largest(values: Floats) -> tuple[Floats, Ints]:
    """(unit,): the largest of each unit's values and its column; NaN and 0 where all are NaN or there are none."""
    if not values.shape[1]:
        return np.full(len(values), np.nan), np.zeros(len(values), dtype=np.int64)
    said = ~np.isnan(values)
    place = np.where(said, values, -np.inf).argmax(axis=1)
    return np.where(said.any(axis=1), values[np.arange(len(values)), place], np.nan), place
