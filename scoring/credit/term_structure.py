"""When a default comes: a curve of monthly hazards, brought into agreement with the probability over 12 months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

MONTHS_OF_PD = 12
FARTHEST = 30.0
"""Log-odds beyond which no multiplier of hazards is looked for."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermStructure:
    """Hazards h(1), h(2), ...: the probability of default in a month of those who have come so far.

    `log_odds_shift` is what was added to all hazards' log-odds so that 12 months give the obligor's `pd_12m`.
    """

    hazards: Vector
    log_odds_shift: float

    @property
    def survival(self) -> Vector:
        """S(0) = 1, S(1), ...: the probability of no default by the end of a month."""
        return np.concatenate([[1.0], np.cumprod(1 - self.hazards)])

    def pd(self, months: int) -> float:
        """The probability of default within so many months: 1 - S(months)."""
        assert 0 <= months <= len(self.hazards), f"the curve has {len(self.hazards)} months, not {months}"
        return float(1 - self.survival[months])

    @property
    def monthly(self) -> Vector:
        """The probability that the default falls in each month: S(s - 1) - S(s)."""
        return np.asarray(-np.diff(self.survival))


def reconciled(hazards: Sequence[float] | Vector, pd_12m: float) -> TermStructure:
    """The curve whose first twelve months give `pd_12m`: all hazards' odds multiplied by one number.

    The shape over time is the hazard model's, the level the calibrated PD's. Hazards (at least 12) lie strictly between
    0 and 1, as does `pd_12m`.
    """
    given = logit(np.asarray(hazards, dtype=np.float64))
    assert len(given) >= MONTHS_OF_PD, "a curve of at least 12 months"
    assert np.isfinite(given).all(), "hazards strictly between 0 and 1"
    wanted = np.log1p(-pd_12m)

    def beyond(shift: float) -> float:
        return float(wanted - np.log1p(-expit(given[:MONTHS_OF_PD] + shift)).sum())

    shift = float(brentq(beyond, -FARTHEST, FARTHEST, xtol=1e-13))
    return TermStructure(hazards=expit(given + shift), log_odds_shift=shift)
