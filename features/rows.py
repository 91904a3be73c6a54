"""Statistics of each row of an array that skip what is not known, many rows at once and without warnings."""

from __future__ import annotations

import numpy as np

from features.history import Array


def row_quantile(values: Array, level: float) -> Array:
    """The quantile of the known values of each row, between two neighbours in proportion; NaN where none is known."""
    count = (~np.isnan(values)).sum(axis=1)
    ordered = np.sort(values, axis=1)  # NaN last
    place = level * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = (np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (below, above))
    return np.where(count > 0, low + (place - below) * (high - low), np.nan)


def row_median(values: Array) -> Array:
    """The median of the known values of each row; NaN where none is known."""
    return row_quantile(values, 0.5)


def row_mean(values: Array) -> Array:
    """The mean of the known values of each row; NaN where none is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def row_deviation(values: Array) -> Array:
    """The standard deviation (n - 1) of the known values of each row; NaN with fewer than two."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    squares = np.where(known, (values - row_mean(values)[:, None]) ** 2, 0.0).sum(axis=1)
    variance = np.divide(squares, count - 1, out=np.full(len(values), np.nan), where=count > 1)
    return np.asarray(np.sqrt(variance))
