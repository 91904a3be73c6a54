"""Observed beside expected claims: their ratio, and how far chance alone would move it."""

from __future__ import annotations

from scipy.stats import chi2

from scoring.cards import Estimate


def actual_to_expected(count: int, expected: float, *, spread: float = 1.0) -> Estimate:
    """Observed over expected claims with the exact Poisson interval of the count.

    `spread` is by what the count's variance exceeds its mean: a count that comes in lumps of that size, each of them
    Poisson, has the interval of count / spread lumps.
    """
    lumps = count / spread
    lower = spread * float(chi2.ppf(0.025, 2 * lumps)) / 2 if count else 0.0
    upper = spread * float(chi2.ppf(0.975, 2 * (lumps + 1))) / 2
    return Estimate(value=count / expected, lower=lower / expected, upper=upper / expected)
