"""The exact probability of default against simulated paths, and what it must do with the state."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from simulator.block import Laws
from simulator.credit import true_pd as module
from simulator.credit.true_pd import HORIZON_MONTHS, LIFETIME_MONTHS, TruePd
from simulator.world import make_laws, true_pd

PATHS = 200_000


@pytest.fixture(scope="module")
def laws() -> Laws:
    """Those of the base world."""
    return make_laws(24, 1)


@pytest.fixture(scope="module")
def pd_at(laws: Laws) -> TruePd:
    """The exact probability under them."""
    return true_pd(laws)


def _simulated(
    laws: Laws,
    state: tuple[float, float, float],
    *,
    months: int = HORIZON_MONTHS,
    position: int = -1,
    exposed: bool = False,
    paths: int = PATHS,
) -> float:
    """Share of simulated paths that default within so many months, month by month from the definition."""
    generator = np.random.default_rng(7)
    slopes, health = laws.parameters.defaults, laws.parameters.health
    static, h, m = state[0], np.full(paths, state[1]), np.full(paths, state[2])
    alive = np.ones(paths, dtype=bool)
    for ahead in range(1, months + 1):
        h = health.persistence * h + np.sqrt(1 - health.persistence**2) * generator.standard_normal(paths)
        m = health.industry_persistence * m + np.sqrt(1 - health.industry_persistence**2) * generator.standard_normal(
            paths
        )
        offset = laws.world.default_log_odds(np.array([position + ahead]), exposed=exposed)[0]
        hazard = expit(slopes.intercept + offset + static - slopes.health * h - slopes.industry * m)
        alive &= generator.random(paths) >= hazard
    return float(1.0 - alive.mean())


def _agree(exact: float, share: float, paths: int = PATHS) -> bool:
    return abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / paths)


def _at(pd_at: TruePd, state: tuple[float, float, float], **where: object) -> float:
    arrays = [np.array([value]) for value in state]
    return float(pd_at.at(*arrays, **where)[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "state",
    [(0.0, 0.0, 0.0), (0.0, -2.0, 0.0), (0.7, -1.0, -1.5), (-0.6, -1.0, 1.0), (1.3, 0.4, -0.5), (0.2, -3.1, 0.3)],
)
def test_equals_simulated_paths(laws: Laws, pd_at: TruePd, state: tuple[float, float, float]) -> None:
    assert _agree(_at(pd_at, state), _simulated(laws, state))


def test_the_lifetime_probability_equals_simulated_paths(laws: Laws, pd_at: TruePd) -> None:
    state = (0.4, -0.6, 0.5)
    share = _simulated(laws, state, months=LIFETIME_MONTHS, paths=40_000)
    assert _agree(_at(pd_at, state, months=LIFETIME_MONTHS), share, 40_000)


@pytest.mark.parametrize("position", [-4, 2, 8])
@pytest.mark.parametrize("exposed", [False, True])
def test_a_recession_ahead_is_part_of_the_probability(position: int, exposed: bool) -> None:
    laws = make_laws(24, 1, "recession")  # the shock strikes at month 0, the core enterprise fails at month 3
    state = (0.3, -0.8, 0.2)
    exact = _at(true_pd(laws), state, exposed=exposed, position=position)
    assert _agree(exact, _simulated(laws, state, position=position, exposed=exposed))
    assert exact > 1.1 * _at(true_pd(make_laws(24, 1)), state)


def test_drift_is_part_of_the_probability() -> None:
    laws = make_laws(24, 1, "drift")
    state = (0.3, -0.8, 0.2)
    assert _agree(_at(true_pd(laws), state, position=5), _simulated(laws, state, position=5))


def test_a_finer_grid_says_the_same(laws: Laws, pd_at: TruePd, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(1)
    states = drawn.normal(0.0, 0.65, 500), drawn.normal(size=500), drawn.normal(size=500)
    coarse = logit(pd_at.at(*states))
    monkeypatch.setattr(module, "HEALTH_GRID", np.linspace(-6.0, 6.0, 121))
    monkeypatch.setattr(module, "INDUSTRY_GRID", np.linspace(-5.0, 5.0, 57))
    monkeypatch.setattr(module, "SHIFT_GRID", np.linspace(-5.0, 5.0, 41))
    assert np.abs(logit(true_pd(laws).at(*states)) - coarse).max() < 1e-4


def test_falls_with_health_and_industry_and_rises_with_the_static_log_odds(pd_at: TruePd) -> None:
    axis, still = np.linspace(-4, 4, 81), np.zeros(81)
    assert (np.diff(pd_at.at(still, axis, still)) < 0).all()
    assert (np.diff(pd_at.at(still, still, axis)) < 0).all()
    assert (np.diff(pd_at.at(axis, still, still)) > 0).all()


def test_is_not_the_hazard_of_today_repeated(laws: Laws, pd_at: TruePd) -> None:
    slopes = laws.parameters.defaults
    hazard = expit(slopes.intercept + 2.5 * slopes.health)
    repeated = 1 - (1 - hazard) ** HORIZON_MONTHS
    assert _at(pd_at, (0.0, -2.5, 0.0)) < 0.8 * repeated  # health of -2.5 recovers on average
