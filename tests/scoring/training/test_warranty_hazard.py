"""Trees on machine-months find what telemetry adds to hours; failure times are found through censoring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.errors import InvalidRequest, NotEnoughEvents
from scoring.insurance.warranty.power_law import PowerLaw
from scoring.training.warranty import MachineMonths, fit_hazard, fit_life

LAW = PowerLaw(shape=1.4, scale_hours=4000.0)
SETTINGS = {
    "max_depth": 2, "eta": 0.2, "min_child_weight": 5, "subsample": 1.0, "colsample_bytree": 1.0, "reg_lambda": 2,
    "folds": 3, "maximum_rounds": 40, "distribution": "normal", "distribution_scale": 0.5,
}  # fmt: skip


def months(n: int, seed: int) -> tuple[MachineMonths, np.ndarray]:
    """Machine-months whose hazard is the law's, times three where it runs hot; a second column says nothing."""
    generator = np.random.default_rng(seed)
    start = generator.uniform(0, 10_000, n)
    end = start + generator.uniform(20, 500, n)
    rows = np.column_stack([generator.uniform(20, 90, n), generator.standard_normal(n)])
    true = LAW.expected(start, end) * np.where(rows[:, 0] > 70, 3.0, 1.0)
    made = MachineMonths(
        rows=rows, start_hours=start, end_hours=end, failures=generator.poisson(true).astype(float),
        machines=[f"m{at % (n // 12)}" for at in range(n)],
    )  # fmt: skip
    return made, true


def test_telemetry_adds_to_the_power_law() -> None:
    train, _ = months(6_000, 1)
    found = fit_hazard(train, LAW, signs=(1, 0), settings=SETTINGS, seed=2)
    assert found.expected(train).sum() == pytest.approx(train.failures.sum(), rel=1e-6)
    fresh, true = months(4_000, 8)
    expected = found.expected(fresh)
    for usage in range(3):
        rank = np.argsort(np.argsort(fresh.end_hours - fresh.start_hours)) * 3 // 4_000
        share = rank == usage
        error = np.sqrt(true[share].sum())
        assert abs(expected[share].sum() - true[share].sum()) < 4 * error
    hot = fresh.rows[:, 0] > 70
    ratio = (expected / LAW.expected(fresh.start_hours, fresh.end_hours))[hot].mean() / (
        expected / LAW.expected(fresh.start_hours, fresh.end_hours)
    )[~hot].mean()
    assert ratio == pytest.approx(3.0, rel=0.15)
    hotter = replace(fresh, rows=fresh.rows + np.array([5.0, 0.0]))
    assert (found.expected(hotter) >= found.expected(fresh) - 1e-9).all()


def test_months_without_hours_and_without_failures_are_refused() -> None:
    made, _ = months(120, 3)
    with pytest.raises(InvalidRequest, match="Month 0 of 120"):
        fit_hazard(replace(made, end_hours=made.start_hours), LAW, signs=(1, 0), settings=SETTINGS, seed=0)
    with pytest.raises(NotEnoughEvents):
        fit_hazard(replace(made, failures=np.zeros(120)), LAW, signs=(1, 0), settings=SETTINGS, seed=0)


def test_lives_are_found_through_censoring() -> None:
    generator = np.random.default_rng(5)
    rows = generator.uniform(0, 1, (2_000, 2))
    lives = np.exp(4 - 2 * rows[:, 0] + 0.2 * generator.standard_normal(2_000))
    censored = generator.uniform(0, 80, 2_000)
    lower, upper = np.minimum(lives, censored), np.where(lives <= censored, lives, np.inf)
    found = fit_life(rows, lower, upper, [str(at) for at in range(2_000)], settings=SETTINGS, seed=1)
    told = np.log(found.medians(rows))
    assert np.polyfit(4 - 2 * rows[:, 0], told, 1)[0] == pytest.approx(1.0, abs=0.15)
    with pytest.raises(InvalidRequest, match="between bounds"):
        fit_life(rows, upper, lower, [""] * 2_000, settings=SETTINGS, seed=1)
