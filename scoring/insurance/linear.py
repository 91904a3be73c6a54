"""A log-linear predictor as a table: an intercept and, for each factor, one coefficient a band.

This is how an actuary reads a GLM: base x relativities. A number falls in a band between edges, a text in the band of
its level, a missing value in a band of its own, so that the table is asked the same way in training, in a quote and in
a filed tariff, and needs no library to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.cards import Frozen

Matrix = NDArray[np.float64]
Places = NDArray[np.int64]

ENDS = (0.01, 0.03, 0.97, 0.99, 0.997)
"""Shares at which further bands begin: risk moves fastest where there are fewest."""


class Banding(Frozen):
    """How the values of one factor fall into bands.

    `edges` are the lower ends of all bands of a number but the first; `levels` the texts of a category by their code.
    The last band, after these, is that of a missing value. `base` is the band with relativity 1.
    """

    key: str
    kind: Literal["number", "category"]
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    base: int = 0

    @property
    def bands(self) -> int:
        """How many bands there are, that of a missing value included."""
        return (len(self.edges) + 1 if self.kind == "number" else len(self.levels)) + 1

    def places(self, column: Matrix) -> Places:
        """The band of each value (n) of an encoded column: numbers as they are, texts by code, NaN where missing."""
        missing = np.isnan(column)
        known = np.where(missing, 0.0, column)
        if self.kind == "number":
            found = np.searchsorted(np.array(self.edges), known, side="right")
        else:
            found = known.astype(np.int64)
        return np.where(missing, self.bands - 1, found).astype(np.int64)

    def names(self) -> tuple[str, ...]:
        """The bands as a person reads them, lower end inclusive, the missing one last."""
        if self.kind == "category":
            return (*self.levels, "missing")
        ends = [None, *self.edges, None]
        return (*(_span(low, high) for low, high in pairwise(ends)), "missing")


class Factor(Frozen):
    """One factor of the predictor: its bands and their coefficients in logarithms, 0 for the base band."""

    banding: Banding
    coefficients: tuple[float, ...]


class LinearPredictor(Frozen):
    """ln(mean) = intercept + the coefficient of each factor's band."""

    intercept: float
    factors: tuple[Factor, ...]

    def contributions(self, rows: Matrix) -> Matrix:
        """What each factor (k) adds to the logarithm in each row (n, k)."""
        if not self.factors:
            return np.zeros((len(rows), 0))
        return np.column_stack(
            [
                np.array(factor.coefficients)[factor.banding.places(rows[:, at])]
                for at, factor in enumerate(self.factors)
            ]
        )

    def logs(self, rows: Matrix) -> Matrix:
        """The logarithm of the mean of each row (n) of encoded values (n, k)."""
        return np.asarray(self.intercept + self.contributions(rows).sum(axis=1))


def quantile_banding(key: str, column: Matrix, weights: Matrix, *, bands: int, ends: Sequence[float] = ENDS) -> Banding:
    """Bands of a number with about equal weight each, and finer ones at both ends; few values have a band each.

    A value that alone outweighs a band (a bonus that most have) is one, and the others share what is left. The base
    band is the one with the most weight, so that relativities speak of the common case.
    """
    known = ~np.isnan(column)
    values, at = np.unique(column[known], return_inverse=True)
    mass = np.bincount(at, weights=weights[known], minlength=len(values))
    if len(values) > bands:
        heavy = mass > mass.sum() / bands
        light = np.where(heavy, 0.0, mass)
        shares = np.concatenate([np.arange(1, bands) / bands, ends])
        wanted = shares * light.sum()
        starts = np.searchsorted(np.cumsum(light) - light, wanted, side="left").clip(0, len(values) - 1)
        of_heavy = np.flatnonzero(heavy)
        places = np.unique(np.concatenate([starts, of_heavy, (of_heavy + 1).clip(0, len(values) - 1)]))
        edges = tuple(float(values[place]) for place in places if place > 0)
    else:
        edges = tuple(float(value) for value in values[1:])
    return _with_base(Banding(key=key, kind="number", edges=edges), column, weights)


def category_banding(key: str, levels: Sequence[str], column: Matrix, weights: Matrix) -> Banding:
    """One band a level (`column` holds their codes)."""
    return _with_base(Banding(key=key, kind="category", levels=tuple(levels)), column, weights)


def band_weights(banding: Banding, column: Matrix, weights: Matrix) -> Matrix:
    """The weight in each band."""
    return np.asarray(np.bincount(banding.places(column), weights=weights, minlength=banding.bands), dtype=np.float64)


def _with_base(banding: Banding, column: Matrix, weights: Matrix) -> Banding:
    return banding.model_copy(update={"base": int(np.argmax(band_weights(banding, column, weights)))})


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return "all" if high is None else f"below {high:g}"
    return f"{low:g} and above" if high is None else f"{low:g} to below {high:g}"
