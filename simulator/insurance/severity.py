"""How much a loss costs: a Gamma body with a Pareto tail, as a share of the sum insured, and its exact layer mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv

from simulator.parameter_values import SeverityLaw

Floats = NDArray[np.float64]


def draw_damage(law: SeverityLaw, generator: np.random.Generator, *, scale: Floats) -> Floats:
    """Damages (n) as shares of the sum insured, `scale` (n) times a draw from the law; they may exceed 1.

    Each takes its own three numbers of the stream, so that a damage does not depend on how many come after it.
    """
    uniform = generator.random((len(scale), 3))
    body = gammaincinv(law.gamma_shape, uniform[:, 2]) * law.gamma_mean_share / law.gamma_shape
    tail = law.tail_from_share * (1.0 - uniform[:, 1]) ** (-1.0 / law.tail_index)
    return np.asarray(scale * np.where(uniform[:, 0] < law.tail_chance, tail, body))


def mean_payout(law: SeverityLaw, *, scale: Floats, deductible_share: float) -> Floats:
    """E[min(X, 1) - d]+ of a damage X under a deductible d: what a loss costs the insurer on average, exactly.

    The mean of a layer is the difference of two limited expected values, E[min(X, 1)] - E[min(X, d)].
    """
    return scale * (_limited(law, 1.0 / scale) - _limited(law, deductible_share / scale))


def chance_above(law: SeverityLaw, *, scale: Floats, deductible_share: float) -> Floats:
    """P(X > d): the chance that a loss becomes a claim."""
    limit = deductible_share / scale
    below_body = gammainc(law.gamma_shape, limit * law.gamma_shape / law.gamma_mean_share)
    above_tail = np.minimum((law.tail_from_share / limit) ** law.tail_index, 1.0)
    chance: Floats = (1.0 - law.tail_chance) * (1.0 - below_body) + law.tail_chance * above_tail
    return chance


def _limited(law: SeverityLaw, limit: Floats) -> Floats:
    """E[min(X, limit)] of an unscaled damage."""
    shape, mean, start, index = law.gamma_shape, law.gamma_mean_share, law.tail_from_share, law.tail_index
    reduced = limit * shape / mean
    body = mean * gammainc(shape + 1.0, reduced) + limit * (1.0 - gammainc(shape, reduced))
    beyond = np.maximum(limit, start)
    tail = np.where(limit < start, limit, start + start / (index - 1.0) * (1.0 - (start / beyond) ** (index - 1.0)))
    mean_below: Floats = (1.0 - law.tail_chance) * body + law.tail_chance * tail
    return mean_below
