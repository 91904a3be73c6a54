"""How strong a statistic is: the chance that an honest unit shows as much, and what many comparisons make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.trust import Severity

Floats = NDArray[np.float64]

MOST_STRENGTH = 12.0
"""No chance under 1e-12 is believed of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """-log10 of the chance that an honest unit's statistic is at least so large, at a few points, rising.

    Between the points it runs straight, below the first straight from 0 at statistic 0, beyond the last on with the
    last slope.
    """

    statistic: tuple[float, ...]
    strength: tuple[float, ...]

    def strengths(self, values: Floats) -> Floats:
        """The strength of each statistic, 0 at most 0, NaN where there is none."""
        x, y = np.array([0.0, *self.statistic]), np.array([0.0, *self.strength])
        slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
        beyond = y[-1] + (values - x[-1]) * slope
        inside = np.interp(np.maximum(values, 0.0), x, y)
        return np.asarray(np.minimum(np.where(values > x[-1], beyond, inside), MOST_STRENGTH))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """The null of every check by its name, and the strength from which on a finding is made, by its severity."""

    nulls: Mapping[str, Null]
    thresholds: Mapping[Severity, float]

    def severity(self, strength: float) -> Severity | None:
        """The severity of a finding so strong; None where it is none."""
        reached = [severity for severity in Severity if strength >= self.thresholds[severity]]
        return reached[-1] if reached else None


def after_many(strength: Floats, comparisons: Floats) -> Floats:
    """The strength that is left when so many comparisons were made (Bonferroni), at least 0."""
    return np.maximum(strength - np.log10(np.maximum(comparisons, 1.0)), 0.0)
