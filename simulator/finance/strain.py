"""How hard up firms are when a structural world begins, so that its first year is like the others.

Whoever did badly before the world has used up more of its cash and of its owner's means. Some are in distress already:
next to nothing is left, the credit line is drawn, and one or two instalments are unpaid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.money_values import FinanceParameters
from simulator.streams import Streams

MOST_UNPAID = 2
"""Instalments: with a third the firm would be in default."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """Arrays by firm."""

    means_left: Floats
    """What is left of the usual cash and owner's means, as a ratio."""
    is_distressed: Bools
    unpaid: Ints
    """Instalments that fell due before the world and were not paid."""


def no_strain(count: int) -> Strain:
    """Firms of usual means."""
    return Strain(
        means_left=np.ones(count), is_distressed=np.zeros(count, dtype=bool), unpaid=np.zeros(count, dtype=np.int64)
    )


def draw_strain(block: int, health: Floats, *, rules: FinanceParameters, streams: Streams) -> Strain:
    """The strain of a block's firms by their `health` when the world begins."""
    uniform = streams.of("opening.distress", block).random((len(health), 2))
    is_distressed = uniform[:, 0] < expit(rules.opening_distress_intercept - rules.opening_distress_health * health)
    left = np.exp(rules.opening_means_health_log * health)
    return Strain(
        means_left=np.where(is_distressed, rules.opening_distress_means_share, left),
        is_distressed=is_distressed,
        unpaid=np.where(is_distressed, 1 + np.floor(MOST_UNPAID * uniform[:, 1]).astype(np.int64), 0),
    )
