"""Probabilities of default of grades with few defaults or none: the most prudent estimate (Pluto and Tasche 2005).

No default among 200 obligors does not mean that none can default. The estimate of a grade is the largest PD at which as
few defaults as were seen, in that grade and all worse ones together, would still not be surprising: monotone by
construction, and never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq
from scipy.stats import beta, binom, norm

FACTOR_POINTS = 128
"""Points of the Gauss-Hermite rule over the common factor."""

NODES, WEIGHTS = hermegauss(FACTOR_POINTS)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaPrior:
    """What is believed before any obligor is seen: a rate, worth so many obligors."""

    rate: float
    obligors: float


def most_prudent(
    obligors: Sequence[int], defaults: Sequence[int], *, confidence: float, asset_correlation: float = 0.0
) -> tuple[float, ...]:
    """The PD of each grade, best grade first: that of its obligors and all worse ones together, at `confidence`."""
    assert len(obligors) == len(defaults), "a count of defaults for each grade"
    return tuple(
        upper_pd(count, struck, confidence=confidence, asset_correlation=asset_correlation)
        for count, struck in zip(_from_worst(obligors), _from_worst(defaults), strict=True)
    )


def upper_pd(obligors: int, defaults: int, *, confidence: float, asset_correlation: float = 0.0) -> float:
    """The largest p with P(at most `defaults` of `obligors` default | p) >= 1 - confidence; 1 without an obligor.

    With an asset correlation, obligors default together: given the common factor z, each with probability
    Phi((Phi^-1(p) - sqrt(rho) z) / sqrt(1 - rho)), over which z is integrated out.
    """
    assert 0 <= defaults <= obligors, f"{defaults} defaults of {obligors} obligors"
    if defaults == obligors:
        return 1.0
    if asset_correlation == 0:
        return float(beta.ppf(confidence, defaults + 1, obligors - defaults))

    def beyond(pd: float) -> float:
        given = norm.cdf((norm.ppf(pd) - np.sqrt(asset_correlation) * NODES) / np.sqrt(1 - asset_correlation))
        return float(WEIGHTS @ binom.cdf(defaults, obligors, given)) - (1 - confidence)

    return float(brentq(beyond, SMALLEST, 1 - SMALLEST, xtol=1e-14, rtol=1e-12))


def posterior_mean(obligors: int, defaults: int, *, prior: BetaPrior | None = None) -> float:
    """The Bayesian challenger: the posterior mean under Jeffreys' prior, or under one worth at most 50 obligors."""
    if prior is None:
        return (defaults + 0.5) / (obligors + 1)
    assert prior.obligors <= 50, "a prior worth more would outvote the book"
    return (defaults + prior.rate * prior.obligors) / (obligors + prior.obligors)


def optimism(pd: float, obligors: int, defaults: int) -> float:
    """Jeffreys' test of a grade: the probability that its true PD lies below `pd`, given what was seen.

    Small values say that the grade's PD is too low: below 1 % it is refused by validation.
    """
    return float(beta.cdf(pd, defaults + 0.5, obligors - defaults + 0.5))


def _from_worst(counts: Sequence[int]) -> list[int]:
    """Of each grade, the count in it and all worse ones."""
    return list(accumulate(reversed(counts)))[::-1]
