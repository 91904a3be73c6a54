"""Balance in all and at every level, tables of bands, and the order of risks kept."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.errors import NotEnoughEvents
from scoring.insurance.balance import Autocalibration, fit_autocalibration, global_factor
from scoring.insurance.linear import Banding, Factor, LinearPredictor, category_banding, quantile_banding
from scoring.training.claims.diagnostics import by_decile, concentration_gap


def drawn(seed: int, n: int = 60_000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Exposure, true log-frequency, a prediction that exaggerates it twofold, and claims."""
    generator = np.random.default_rng(seed)
    exposure = generator.uniform(0.2, 1.0, n)
    true = -1.5 + 0.5 * generator.standard_normal(n)
    return exposure, true, -1.2 + 2 * (true + 1.5), generator.poisson(exposure * np.exp(true)).astype(float)


def test_autocalibration_undoes_an_exaggeration() -> None:
    exposure, true, said, counts = drawn(1)
    balance = fit_autocalibration(said, counts, exposure, bands=40)
    found = balance.logs(said)
    assert float((exposure * np.exp(found)).sum()) == pytest.approx(counts.sum(), rel=1e-9)
    slope = np.polyfit(said, found, 1)[0]
    assert slope == pytest.approx(0.5, abs=0.05)
    assert np.corrcoef(found, true)[0, 1] > 0.99
    for band in by_decile(found, counts, exposure):
        assert band.ratio.lower <= 1.02
        assert band.ratio.upper >= 0.98
    gaps = [abs(concentration_gap(np.exp(logs), counts, exposure)) for logs in (found, said)]
    assert gaps[0] < gaps[1] / 10


def test_the_order_of_risks_is_kept_everywhere() -> None:
    exposure, _, said, counts = drawn(2, 5_000)
    balance = fit_autocalibration(said, counts, exposure, bands=20)
    grid = np.linspace(said.min() - 2, said.max() + 2, 2_000)
    assert (np.diff(balance.logs(grid)) >= -1e-12).all()


def test_a_factor_alone() -> None:
    assert global_factor(np.array([3.0, 1.0]), np.array([1.0, 1.0])) == 2.0
    assert Autocalibration(factor=2.0).logs(np.array([0.0])) == pytest.approx([np.log(2)])
    with pytest.raises(NotEnoughEvents, match="No claims"):
        global_factor(np.zeros(2), np.ones(2))


def test_bands_of_numbers_texts_and_nothing() -> None:
    few = quantile_banding("power", np.array([4.0, 5.0, 5.0, 9.0]), np.ones(4), bands=10)
    assert (few.edges, few.base) == ((5.0, 9.0), 1)
    assert few.places(np.array([4.0, 5.0, 8.9, 9.0, np.nan])).tolist() == [0, 1, 1, 2, 3]
    assert few.names() == ("below 5", "5 to below 9", "9 and above", "missing")
    many = quantile_banding("age", np.arange(1000.0), np.ones(1000), bands=4)
    assert many.edges == (10.0, 30.0, 250.0, 500.0, 750.0, 970.0, 990.0, 997.0)
    heavy = quantile_banding("bonus", np.r_[np.full(600, 50.0), np.arange(51.0, 451.0)], np.ones(1000), bands=4)
    assert heavy.edges[:3] == (51.0, 55.0, 63.0)
    assert (heavy.base, len(heavy.edges)) == (0, 9)
    text = category_banding("region", ("north", "south"), np.array([1.0, 1.0, 0.0, np.nan]), np.ones(4))
    assert (text.base, text.bands, text.names()) == (1, 3, ("north", "south", "missing"))
    assert quantile_banding("one", np.full(3, 7.0), np.ones(3), bands=4).names() == ("all", "missing")


def test_a_predictor_adds_up() -> None:
    factors = (
        Factor(banding=Banding(key="age", kind="number", edges=(10.0,)), coefficients=(0.0, 0.5, 0.1)),
        Factor(banding=Banding(key="kind", kind="category", levels=("a", "b")), coefficients=(0.0, -1.0, 0.2)),
    )
    linear = LinearPredictor(intercept=-2.0, factors=factors)
    rows = np.array([[9.0, 0.0], [10.0, 1.0], [np.nan, np.nan]])
    assert linear.logs(rows).tolist() == pytest.approx([-2.0, -2.5, -1.7])
    assert linear.contributions(rows)[1].tolist() == [0.5, -1.0]
    assert LinearPredictor(intercept=1.0, factors=()).logs(rows).tolist() == [1.0, 1.0, 1.0]
