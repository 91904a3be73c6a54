"""Buhlmann-Straub to the printed digits of the modelling note (3.2), and what must hold of any credibility."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import NotEnoughEvents
from scoring.insurance.credibility import credible_ratios, variance_between, variance_within

WEIGHTS = np.array([33.0, 14.0, 165.0, 7.0])
OWN = np.array([0.122726, 0.253576, 0.090305, 0.284283])
WITHIN = 0.037654


def test_the_published_vector() -> None:
    """Weights are those behind the printed Z, the fleets' own ratios those behind the printed premiums; variance
    between, K, Z and the collective follow from them by the estimators, and so are checks."""
    found = credible_ratios(WEIGHTS, OWN, within=WITHIN)
    assert round(found.structure.between, 6) == 0.005157
    assert round(found.structure.k, 4) == 7.3016
    assert np.round(found.z, 4).tolist() == [0.8188, 0.6572, 0.9576, 0.4895]
    assert round(found.structure.collective, 6) == 0.168576
    assert np.round(found.ratios, 5).tolist() == [0.13103, 0.22444, 0.09362, 0.22521]


def test_the_variance_within_by_hand() -> None:
    """Fleet one: weights 1, 3, ratios 2, 0: mean 0.5, 1 x 2.25 + 3 x 0.25 = 3; fleet two: 2, 2 and 1, 2: 1; over 2."""
    weights = [np.array([1.0, 3.0]), np.array([2.0, 2.0])]
    assert variance_within(weights, [np.array([2.0, 0.0]), np.array([1.0, 2.0])]) == pytest.approx(2.0)


def test_one_period_each_tells_no_variance() -> None:
    with pytest.raises(NotEnoughEvents, match="two periods"):
        variance_within([np.array([1.0])], [np.array([1.0])])


def test_fleets_that_do_not_differ_have_no_credibility() -> None:
    found = credible_ratios(np.array([10.0, 20.0]), np.array([1.0, 1.01]), within=1.0)
    assert variance_between(np.array([10.0, 20.0]), np.array([1.0, 1.01]), within=1.0) == 0.0
    assert found.z.tolist() == [0.0, 0.0]
    assert found.ratios.tolist() == pytest.approx([1.00667, 1.00667], abs=1e-5)


def test_credibility_recovers_what_fleets_were_drawn_from() -> None:
    generator = np.random.default_rng(5)
    weights = generator.uniform(2.0, 60.0, 4000)
    true = generator.gamma(8.0, 1 / 8.0, 4000)
    own = generator.poisson(weights * true) / weights
    found = credible_ratios(weights, own, within=1.0)
    assert found.structure.between == pytest.approx(1 / 8, rel=0.1)
    assert found.structure.collective == pytest.approx(1.0, abs=0.02)
    mistakes = [float(weights @ (guess - true) ** 2) for guess in (found.ratios, own, np.ones_like(own))]
    assert mistakes[0] < min(mistakes[1:])


@given(st.lists(st.tuples(st.floats(0.1, 500), st.floats(0, 10)), min_size=2, max_size=20), st.floats(0.01, 5))
def test_a_credible_ratio_lies_between_the_own_and_the_collective(
    fleets: list[tuple[float, float]], within: float
) -> None:
    weights, own = (np.array(side) for side in zip(*fleets, strict=True))
    found = credible_ratios(weights, own, within=within)
    low, high = np.minimum(own, found.structure.collective), np.maximum(own, found.structure.collective)
    assert ((found.ratios >= low - 1e-9) & (found.ratios <= high + 1e-9)).all()
    assert (np.diff(found.z[np.argsort(weights)]) >= -1e-12).all()
