"""Large losses: where they begin, how heavy their tail is, and what share of them each risk bears.

Above a threshold excesses follow a generalised Pareto distribution (Balkema and de Haan 1974, Pickands 1975), whose
mean excess is a straight line: the plot of mean excesses says where that begins. Below it severity is modelled; what
lies above is pooled, because no single fleet's experience can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto, kstest

from scoring.errors import InvalidRequest, NotEnoughEvents

Vector = NDArray[np.float64]

FEWEST_EXCESSES = 20
LOOKS_PARETO = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoTail:
    """Excesses over `threshold`: shape and scale, how many they were fitted on, of how many losses, and their fit.

    `distance` is Kolmogorov's between fitted and observed excesses (its p-value would be too kind: the parameters were
    fitted on the same losses).
    """

    threshold: float
    shape: float
    scale: float
    excesses: int
    losses: int
    distance: float

    @property
    def chance(self) -> float:
        """The share of losses above the threshold."""
        return self.excesses / self.losses

    @property
    def mean_excess(self) -> float:
        """E[X - u | X > u]; infinite for a shape of 1 and more."""
        return self.scale / (1 - self.shape) if self.shape < 1 else float("inf")

    def limited_excess(self, limit: float) -> float:
        """E[min(X - u, limit - u) | X > u]: what a cover that ends at `limit` pays beyond the threshold."""
        room = limit - self.threshold
        if room <= 0:
            return 0.0
        if abs(self.shape) < 1e-9:
            return self.scale * float(-np.expm1(-room / self.scale))
        if abs(self.shape - 1) < 1e-9:
            return self.scale * float(np.log1p(room / self.scale))
        kept = (1 + self.shape * room / self.scale) ** (1 - 1 / self.shape)
        return float(self.scale / (1 - self.shape) * (1 - kept))

    def load(self, limit: float | None = None) -> float:
        """What large losses add to the mean of a loss capped at the threshold, per loss of any size."""
        excess = self.mean_excess if limit is None else self.limited_excess(limit)
        return self.chance * excess

    def quantile(self, share: float) -> float:
        """The loss that a share of all losses stays below; only in the tail, `share` at least 1 - chance."""
        if not 1 - self.chance <= share < 1:
            raise InvalidRequest(f"A quantile of {share} lies below the tail, which begins at {1 - self.chance:.6f}.")
        beyond = min(1.0, (1 - share) / self.chance)
        return float(self.threshold + genpareto.isf(beyond, self.shape, scale=self.scale))


def fit_tail(losses: Vector, *, threshold: float) -> ParetoTail:
    """The generalised Pareto tail of `losses` above `threshold`, by maximum likelihood.

    Raises NotEnoughEvents where fewer than 20 losses lie above.
    """
    excesses = losses[losses > threshold] - threshold
    if len(excesses) < FEWEST_EXCESSES:
        raise NotEnoughEvents(
            f"{len(excesses)} of {len(losses)} losses lie above {threshold:g}; a tail needs {FEWEST_EXCESSES}.",
            hint="Lower the threshold, or take a pooled tail.",
        )
    unit = float(excesses.mean())
    shape, _, scale = genpareto.fit(excesses / unit, floc=0.0)
    distance = float(kstest(excesses / unit, genpareto(shape, scale=scale).cdf).statistic)
    return ParetoTail(
        threshold=threshold,
        shape=float(shape),
        scale=float(scale) * unit,
        excesses=len(excesses),
        losses=len(losses),
        distance=distance,
    )


def mean_excesses(losses: Vector, thresholds: Vector) -> Vector:
    """The mean excess over each threshold (k); NaN where no loss lies above."""
    ordered = np.sort(losses)
    above = len(ordered) - np.searchsorted(ordered, thresholds, side="right")
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    beyond = sums[-1] - sums[len(ordered) - above]
    found: Vector = np.divide(beyond - above * thresholds, above, out=np.full(len(thresholds), np.nan), where=above > 0)
    return found


def stable_threshold(losses: Vector, candidates: Vector) -> float:
    """The lowest candidate above which the excesses look Pareto; else the one that comes nearest.

    They look so where sqrt(n) x Kolmogorov's distance is at most 0.9: of excesses that are Pareto, with parameters
    fitted on themselves, 19 of 20 samples or more stay below (`tests/scoring/insurance/test_tail.py` draws them).
    """
    fitted = [fit_tail(losses, threshold=float(at)) for at in candidates if (losses > at).sum() >= FEWEST_EXCESSES]
    if not fitted:
        raise NotEnoughEvents(
            f"None of {len(candidates)} thresholds has {FEWEST_EXCESSES} of the {len(losses)} losses above it.",
            hint="Bring more claims, or take a pooled tail.",
        )
    for tail in fitted:
        if tail.distance * tail.excesses**0.5 <= LOOKS_PARETO:
            return tail.threshold
    return min(fitted, key=lambda tail: tail.distance * tail.excesses**0.5).threshold
