"""Curves agree with the PD over 12 months and keep their shape; hazards are those that were put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from scoring.credit.term_structure import TermStructure, reconciled
from scoring.errors import NotEnoughEvents
from scoring.training.hazard import Lives, fit_hazard, person_months

GROWTH = {"max_depth": 3, "eta": 0.1, "min_child_weight": 5, "subsample": 0.8, "reg_lambda": 5, "rounds": 80}


def test_survival_pd_and_monthly_probabilities_by_hand() -> None:
    curve = TermStructure(hazards=np.array([0.1, 0.2, 0.5]), log_odds_shift=0.0)
    assert curve.survival == pytest.approx([1, 0.9, 0.72, 0.36])
    assert (curve.pd(0), curve.pd(2), curve.pd(3)) == pytest.approx((0, 0.28, 0.64))
    assert curve.monthly == pytest.approx([0.1, 0.18, 0.36])
    assert curve.monthly.sum() == pytest.approx(curve.pd(3))


@given(
    pd=st.floats(0.0005, 0.9),
    hazards=st.lists(st.floats(1e-5, 0.3), min_size=12, max_size=60),
)
def test_twelve_months_of_the_curve_are_the_pd(pd: float, hazards: list[float]) -> None:
    curve = reconciled(hazards, pd)
    assert curve.pd(12) == pytest.approx(pd, rel=1e-9)
    assert logit(curve.hazards) - logit(np.array(hazards)) == pytest.approx(curve.log_odds_shift, abs=1e-9)
    lifetime = [curve.pd(month) for month in range(len(hazards) + 1)]
    assert lifetime == sorted(lifetime)


def test_a_curve_that_agrees_is_left_alone() -> None:
    hazards = np.full(36, 0.004)
    assert reconciled(hazards, 1 - (1 - 0.004) ** 12).log_odds_shift == pytest.approx(0.0, abs=1e-10)


def test_too_short_a_curve_or_a_certain_month_is_refused() -> None:
    with pytest.raises(AssertionError, match="at least 12"):
        reconciled([0.01] * 11, 0.1)
    with pytest.raises(AssertionError, match="strictly between"):
        reconciled([0.0] * 12, 0.1)


def test_person_months_count_time_at_risk() -> None:
    lives = Lives(
        values=np.array([[5.0], [6.0], [7.0]]), months=np.array([2, 3, 9]), defaulted=np.array([True, False, True])
    )
    values, struck = person_months(lives, horizon=4)
    assert values.tolist() == [[5, 1], [5, 2], [6, 1], [6, 2], [6, 3], [7, 1], [7, 2], [7, 3], [7, 4]]
    assert struck.tolist() == [False, True, False, False, False, False, False, False, False]


def lives_of(count: int, *, seed: int) -> tuple[Lives, np.ndarray]:
    """Firms whose hazard falls with health and rises with the month, a third of them censored early."""
    drawn = np.random.default_rng(seed)
    health = drawn.normal(size=count)
    hazards = expit(-5.0 - 0.8 * health[:, None] + 0.05 * np.arange(24))
    struck = drawn.random(hazards.shape) < hazards
    month = np.where(struck.any(axis=1), struck.argmax(axis=1) + 1, 24)
    ends = np.where(drawn.random(count) < 1 / 3, drawn.integers(1, 25, size=count), 24)
    followed = np.minimum(month, ends)
    return Lives(values=health[:, None], months=followed, defaulted=struck.any(axis=1) & (month <= ends)), hazards


@pytest.mark.parametrize("kept", [1.0, 0.3])
def test_hazards_are_found_by_month_and_by_risk(kept: float) -> None:
    lives, _ = lives_of(6_000, seed=3)
    model = fit_hazard(lives, signs=[-1], settings=GROWTH, horizon=24, seed=1, kept=kept)
    others, true = lives_of(4_000, seed=4)
    found = model.hazards(others.values)
    assert found.shape == (4_000, 24)
    for months in (slice(0, 6), slice(6, 12), slice(12, 24)):  # actual against expected over the curve
        assert found[:, months].mean() == pytest.approx(true[:, months].mean(), rel=0.12)
    sick = others.values[:, 0] < -0.5
    assert found[sick].mean() == pytest.approx(true[sick].mean(), rel=0.15)
    twelve = 1 - np.prod(1 - found[:, :12], axis=1)
    assert np.corrcoef(logit(twelve), others.values[:, 0])[0, 1] < -0.95
    sweep = model.hazards(np.linspace(-3, 3, 50)[:, None])
    assert (np.diff(sweep, axis=0) <= 1e-9).all()


def test_no_default_is_named() -> None:
    lives = Lives(values=np.zeros((9, 1)), months=np.full(9, 5), defaulted=np.zeros(9, dtype=bool))
    with pytest.raises(NotEnoughEvents, match="among 9 firms within 24 months"):
        fit_hazard(lives, signs=[0], settings=GROWTH, horizon=24, seed=1)
