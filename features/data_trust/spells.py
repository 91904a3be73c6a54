"""Spells in which ratios differ from their own past and future: where, by how much, how far beyond usual scatter.

Time is cut into blocks of a week. A ratio of a block rests on a base (hours, kWh); its logarithm scatters with a
variance of its own for each hour of base, learned from blocks near each other, plus a floor. Every spell of a geometric
ladder of lengths, and every spell that lasts to the end, is compared with the rest of the time.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from features.data_trust.told import summed_by_owner

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK_DAYS = 7
"""Every weekday as often as every other."""
LEAST_BLOCKS_BEFORE = 4
"""Of its own past that a spell is held against. Without one the time before a spell would stand out as its opposite."""
NEIGHBOURS = (1, 4, 8)
"""Blocks apart: from one to the next, and over a month or two."""
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
_MEDIAN_OF_CHI_SQUARE = 0.4549
_NEVER = -np.inf

Pattern = Callable[[Mapping[str, Floats]], Floats]
"""z by name, arrays of one shape, into one z: how far all that the pattern names holds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Logarithms of a ratio (unit, block), NaN where it rests on too little, and their weights: inverse variances."""

    values: Floats
    weights: Floats

    def inside(self, first: Ints, last: Ints) -> tuple[Floats, Floats]:
        """Means over the blocks [first, last) of each unit, and over the others."""
        block = np.arange(self.values.shape[1])
        within = (block >= first[:, None]) & (block < last[:, None])
        return _mean(self.values, self.weights * within), _mean(self.values, self.weights * ~within)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spell:
    """The spell of each unit in which a pattern stands out most: blocks [first, last). NaN `z` where none could be."""

    z: Floats
    first: Ints
    last: Ints

    def covers(self, days: int) -> Bools:
        """(unit, day): the day lies in the spell."""
        block = (np.arange(days) - days % BLOCK_DAYS) // BLOCK_DAYS
        return np.asarray((block >= self.first[:, None]) & (block < self.last[:, None]))


def blocks(values: Floats) -> Floats:
    """(unit, day) summed into (unit, block); the last block ends with the last day, older days that fill none are left
    out."""
    count = values.shape[1] // BLOCK_DAYS
    tail = values[:, values.shape[1] - count * BLOCK_DAYS :]
    return np.asarray(tail.reshape(len(values), count, BLOCK_DAYS).sum(axis=2))


def series(numerator: Floats, base: Floats, *, least_base: float, least_sd: float) -> Series:
    """The ratio of two (unit, day) measures by block, where the base is at least `least_base` and the ratio positive.

    Days on which the numerator was not told count on neither side.
    """
    told = ~np.isnan(numerator) & ~np.isnan(base)
    above, below = blocks(np.where(told, numerator, 0.0)), blocks(np.where(told, base, 0.0))
    enough = (below >= least_base) & (above > 0)
    values = np.where(enough, np.log(np.where(enough, above, 1.0)) - np.log(np.where(enough, below, 1.0)), np.nan)
    hours = np.where(enough, below, 1.0)
    variance = _variance(values, hours)[:, None] / hours + least_sd**2
    return Series(values=values, weights=np.where(enough, 1.0 / variance, 0.0))


def strongest(
    named: Mapping[str, Series], patterns: Mapping[str, Pattern], *, owner: Ints, owners: int
) -> tuple[dict[str, Spell], dict[str, Spell]]:
    """By pattern each unit's spell with its largest z; and each owner's, whose units are taken together: z by z the sum
    over the root of their number. `owner` (unit,) rises."""
    sums = {name: _Sums(one) for name, one in named.items()}
    units, count = next(iter(named.values())).values.shape
    singly, together = ({name: _Best(size) for name in patterns} for size in (units, owners))
    for starts, ends in _ladder(count):
        z = {name: one.z(starts, ends) for name, one in sums.items()}
        pooled = {name: _pool(one, owner, owners) for name, one in z.items()}
        for name, pattern in patterns.items():
            singly[name].see(pattern(z), starts, ends)
            together[name].see(pattern(pooled), starts, ends)
    return {name: one.spell() for name, one in singly.items()}, {name: one.spell() for name, one in together.items()}


class _Best:
    """The spell with the largest z so far."""

    def __init__(self, size: int) -> None:
        self.z = np.full(size, _NEVER)
        self.first, self.last = np.zeros(size, np.int64), np.zeros(size, np.int64)

    def see(self, z: Floats, starts: Ints, ends: Ints) -> None:
        """Compare with further spells, z (unit, spell)."""
        _keep_largest(z, starts, ends, (self.z, self.first, self.last))

    def spell(self) -> Spell:
        """What was best."""
        return Spell(z=np.where(np.isfinite(self.z), self.z, np.nan), first=self.first, last=self.last)


def _ladder(count: int) -> Iterator[tuple[Ints, Ints]]:
    """Starts and ends of spells: of each length everywhere, and up to the last block from everywhere."""
    for length in LENGTHS:
        if length < count:
            starts = np.arange(count - length + 1)
            yield starts, starts + length
    if count:
        starts = np.arange(count)
        yield starts, np.full(count, count)


class _Sums:
    """Running sums of a series, so that any spell's mean costs two look-ups."""

    def __init__(self, one: Series) -> None:
        filled = np.where(one.weights > 0, one.values, 0.0)
        self.weight = _running(one.weights)
        self.total = _running(one.weights * filled)
        self.number = _running((one.weights > 0).astype(np.float64))

    def z(self, starts: Ints, ends: Ints) -> Floats:
        """(unit, spell): inside mean less outside mean in standard errors."""
        return np.asarray(_standard_errors(self.weight, self.total, self.number, starts, ends))


