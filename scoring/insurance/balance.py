"""Balance: what a book is expected to cost is what it did cost, in all and at every level of the premium.

Boosting trades balance for deviance (Denuit, Charpentier and Trufin 2021, arXiv 2103.03635). The remedy is to fit the
observed claims once more on the predictor alone, monotone, and to scale the whole to the observed sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from scoring.cards import Frozen
from scoring.errors import NotEnoughEvents

Vector = NDArray[np.float64]


class Autocalibration(Frozen):
    """Piecewise linear in logarithms between `knots` (predicted) and `values` (observed there), then times `factor`.

    Beyond the outer knots the correction is that of the outer knot, so that the order of risks is kept everywhere.
    Without knots only the factor is left.
    """

    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    factor: float = 1.0

    def logs(self, predicted: Vector) -> Vector:
        """The logarithm of the balanced mean of each row (n), from the logarithm of the predicted one (n)."""
        if not self.knots:
            return np.asarray(predicted + np.log(self.factor))
        knots, values = np.array(self.knots), np.array(self.values)
        inside = predicted.clip(knots[0], knots[-1])
        return np.asarray(np.interp(inside, knots, values) + (predicted - inside) + np.log(self.factor))


def global_factor(observed: Vector, expected: Vector) -> float:
    """By what expected claims (n) are to be multiplied to sum to the observed ones (n).

    Raises NotEnoughEvents where nothing was observed: a book without claims balances nothing.
    """
    if not observed.sum() > 0:
        raise NotEnoughEvents("No claims were observed: there is nothing to balance to.", hint="Bring claims.")
    return float(observed.sum() / expected.sum())


def fit_autocalibration(logs: Vector, observed: Vector, weights: Vector, *, bands: int) -> Autocalibration:
    """Balance at every level: observed claims (n) over exposure `weights` (n), isotonic on the predictor `logs` (n).

    Risks are first put into `bands` of equal exposure by their prediction, so that a step rests on many claims and not
    on a run of luck; between bands it is linear, so that no two risks are thrown together.
    """
    order = np.argsort(logs, kind="stable")
    passed = np.cumsum(weights[order])
    band = np.minimum((passed - weights[order] / 2) / passed[-1] * bands, bands - 1).astype(np.int64)
    mass, claims, means = (
        np.bincount(band, weights=column, minlength=bands)
        for column in (weights[order], observed[order], (weights * np.exp(logs))[order])
    )
    used = mass > 0
    knots = np.log(means[used] / mass[used])
    rates = IsotonicRegression().fit_transform(knots, claims[used] / mass[used], sample_weight=mass[used])
    positive = rates > 0
    knots, values = knots[positive], np.log(rates[positive])
    keep = np.r_[True, np.diff(knots) > 0] if len(knots) else positive[:0]
    raw = Autocalibration(knots=tuple(map(float, knots[keep])), values=tuple(map(float, values[keep])))
    expected = weights * np.exp(raw.logs(logs))
    return raw.model_copy(update={"factor": global_factor(observed, expected)})
