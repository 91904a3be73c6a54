"""A warranty's hazard in the form in which a tariff is filed: failures a machine-year by what a quote knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest
from scoring.insurance.linear import Banding, LinearPredictor, band_weights
from scoring.table.card import TableFeature
from scoring.training.claims.distil import distilled

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def repair_table(
    rows: Matrix, failures: Vector, years: Vector, starts: Mapping[str, Sequence[float]]
) -> LinearPredictor:
    """Base and relativities of expected `failures` (n) in `years` (n), by factors (n, k) whose bands begin at `starts`.

    `failures` are what a hazard expects, not those observed: the hazard has heard these already. More of a factor is
    never cheaper, the band with most exposure has relativity 1, and the table expects on these rows what the hazard
    does. Raises InvalidRequest where factors and bands are not of one number.
    """
    if rows.shape[1] != len(starts):
        raise InvalidRequest(f"{rows.shape[1]} factors and the bands of {len(starts)} ({', '.join(starts)}).")
    bandings = [_banding(key, edges, rows[:, at], years) for at, (key, edges) in enumerate(starts.items())]
    features = [TableFeature(key=key, kind="number", levels=(), sign=1, peer_value=None) for key in starts]
    return distilled(rows, failures / years, years, bandings, features)


def _banding(key: str, edges: Sequence[float], column: Vector, years: Vector) -> Banding:
    banding = Banding(key=key, kind="number", edges=tuple(map(float, edges)))
    return banding.model_copy(update={"base": int(np.argmax(band_weights(banding, column, years)))})
