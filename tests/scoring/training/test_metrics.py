"""Figures of a model card against their textbook definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import mean_poisson_deviance, roc_auc_score

from scoring.experience import actual_to_expected
from scoring.training.metrics import (
    area_under_curve,
    calibration_in_the_large,
    calibration_slope,
    credit_metrics,
    poisson_deviance,
)


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    log_odds = rng.normal(-2.5, 1.0, size=4_000)
    return expit(log_odds), rng.random(4_000) < expit(log_odds)


def test_auc_is_scikit_learns(judged: tuple[np.ndarray, np.ndarray]) -> None:
    pd, defaulted = judged
    assert area_under_curve(pd, defaulted).value == pytest.approx(roc_auc_score(defaulted, pd), abs=1e-12)


def test_auc_counts_ties_half() -> None:
    found = area_under_curve(np.array([0.1, 0.1, 0.2, 0.2]), np.array([True, False, True, False]))
    assert found.value == pytest.approx(0.5)


def test_delongs_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    true_auc = 0.7602499389065233  # normal scores one standard deviation apart: Phi(1 / sqrt 2)
    covered = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(1, 1, size=60), rng.normal(0, 1, size=600)])
        found = area_under_curve(scores, np.arange(660) < 60)
        covered += found.lower <= true_auc <= found.upper
    assert 0.92 <= covered / 400 <= 0.98


def test_true_probabilities_are_calibrated(judged: tuple[np.ndarray, np.ndarray]) -> None:
    pd, defaulted = judged
    found = credit_metrics(pd, defaulted)
    assert found.calibration_in_the_large is not None
    assert found.calibration_slope is not None
    assert found.calibration_in_the_large.lower < 0 < found.calibration_in_the_large.upper
    assert found.calibration_slope.lower < 1 < found.calibration_slope.upper
    assert found.brier < found.brier_of_base_rate
    assert found.log_loss < found.log_loss_of_base_rate


def test_a_shift_and_a_stretch_are_found(judged: tuple[np.ndarray, np.ndarray]) -> None:
    pd, defaulted = judged
    log_odds = np.log(pd / (1 - pd))
    straight = calibration_in_the_large(log_odds, defaulted)
    assert calibration_in_the_large(log_odds - 0.7, defaulted).value == pytest.approx(straight.value + 0.7, abs=1e-9)
    assert calibration_slope(2 * log_odds, defaulted).value == pytest.approx(
        calibration_slope(log_odds, defaulted).value / 2, rel=1e-4
    )


def test_without_defaults_some_figures_are_none() -> None:
    found = credit_metrics(np.array([0.1, 0.2]), np.array([False, False]))
    assert (found.auc, found.calibration_slope, found.calibration_in_the_large) == (None, None, None)
    assert found.brier == pytest.approx((0.01 + 0.04) / 2)


def test_one_probability_for_all_has_no_slope(judged: tuple[np.ndarray, np.ndarray]) -> None:
    _, defaulted = judged
    found = credit_metrics(np.full(len(defaulted), 0.05), defaulted)
    assert found.calibration_slope is None
    assert found.auc is not None
    assert found.auc.value == 0.5


def test_deviance_is_scikit_learns_per_row() -> None:
    rng = np.random.default_rng(4)
    expected = rng.uniform(0.05, 0.9, size=500)
    counts = rng.poisson(expected).astype(np.float64)
    ours = poisson_deviance(counts, expected, exposure=np.ones(500))
    assert ours == pytest.approx(mean_poisson_deviance(counts, expected))


@pytest.mark.parametrize(
    ("count", "lower", "upper"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.390), (100, 81.364, 121.627)]
)
def test_exact_poisson_intervals(count: int, lower: float, upper: float) -> None:
    # the usual table of exact 95 % limits of a Poisson mean (Garwood 1936)
    found = actual_to_expected(count, 1.0)
    assert (found.lower, found.upper) == (pytest.approx(lower, abs=6e-4), pytest.approx(upper, abs=6e-4))
