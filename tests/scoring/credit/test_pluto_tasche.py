"""Low-default grades: printed vectors, monotone, never zero, and prudent by as much as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from scoring.credit.pluto_tasche import BetaPrior, most_prudent, optimism, posterior_mean, upper_pd

CONFIDENCES = (0.50, 0.75, 0.90, 0.95)


@pytest.mark.parametrize(
    ("obligors", "defaults", "percent"),
    [
        (200, 0, (0.346, 0.691, 1.145, 1.487)),
        (200, 1, (0.838, 1.341, 1.931, 2.350)),
        (500, 3, (0.734, 1.020, 1.331, 1.543)),
        (100, 0, (0.691, 1.377, 2.276, 2.951)),
    ],
)
def test_independent_vectors_to_their_printed_digits(obligors: int, defaults: int, percent: tuple[float, ...]) -> None:
    found = [100 * upper_pd(obligors, defaults, confidence=confidence) for confidence in CONFIDENCES]
    assert [round(value, 3) for value in found] == list(percent)


def test_the_correlated_vector_to_its_printed_digits() -> None:
    assert round(100 * upper_pd(200, 1, confidence=0.9, asset_correlation=0.12), 2) == 4.36
    assert round(100 * upper_pd(200, 1, confidence=0.9), 2) == 1.93


def test_three_grades_without_a_default() -> None:
    # Pluto and Tasche (2005), Table 1: 100, 400 and 300 obligors, no default; percent at 50, 75, 90 and 95 %
    found = [
        [round(100 * pd, 2) for pd in most_prudent([100, 400, 300], [0, 0, 0], confidence=confidence)]
        for confidence in CONFIDENCES
    ]
    assert found == [[0.09, 0.10, 0.23], [0.17, 0.20, 0.46], [0.29, 0.33, 0.76], [0.37, 0.43, 0.99]]


@given(
    grades=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 3)), min_size=1, max_size=8),
    confidence=st.sampled_from(CONFIDENCES),
)
def test_worse_grades_never_have_lower_pds_when_no_default_is_lost(
    grades: list[tuple[int, int]], confidence: float
) -> None:
    obligors = [count for count, _ in grades]
    defaults = [min(struck, count) for count, struck in grades]
    found = most_prudent(obligors, defaults, confidence=confidence)
    assert all(pd > 0 for pd in found)
    assert found[-1] == pytest.approx(upper_pd(obligors[-1], defaults[-1], confidence=confidence))
    without = most_prudent(obligors, [0] * len(obligors), confidence=confidence)
    assert list(without) == sorted(without)


def test_it_is_the_pd_at_which_so_few_defaults_just_stop_to_surprise() -> None:
    pd = upper_pd(500, 3, confidence=0.75)
    assert binom.cdf(3, 500, pd) == pytest.approx(0.25, abs=1e-9)
    drawn = np.random.default_rng(1).binomial(500, pd, size=40_000)
    assert np.mean(drawn <= 3) == pytest.approx(0.25, abs=0.01)


def test_correlation_makes_it_more_prudent_and_none_is_the_limit() -> None:
    found = [upper_pd(200, 1, confidence=0.9, asset_correlation=rho) for rho in (1e-9, 0.05, 0.12, 0.24)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(upper_pd(200, 1, confidence=0.9), abs=1e-6)


def test_ends() -> None:
    assert upper_pd(5, 5, confidence=0.9) == 1.0
    assert upper_pd(0, 0, confidence=0.9) == 1.0
    with pytest.raises(AssertionError, match="6 defaults of 5 obligors"):
        upper_pd(5, 6, confidence=0.9)


def test_the_bayesian_challenger() -> None:
    assert posterior_mean(200, 0) == pytest.approx(0.5 / 201)
    assert posterior_mean(150, 1, prior=BetaPrior(rate=0.04, obligors=50)) == pytest.approx(3 / 200)
    with pytest.raises(AssertionError, match="outvote"):
        posterior_mean(150, 1, prior=BetaPrior(rate=0.04, obligors=51))


def test_a_pd_far_below_what_was_seen_is_optimistic() -> None:
    assert optimism(0.005, 1000, 20) < 0.01
    assert 0.3 < optimism(0.02, 1000, 20) < 0.7
    assert optimism(0.05, 1000, 20) > 0.99
