"""Pareto tails: known parameters found again, layers that add up, thresholds where the tail begins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import genpareto, kstest

from scoring.errors import InvalidRequest, NotEnoughEvents
from scoring.insurance.tail import LOOKS_PARETO, ParetoTail, fit_tail, mean_excesses, stable_threshold

TAIL = ParetoTail(threshold=100.0, shape=0.25, scale=30.0, excesses=50, losses=1000, distance=0.0)


def test_parameters_are_found_again() -> None:
    losses = 100 + genpareto.rvs(0.3, scale=40, size=20_000, random_state=np.random.default_rng(1))
    found = fit_tail(losses, threshold=100.0)
    assert (found.shape, found.scale) == (pytest.approx(0.3, abs=0.03), pytest.approx(40, rel=0.03))
    assert found.chance == 1.0


def test_layers_add_up_to_the_mean_excess() -> None:
    assert TAIL.mean_excess == pytest.approx(40.0)
    assert TAIL.limited_excess(1e12) == pytest.approx(40.0, rel=1e-4)
    grid = np.linspace(0, 400, 400_001)
    by_hand = np.trapezoid(genpareto.sf(grid, 0.25, scale=30.0), grid)
    assert TAIL.limited_excess(500.0) == pytest.approx(by_hand, rel=1e-6)
    assert TAIL.limited_excess(90.0) == 0.0
    assert TAIL.load() == pytest.approx(0.05 * 40.0)
    assert TAIL.load(500.0) < TAIL.load()


@pytest.mark.parametrize("shape", [0.0, 1.0, -0.3])
def test_shapes_at_the_seams_of_the_formula(shape: float) -> None:
    tail = ParetoTail(threshold=0.0, shape=shape, scale=10.0, excesses=1, losses=1, distance=0.0)
    grid = np.linspace(0, 20, 200_001)
    assert tail.limited_excess(20.0) == pytest.approx(
        np.trapezoid(genpareto.sf(grid, shape, scale=10.0), grid), rel=1e-6
    )


def test_quantiles_of_the_tail() -> None:
    assert TAIL.quantile(0.95) == pytest.approx(100.0)
    assert genpareto.sf(TAIL.quantile(0.999) - 100, 0.25, scale=30.0) * 0.05 == pytest.approx(0.001)
    with pytest.raises(InvalidRequest, match="below the tail"):
        TAIL.quantile(0.5)


def test_mean_excesses_by_hand() -> None:
    found = mean_excesses(np.array([1.0, 2.0, 4.0, 9.0]), np.array([0.0, 2.0, 8.0, 9.0]))
    assert found[:3].tolist() == [4.0, 4.5, 1.0]
    assert np.isnan(found[3])


def test_the_limit_of_the_distance_lets_pareto_pass() -> None:
    """19 of 20 samples of excesses that are Pareto stay below it, their parameters fitted on themselves."""
    generator = np.random.default_rng(3)
    passed = 0
    for _ in range(100):
        excesses = genpareto.rvs(0.3, size=150, random_state=generator)
        shape, _, scale = genpareto.fit(excesses, floc=0.0)
        passed += kstest(excesses, genpareto(shape, scale=scale).cdf).statistic * 150**0.5 <= LOOKS_PARETO
    assert passed >= 95


def test_the_threshold_is_where_the_tail_begins() -> None:
    generator = np.random.default_rng(7)
    body, tail = generator.gamma(4.0, 20.0, 4000), 200 + genpareto.rvs(0.4, scale=80, size=600, random_state=generator)
    losses = np.concatenate([body[body < 200], tail])
    found = stable_threshold(losses, np.array([20.0, 60.0, 120.0, 200.0, 300.0]))
    assert found == 200.0


def test_too_few_large_losses_are_refused() -> None:
    with pytest.raises(NotEnoughEvents, match="19 of 100"):
        fit_tail(np.r_[np.ones(81), np.full(19, 50.0)], threshold=10.0)
    with pytest.raises(NotEnoughEvents, match="None of 1"):
        stable_threshold(np.ones(5), np.array([2.0]))
