"""Claim severity: a Gamma GLM of claims capped at a threshold, and above it a Pareto tail that the book shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import NotEnoughEvents
from scoring.insurance.balance import global_factor
from scoring.insurance.linear import LinearPredictor
from scoring.insurance.tail import ParetoTail, fit_tail, stable_threshold
from scoring.table.card import TableFeature
from scoring.training.claims.glm import bandings_of, fit_linear

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

FEWEST_CLAIMS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSeverity:
    """The mean of a claim capped at the tail's threshold, by factor, times what the rest of it costs on average.

    `large_loss_share` is pooled: what large losses cost above the threshold, beside all capped claims.
    """

    linear: LinearPredictor
    tail: ParetoTail
    large_loss_share: float

    def capped(self, rows: Matrix) -> Vector:
        """The expected capped claim of each encoded row (n, k)."""
        return np.asarray(np.exp(self.linear.logs(rows)))

    def means(self, rows: Matrix) -> Vector:
        """The expected claim of each row, its share of large losses included."""
        return self.capped(rows) * (1 + self.large_loss_share)


def fit_severity(
    rows: Matrix,
    amounts: Vector,
    features: Sequence[TableFeature],
    *,
    bands: int,
    tail_quantiles: Sequence[float],
) -> FittedSeverity:
    """Fit on claims: encoded factors of each claim's policy (m, k) and its amount (m, above 0).

    The threshold is the lowest of the quantiles above which excesses look Pareto; the Gamma model is balanced to the
    capped claims observed (its log link does not do so by itself); the load is what was observed above the threshold,
    which the fitted tail is to be read beside. Raises NotEnoughEvents.
    """
    if len(amounts) < FEWEST_CLAIMS:
        raise NotEnoughEvents(
            f"{len(amounts)} claims have an amount; a severity model needs {FEWEST_CLAIMS}.",
            hint="Bring more claims, or price the frequency with a mean claim of your own.",
        )
    threshold = stable_threshold(amounts, np.quantile(amounts, tail_quantiles))
    tail = fit_tail(amounts, threshold=threshold)
    capped = np.minimum(amounts, threshold)
    ones = np.ones(len(amounts))
    linear = fit_linear(
        rows, capped, ones, bandings_of(rows, features, ones, bands=bands, claims=float(len(amounts))), family="gamma"
    )
    factor = global_factor(capped, np.exp(linear.logs(rows)))
    return FittedSeverity(
        linear=linear.model_copy(update={"intercept": linear.intercept + float(np.log(factor))}),
        tail=tail,
        large_loss_share=float((amounts - capped).sum() / capped.sum()),
    )
