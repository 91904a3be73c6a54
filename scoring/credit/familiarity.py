"""How unlike a snapshot is to those that a model of default was trained on, and what makes it so.

A model answers for any row of numbers, also for one that nothing it was taught resembles. The squared distance of
Mahalanobis says how far a row lies from the training rows, given how features go together there: a value may be usual
by itself and never seen beside the others. It is the sum of one share a feature, so that a referral can name what is
far out. Missing values are left out of it; a whole family that training rows hardly ever lacked is told apart. So is
an industry of which training knew too few firms: trees do not read it, and nothing says that their rules hold there.
And so is a type of machine that too few of its firms ran, where a material share of an obligor's machines are of such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.machine_types import MachineTypes
from scoring.unfamiliar import Familiarity, UnknownCategory, Unusual

Matrix = NDArray[np.float64]

DIVISION = "industry_division"
MACHINE_TYPE = "machine_type"
NAMED = 3
"""How many features a referral names at most."""
DIGITS = 4
"""Decimals of a distance, so that the last bits of linear algebra do not enter what is kept."""
PATTERNS_KEPT = 256


class Column(Protocol):
    """What a cloud must know of a feature."""

    @property
    def key(self) -> str: ...

    @property
    def family(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTypes:
    """The classes of types of machines that enough of the firms trained on ran, each at least as `share` of its
    machines."""

    classes: frozenset[str]
    share: float

    def unknown(self, told: MachineTypes | None) -> tuple[str | None, ...]:
        """The other classes that an obligor runs, None at the end for what nobody told, where they are at least
        `share` of its machines together; nothing where they are fewer."""
        shares = {None: 1.0} if told is None else told.shares()
        others = {name: share for name, share in shares.items() if name not in self.classes}
        if not others or sum(others.values()) < self.share:
            return ()
        return (*sorted(filter(None, others)), *([None] if None in others else []))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingCloud:
    """Where the training rows lie (k features): `centres` are medians, `below` and `above` the root mean square
    distances from them on either side; `means` (k) and `covariance` (k, k) are those of the standardised values.

    `usual` (k, 2) are their 1st and 99th percentiles, `always_told` the families that were hardly ever missing as a
    whole, `limit` the distance beyond which a row is unlike them. `divisions` are the industries of which enough firms
    were among them, `machine_types` the types of machines that they ran; None where training was not told any.
    """

    keys: tuple[str, ...]
    families: tuple[str, ...]
    centres: Matrix
    below: Matrix
    above: Matrix
    means: Matrix
    covariance: Matrix
    usual: Matrix
    always_told: frozenset[str]
    limit: float
    divisions: frozenset[str] | None = None
    machine_types: KnownTypes | None = None

    def judge(
        self, row: Matrix, *, division: str | None = None, machine_types: MachineTypes | None = None
    ) -> Familiarity:
        """How unlike the training rows a row (k) as observed is, NaN where missing, of a firm of that industry with
        machines of these types.

        An industry or a type that is not told counts as unknown, so that nobody looks more usual for hiding it."""
        shares = self.shares(row)
        distance = round(_root(shares) / self.limit, DIGITS)
        known = {family for family, value in zip(self.families, row, strict=True) if not np.isnan(value)}
        return Familiarity(
            distance=distance,
            furthest=self._furthest(row, shares) if distance > 1 else (),
            missing_families=tuple(sorted(self.always_told - known)),
            unknown_categories=tuple(self._unknown(division, machine_types)),
        )

    def distances(self, rows: Matrix) -> Matrix:
        """The distance of each row (n, k) by itself, not in units of the limit."""
        return np.array([_root(self.shares(row)) for row in rows])

    def shares(self, row: Matrix) -> Matrix:
        """The share of each feature (k) in the squared distance of a row; 0 where it is missing."""
        known = ~np.isnan(row)
        away = standardised(row[known], self.centres[known], self.below[known], self.above[known]) - self.means[known]
        shares = np.zeros(len(row))
        shares[known] = away * (_precision(self, known.tobytes()) @ away)
        return shares

    def _unknown(self, division: str | None, machine_types: MachineTypes | None) -> Iterator[UnknownCategory]:
        if self.divisions is not None and division not in self.divisions:
            yield UnknownCategory(name=DIVISION, value=division)
        if self.machine_types is not None:
            for name in self.machine_types.unknown(machine_types):
                yield UnknownCategory(name=MACHINE_TYPE, value=name)

    def _furthest(self, row: Matrix, shares: Matrix) -> tuple[Unusual, ...]:
        order = np.argsort(-shares, kind="stable")[:NAMED]
        return tuple(
            Unusual(
                feature=self.keys[at],
                value=float(row[at]),
                usual_lower=float(self.usual[at, 0]),
                usual_upper=float(self.usual[at, 1]),
            )
            for at in order.tolist()
            if shares[at] > 0
        )


def standardised(values: Matrix, centres: Matrix, below: Matrix, above: Matrix) -> Matrix:
    """Distances from the centres in units of those usual on their side."""
    away = values - centres
    return np.asarray(away / np.where(away > 0, above, below))


def lower_triangle(square: Matrix) -> tuple[tuple[float, ...], ...]:
    """The rows of a symmetric matrix up to the diagonal."""
    return tuple(tuple(row[: at + 1]) for at, row in enumerate(square.tolist()))


def from_lower_triangle(rows: Sequence[Sequence[float]]) -> Matrix:
    """The symmetric matrix of these rows."""
    square = np.zeros((len(rows), len(rows)))
    for at, row in enumerate(rows):
        square[at, : at + 1] = square[: at + 1, at] = row
    return square


@lru_cache(maxsize=PATTERNS_KEPT)
def _precision(cloud: TrainingCloud, known: bytes) -> Matrix:
    """Inverse of the covariance of the known features: what is not known is left open, not guessed."""
    chosen = np.frombuffer(known, dtype=np.bool_)
    return np.asarray(np.linalg.inv(cloud.covariance[np.ix_(chosen, chosen)]))


def _root(shares: Matrix) -> float:
    return float(np.sqrt(max(float(shares.sum()), 0.0)))
