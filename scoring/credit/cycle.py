"""Point in time and through the cycle: one factor for the state of the economy (Vasicek).

A PD through the cycle is the mean over good and bad years; given the factor z of a year (0 is the median year, negative
is bad), the PD of that year is Phi((Phi^-1(pd) - sqrt(rho) z) / sqrt(1 - rho)). Averaged over z it is the PD again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm


def point_in_time(pd_through_the_cycle: float, *, factor: float, asset_correlation: float) -> float:
    """The PD in a year of that `factor`."""
    place = float(norm.ppf(pd_through_the_cycle)) - math.sqrt(asset_correlation) * factor
    return float(norm.cdf(place / math.sqrt(1 - asset_correlation)))


def through_the_cycle(pd_point_in_time: float, *, factor: float, asset_correlation: float) -> float:
    """The PD through the cycle of which that of a year with this `factor` is `pd_point_in_time`."""
    place = math.sqrt(1 - asset_correlation) * float(norm.ppf(pd_point_in_time)) + math.sqrt(asset_correlation) * factor
    return float(norm.cdf(place))


def cycle_factor(default_rate: float, *, long_run_rate: float, asset_correlation: float) -> float:
    """The factor of a year in which a large book of that long-run rate had this default rate."""
    shifted = float(norm.ppf(long_run_rate)) - math.sqrt(1 - asset_correlation) * float(norm.ppf(default_rate))
    return shifted / math.sqrt(asset_correlation)


def asset_correlation_of(default_rates: Sequence[float]) -> float:
    """The asset correlation that yearly default rates of one large book show.

    Their probits are normal with variance rho / (1 - rho); few years estimate it badly, and small books overstate it by
    their sampling noise.
    """
    variance = float(np.var(norm.ppf(np.asarray(default_rates, dtype=np.float64)), ddof=1))
    return variance / (1 + variance)
