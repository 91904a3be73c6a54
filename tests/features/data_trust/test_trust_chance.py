"""The chance of agreement beside the distribution it is."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from features.data_trust.chance import log_at_least


def test_at_least_so_many_is_the_binomial_tail_to_the_last_bit() -> None:
    draw = np.random.default_rng(3)
    compared = np.repeat(np.arange(0, 1_000), 20)
    matched = np.floor(draw.random(compared.size) * (compared + 1)).astype(np.int64)
    chance = np.where(
        draw.random(compared.size) < 0.5, draw.random(compared.size), 10.0 ** -draw.uniform(1, 8, compared.size)
    )
    found = log_at_least(matched, compared, chance)
    assert np.isneginf(found).any()
    assert (matched == 0).any()
    np.testing.assert_array_equal(found, binom.logsf(matched - 1, np.maximum(compared, 1), chance))
    assert (found[matched == 0] == 0.0).all()
