"""Observed beside expected claims: their ratio, and how far chance alone would move it."""

from __future__ import annotations

from scipy.stats import chi2

from scoring.cards import Estimate


def actual_to_expected(count: int, expected: float) -> Estimate:
    """Observed over expected claims with the exact Poisson interval of the count."""
    lower = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    upper = float(chi2.ppf(0.975, 2 * (count + 1))) / 2
    return Estimate(value=count / expected, lower=lower / expected, upper=upper / expected)
