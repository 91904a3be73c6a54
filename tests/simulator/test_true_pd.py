"""The exact probability of default against simulated paths, and what it must do with the state."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.special import expit

from simulator.credit.reduced_form import HORIZON_MONTHS, TruePd, true_pd
from simulator.parameter_values import WorldParameters, load_parameters

PATHS = 200_000


@pytest.fixture(scope="module")
def parameters() -> WorldParameters:
    """The shipped parameters."""
    return load_parameters(date(2026, 7, 1))


@pytest.fixture(scope="module")
def pd_at(parameters: WorldParameters) -> TruePd:
    """The exact probability under them."""
    return true_pd(parameters)


def _simulated(parameters: WorldParameters, *, static: float, health: float, industry: float, seed: int) -> float:
    """Share of simulated paths that default within twelve months, month by month from the definition."""
    generator = np.random.default_rng(seed)
    slopes, laws = parameters.defaults, parameters.health
    h, m = np.full(PATHS, health), np.full(PATHS, industry)
    alive = np.ones(PATHS, dtype=bool)
    for _ in range(HORIZON_MONTHS):
        h = laws.persistence * h + np.sqrt(1 - laws.persistence**2) * generator.standard_normal(PATHS)
        m = laws.industry_persistence * m + np.sqrt(1 - laws.industry_persistence**2) * generator.standard_normal(PATHS)
        hazard = expit(slopes.intercept + static - slopes.health * h - slopes.industry * m)
        alive &= generator.random(PATHS) >= hazard
    return float(1.0 - alive.mean())


@pytest.mark.parametrize(
    ("static", "health", "industry"),
    [(0.0, 0.0, 0.0), (0.0, -2.0, 0.0), (0.7, -1.0, -1.5), (-0.6, -1.0, 1.0), (1.3, 0.4, -0.5), (0.2, -3.1, 0.3)],
)
def test_equals_simulated_paths(
    parameters: WorldParameters, pd_at: TruePd, static: float, health: float, industry: float
) -> None:
    exact = float(pd_at(np.array([static]), np.array([health]), np.array([industry]))[0])
    share = _simulated(parameters, static=static, health=health, industry=industry, seed=7)
    standard_error = np.sqrt(exact * (1 - exact) / PATHS)
    assert abs(share - exact) < 4 * standard_error


def test_falls_with_health_and_industry_and_rises_with_the_static_log_odds(pd_at: TruePd) -> None:
    axis, still = np.linspace(-4, 4, 81), np.zeros(81)
    assert (np.diff(pd_at(still, axis, still)) < 0).all()
    assert (np.diff(pd_at(still, still, axis)) < 0).all()
    assert (np.diff(pd_at(axis, still, still)) > 0).all()


def test_is_not_the_hazard_of_today_repeated(parameters: WorldParameters, pd_at: TruePd) -> None:
    hazard = expit(parameters.defaults.intercept + 2.5 * parameters.defaults.health)
    repeated = 1 - (1 - hazard) ** HORIZON_MONTHS
    exact = float(pd_at(np.zeros(1), np.full(1, -2.5), np.zeros(1))[0])
    assert exact < 0.8 * repeated  # health of -2.5 recovers on average
