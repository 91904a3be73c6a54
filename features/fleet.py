"""From machines to their obligor, beside the sum over machines: least, largest, weighted, added up or counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.declaration import Across
from features.history import Array, DailyHistory, Fleet, Level


def fleet_view(history: DailyHistory) -> Fleet:
    """The machines behind a history's units: its fleet or, of a history of machines, each machine by itself."""
    if history.level is Level.MACHINE:
        return Fleet(history=history, owner=np.arange(len(history.units), dtype=np.int64))
    assert history.fleet is not None, "an obligor history has a fleet"
    return history.fleet


def across(values: Array, fleet: Fleet, *, units: int, how: Across | None) -> Array:
    """Machines' values put together for each unit; NaN where none is known."""
    known = ~np.isnan(values) & (fleet.owner >= 0)
    owner, own = fleet.owner[known], values[known]
    if how is Across.VALUE_WEIGHTED:
        return weighted_mean(own, fleet.history.standing.value_minor[known], owner, units)
    start = np.inf if how is Across.MIN else -np.inf
    found = np.full(units, start)
    (np.minimum if how is Across.MIN else np.maximum).at(found, owner, own)
    return np.where(np.isinf(found), np.nan, found)


def weighted_mean(values: Array, weight: Array, owner: NDArray[np.int64], units: int) -> Array:
    """Mean of machines' values by unit, over those whose value and weight are known; NaN where there is none."""
    known = ~np.isnan(values) & ~np.isnan(weight) & (owner >= 0)
    total = np.bincount(owner[known], weights=weight[known], minlength=units).astype(np.float64)
    sums = np.bincount(owner[known], weights=(weight * values)[known], minlength=units).astype(np.float64)
    return np.asarray(np.divide(sums, total, out=np.full(units, np.nan), where=total > 0))


def mean_of_machines(values: Array, fleet: Fleet, *, units: int) -> Array:
    """Plain mean of machines' values by unit; NaN where none is known."""
    return weighted_mean(values, np.ones_like(values), fleet.owner, units)


def sum_of_machines(values: Array, fleet: Fleet, *, units: int) -> Array:
    """Sum of the machines' known values by unit; NaN where none is known."""
    known = ~np.isnan(values) & (fleet.owner >= 0)
    sums = np.bincount(fleet.owner[known], weights=values[known], minlength=units).astype(np.float64)
    some = np.bincount(fleet.owner[known], minlength=units) > 0
    return np.where(some, sums, np.nan)