@numba.njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _standard_errors(weight: Floats, total: Floats, number: Floats, starts: Ints, ends: Ints) -> Floats:
    """`_Sums.z` of running sums (unit, block); NaN where a spell has too little before or in it."""
    z = np.full((len(weight), len(starts)), np.nan)
    for unit in range(len(weight)):
        for spell in range(len(starts)):
            first, last = starts[spell], ends[spell]
            if number[unit, last] - number[unit, first] < 1 or number[unit, first] < LEAST_BLOCKS_BEFORE:
                continue
            inner, inside = weight[unit, last] - weight[unit, first], total[unit, last] - total[unit, first]
            outer = weight[unit, -1] - inner
            difference = inside / inner - (total[unit, -1] - inside) / outer
            z[unit, spell] = difference / math.sqrt(1.0 / inner + 1.0 / outer)
    return z


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _keep_largest(z: Floats, starts: Ints, ends: Ints, best: tuple[Floats, Ints, Ints]) -> None:
    """Let the first of the largest z (unit, spell), where it is larger, take the place of the best so far."""
    largest, first, last = best
    for unit in range(len(z)):
        for spell in range(len(starts)):
            if z[unit, spell] > largest[unit]:
                largest[unit], first[unit], last[unit] = z[unit, spell], starts[spell], ends[spell]


def _running(values: Floats) -> Floats:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _pool(z: Floats, owner: Ints, owners: int) -> Floats:
    said = ~np.isnan(z)
    total = summed_by_owner(np.where(said, z, 0.0), owner, owners)
    number = summed_by_owner(said.astype(np.float64), owner, owners)
    return np.where(number > 0, total / np.sqrt(np.maximum(number, 1.0)), np.nan)


def _variance(values: Floats, hours: Floats) -> Floats:
    """(unit,): variance of a value for one hour of base: the largest over `NEIGHBOURS` of the median square of the
    differences of blocks so far apart. A step is in few of those differences; a season's drift is in most."""
    return np.asarray(np.maximum.reduce([_variance_at(values, hours, apart) for apart in NEIGHBOURS]))


def _variance_at(values: Floats, hours: Floats, apart: int) -> Floats:
    if values.shape[1] <= apart:
        return np.zeros(len(values))
    squares = (values[:, apart:] - values[:, :-apart]) ** 2 / (1.0 / hours[:, apart:] + 1.0 / hours[:, :-apart])
    ordered = np.sort(np.where(np.isnan(squares), np.inf, squares), axis=1)
    middle = np.maximum((~np.isnan(squares)).sum(axis=1) - 1, 0) // 2
    median = ordered[np.arange(len(values)), middle]
    return np.where(np.isfinite(median), median / _MEDIAN_OF_CHI_SQUARE, 0.0)


def _mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    filled = np.where(weights > 0, values, 0.0)
    return np.where(total > 0, (weights * filled).sum(axis=1) / np.where(total > 0, total, 1.0), np.nan)


def least(*parts: Floats) -> Floats:
    """Every part must hold: the least z, NaN where one is missing."""
    return functools.reduce(np.minimum, parts)
