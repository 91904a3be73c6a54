"""From margin to probability: golden 15, recovery of a known distortion, and order kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from scoring.credit.calibration import (
    IDENTITY,
    CalibrationMethod,
    Calibrator,
    PdScale,
    fit_calibrator,
    fit_logistic,
    logit,
    probability,
)

BY_DEFAULTS = {"platt_below_defaults": 60, "isotonic_above_defaults": 1000}


def pd_scale(
    calibrator: Calibrator = IDENTITY,
    *,
    central_tendency: float | None = None,
    floor: float = 0.0,
    ceiling: float = 1.0,
) -> PdScale:
    return PdScale(
        calibrator=calibrator,
        reference_rate=0.05,
        central_tendency=central_tendency,
        floor=floor,
        ceiling=ceiling,
    )


def sample(*, defaults: int, intercept: float, slope: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins whose true log-odds are intercept + slope x margin, with about so many defaults."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-3.0, 1.0, size=200_000)
    defaulted = rng.random(len(margins)) < expit(intercept + slope * margins)
    keep = np.cumsum(defaulted) <= defaults
    return margins[keep], defaulted[keep]


def test_golden_15_from_margin_to_pd() -> None:
    margin = -2.900 + -0.450 + 0.250 + -0.100
    assert margin == pytest.approx(-3.200)
    assert pd_scale().pd_12m(margin) == pytest.approx(0.03916572, abs=5e-9)


def test_steps_are_named_and_in_order() -> None:
    steps = pd_scale(central_tendency=0.10, floor=0.0005).steps(-3.2)
    assert [step.name for step in steps] == ["calibrated_identity", "central_tendency", "floor", "ceiling"]
    assert steps[0].pd_12m == pytest.approx(0.03916572, abs=5e-9)
    assert logit(steps[1].pd_12m) == pytest.approx(-3.2 + logit(0.10) - logit(0.05))
    assert steps[2].pd_12m == steps[1].pd_12m


def test_without_a_central_tendency_nothing_moves() -> None:
    calibrated, shifted, *_ = pd_scale().steps(-1.7)
    assert shifted.pd_12m == calibrated.pd_12m


def test_the_floor_and_the_ceiling_hold() -> None:
    scale = pd_scale(floor=0.0005, ceiling=0.22)
    assert scale.pd_12m(-20.0) == 0.0005
    assert scale.pd_12m(3.0) == scale.pd_12m(3.0, widened_by=2.0) == scale.steps(3.0)[-1].pd_12m == 0.22
    assert scale.steps(3.0)[-2].pd_12m == pytest.approx(expit(3.0))


def test_widening_moves_the_calibrated_log_odds() -> None:
    assert logit(pd_scale(central_tendency=0.10).pd_12m(-3.2, widened_by=0.4)) == pytest.approx(
        -3.2 + logit(0.10) - logit(0.05) + 0.4
    )


def test_platt_below_sixty_defaults_and_beta_from_there() -> None:
    few, enough = (sample(defaults=count, intercept=-0.5, slope=0.8, seed=3) for count in (59, 60))
    assert fit_calibrator(*few, **BY_DEFAULTS).method is CalibrationMethod.PLATT
    assert fit_calibrator(*enough, **BY_DEFAULTS).method is CalibrationMethod.BETA


def test_isotonic_above_a_thousand() -> None:
    enough, many = (sample(defaults=count, intercept=-0.5, slope=0.8, seed=3) for count in (1000, 1001))
    assert fit_calibrator(*enough, **BY_DEFAULTS).method is CalibrationMethod.BETA
    assert fit_calibrator(*many, **BY_DEFAULTS).method is CalibrationMethod.ISOTONIC


def test_isotonic_finds_a_step_that_beta_cannot() -> None:
    rng = np.random.default_rng(9)
    margins = rng.uniform(-4, 2, size=40_000)
    truth = np.where(margins < -1, 0.02, 0.20)
    defaulted = rng.random(len(margins)) < truth
    errors = {}
    for method, limit in ((CalibrationMethod.ISOTONIC, 1000), (CalibrationMethod.BETA, 10**9)):
        fitted = fit_calibrator(margins, defaulted, platt_below_defaults=60, isotonic_above_defaults=limit)
        assert fitted.method is method
        found = expit(np.array([fitted.log_odds(float(margin)) for margin in margins]))
        errors[method] = float(np.sqrt(np.mean((found - truth) ** 2)))
    assert errors[CalibrationMethod.ISOTONIC] < 0.02 < errors[CalibrationMethod.BETA]


def test_isotonic_gives_no_certainty() -> None:
    margins = np.linspace(-5, 5, 4_000)
    sure = fit_calibrator(margins, margins > 0, **BY_DEFAULTS)
    ends = [probability(sure.log_odds(margin)) for margin in (-99.0, 99.0)]
    assert ends == pytest.approx([0.5 / 2_000, 1 - 0.5 / 2_000])


def test_platt_is_an_unpenalised_logistic_regression() -> None:
    margins, defaulted = sample(defaults=40, intercept=-0.5, slope=0.8, seed=4)
    ours = fit_calibrator(margins, defaulted, **BY_DEFAULTS)
    theirs = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(margins[:, None], defaulted)
    assert ours.slope_default == ours.slope_survival == pytest.approx(theirs.coef_[0, 0], rel=1e-4)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], rel=1e-4)


def test_beta_recovers_a_distortion_that_platt_cannot() -> None:
    rng = np.random.default_rng(6)
    margins = rng.normal(-1.0, 1.5, size=60_000)
    true = Calibrator(method=CalibrationMethod.BETA, intercept=-1.0, slope_default=1.6, slope_survival=0.4)
    truth = np.array([true.log_odds(float(margin)) for margin in margins])
    defaulted = rng.random(len(margins)) < expit(truth)
    beta = fit_calibrator(margins, defaulted, platt_below_defaults=60, isotonic_above_defaults=10**9)
    platt = fit_calibrator(margins, defaulted, platt_below_defaults=10**9, isotonic_above_defaults=10**9)

    def divergence(fitted: Calibrator) -> float:
        q = expit(np.array([fitted.log_odds(float(margin)) for margin in margins]))
        p = expit(truth)
        return float(np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))))

    assert divergence(beta) < 2e-4 < divergence(platt)
    assert beta.slope_default == pytest.approx(1.6, abs=0.15)
    assert beta.slope_survival == pytest.approx(0.4, abs=0.15)


def test_a_score_that_points_the_wrong_way_is_flattened_not_turned() -> None:
    margins, defaulted = sample(defaults=400, intercept=-3.0, slope=0.9, seed=5)
    turned = fit_calibrator(-margins - 6.0, defaulted, **BY_DEFAULTS)
    assert (turned.slope_default, turned.slope_survival) == (0.0, 0.0)
    assert probability(turned.log_odds(-3.0)) == pytest.approx(defaulted.mean(), rel=1e-3)


@pytest.mark.parametrize("calibrator", [
    IDENTITY,
    Calibrator(method=CalibrationMethod.PLATT, intercept=0.3, slope_default=0.7, slope_survival=0.7),
    Calibrator(method=CalibrationMethod.BETA, intercept=-1.0, slope_default=1.6, slope_survival=0.0),
    Calibrator(
        method=CalibrationMethod.ISOTONIC, intercept=0.0, slope_default=0.0, slope_survival=0.0,
        knots=((-4.0, -5.0), (-2.0, -3.0), (1.0, -3.0), (2.0, 4.0)),
    ),
])  # fmt: skip
def test_order_is_kept_from_end_to_end(calibrator: Calibrator) -> None:
    scale = pd_scale(calibrator, central_tendency=0.03, floor=0.0005)
    pds = [scale.pd_12m(margin) for margin in np.linspace(-40, 40, 801)]
    assert all(later >= earlier for earlier, later in pairwise(pds))
    assert all(0 < pd <= 1 for pd in pds)


def test_the_logistic_regression_meets_its_first_order_condition() -> None:
    margins, defaulted = sample(defaults=300, intercept=-0.2, slope=1.1, seed=8)
    intercept, slope = fit_logistic(margins[:, None], defaulted, lower_slope=None)
    fitted = expit(intercept + slope * margins)
    assert fitted.sum() == pytest.approx(defaulted.sum(), rel=1e-5)
    assert (fitted * margins).sum() == pytest.approx(margins[defaulted].sum(), rel=1e-5)


@pytest.mark.parametrize("log_odds", [-700.0, -30.0, -1e-9, 0.0, 1e-9, 30.0])
def test_probability_is_exact_at_the_ends(log_odds: float) -> None:
    assert 0 < probability(log_odds) < 1 or log_odds > 36
    assert probability(log_odds) + probability(-log_odds) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("knots", [(), ((-2.0, -3.0), (0.0, -1.0), (1.0, 2.0))])
def test_a_moved_calibrator_is_a_line_of_the_other(knots: tuple[tuple[float, float], ...]) -> None:
    method = CalibrationMethod.ISOTONIC if knots else CalibrationMethod.BETA
    told = Calibrator(method=method, intercept=0.3, slope_default=0.9, slope_survival=1.2, knots=knots)
    for margin in np.linspace(-4, 3, 15):
        assert told.moved(-0.2, 0.7).log_odds(margin) == pytest.approx(-0.2 + 0.7 * told.log_odds(margin))
        assert told.moved(0.0, 1.0).log_odds(margin) == told.log_odds(margin)
