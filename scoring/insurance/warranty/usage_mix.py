"""From hours to the calendar: customers work their machines differently, and a warranty is sold by the year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from scoring.errors import InvalidRequest

Vector = NDArray[np.float64]

NODES = 64
FEWEST_MACHINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMix:
    """Hours a year over customers: points and their weights, which sum to 1. One known customer is one point."""

    hours_a_year: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean hours a year."""
        return float(np.dot(self.hours_a_year, self.weights))


def known_usage(hours_a_year: float) -> UsageMix:
    """One customer whose usage is known."""
    return UsageMix(hours_a_year=(hours_a_year,), weights=(1.0,))


def fitted_usage(hours_a_year: Vector) -> UsageMix:
    """A Gamma mixture of what machines (n) were seen to work, by quantile nodes of equal weight.

    Raises InvalidRequest for fewer than five machines or hours of 0 and less: the mix would be a guess.
    """
    if len(hours_a_year) < FEWEST_MACHINES or not (hours_a_year > 0).all():
        raise InvalidRequest(
            f"{len(hours_a_year)} machines, one at {hours_a_year.min(initial=0):g} hours a year, make no mix of usage.",
            hint="Take five machines or more that worked, or the usage of the customer itself.",
        )
    if np.ptp(hours_a_year) == 0:
        return known_usage(float(hours_a_year[0]))
    shape, _, scale = gamma.fit(hours_a_year, floc=0.0)
    nodes = gamma.ppf((np.arange(NODES) + 0.5) / NODES, shape, scale=scale)
    nodes *= shape * scale / nodes.mean()
    return UsageMix(hours_a_year=tuple(map(float, nodes)), weights=(1.0 / NODES,) * NODES)
