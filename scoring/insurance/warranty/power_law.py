"""Minimal repair: failures of a component as a power-law process in operating hours, fitted and asked.

A repair puts a machine back to work as old as it was, so failures come at the rate (b / h) (t / h)^(b - 1) of the hours
t that it has worked (L. H. Crow 1974). Machines enter at any age (left truncation) and leave by sale or by the end of
what was seen (censoring): each counts between the hours at which it was watched, so neither biases the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest, NotEnoughEvents

Vector = NDArray[np.float64]

FEWEST_FAILURES = 10
STEPS = 200
TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """Failures of a component: shape b (above 1 it wears out) and scale h in hours; expected by hour t: (t / h)^b."""

    shape: float
    scale_hours: float

    def expected(self, start: Vector | float, end: Vector | float) -> Vector:
        """Expected failures between two readings of the hour meter."""
        return np.asarray(
            (np.asarray(end) / self.scale_hours) ** self.shape - (np.asarray(start) / self.scale_hours) ** self.shape
        )

    def chance_of_one(self, start: Vector | float, end: Vector | float) -> Vector:
        """The chance of at least one failure between two readings, whatever happened before."""
        return np.asarray(-np.expm1(-self.expected(start, end)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Machines (n) as watched: hours on the meter when watching began and ended, and the hours of each failure (m)
    with the machine (m) that failed. Sale, scrapping and the end of the data all end watching."""

    entry_hours: Vector
    exit_hours: Vector
    failure_hours: Vector
    failure_machine: NDArray[np.int64]

    def check(self) -> None:
        """Raise InvalidRequest, naming the first machine at fault, where hours run backwards or lie outside."""
        wrong = np.flatnonzero(~((self.entry_hours >= 0) & (self.exit_hours >= self.entry_hours)))
        if len(wrong):
            at = int(wrong[0])
            raise InvalidRequest(
                f"Machine {at} is watched from {self.entry_hours[at]:g} to {self.exit_hours[at]:g} hours.",
                hint="An hour meter counts upwards: a rolled-back one is settled before it is fitted on.",
            )
        entry, end = self.entry_hours[self.failure_machine], self.exit_hours[self.failure_machine]
        outside = np.flatnonzero(~((self.failure_hours > entry) & (self.failure_hours <= end)))
        if len(outside):
            at = int(outside[0])
            raise InvalidRequest(
                f"A failure at {self.failure_hours[at]:g} hours lies outside what was watched of its machine "
                f"({entry[at]:g} to {end[at]:g})."
            )


def fit_power_law(watched: Watched) -> PowerLaw:
    """The power law of most likelihood. Raises NotEnoughEvents, InvalidRequest.

    Its scale has a closed form for each shape; the shape's equation, n / b + sum ln t = n (sum T^b ln T - sum S^b ln S)
    / (sum T^b - sum S^b), has one root, found by halving.
    """
    watched.check()
    failures = len(watched.failure_hours)
    if failures < FEWEST_FAILURES:
        raise NotEnoughEvents(
            f"{failures} failures were watched; a hazard needs {FEWEST_FAILURES}.",
            hint="Pool components of one kind, or take the maker's figures.",
        )
    unit = float(watched.exit_hours.max())
    entry, end, hours = (side / unit for side in (watched.entry_hours, watched.exit_hours, watched.failure_hours))
    logs = float(np.log(hours).sum())
    low, high = 1e-3, 1.0
    while _slope(high, entry, end, failures, logs) > 0:
        high *= 2
    for _ in range(STEPS):
        shape = (low + high) / 2
        if _slope(shape, entry, end, failures, logs) > 0:
            low = shape
        else:
            high = shape
        if high - low < TOLERANCE:
            break
    shape = (low + high) / 2
    total = float((end**shape - entry**shape).sum())
    return PowerLaw(shape=shape, scale_hours=unit * (total / failures) ** (1 / shape))


def _slope(shape: float, entry: Vector, end: Vector, failures: int, logs: float) -> float:
    """Derivative of the profile log-likelihood by the shape."""
    rise = float((_times_log(end, shape) - _times_log(entry, shape)).sum())
    return failures / shape + logs - failures * rise / float((end**shape - entry**shape).sum())


def _times_log(hours: Vector, shape: float) -> Vector:
    """t^b ln t, 0 at 0."""
    positive = np.where(hours > 0, hours, 1.0)
    return np.where(hours > 0, positive**shape * np.log(positive), 0.0)
