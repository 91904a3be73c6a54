"""The filed table: locked by its hash, bounded, reconciled to the model, and who gains and loses at equal premium."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from scoring.errors import InvalidRequest, TariffChanged
from scoring.insurance.linear import Banding, Factor, LinearPredictor
from scoring.insurance.tariff import FiledTariff, dislocation, distilled, reconciled, require_version

LINEAR = LinearPredictor(
    intercept=float(np.log(0.08)),
    factors=(
        Factor(banding=Banding(key="hours", kind="number", edges=(2000.0, 4000.0)), coefficients=(0.0, 0.5, 1.2, 0.3)),
        Factor(banding=Banding(key="kind", kind="category", levels=("mill", "press")), coefficients=(0.0, 1.1, 0.0)),
    ),
)


def tariff(bounds: tuple[float, float] = (0.5, 4.0)) -> FiledTariff:
    return distilled(
        LINEAR,
        product="equipment_ubi",
        filing_number="F-2026-01",
        effective=date(2026, 1, 1),
        bounds=bounds,
        model_version="m",
    )


def test_rates_are_base_times_factors_inside_the_bounds() -> None:
    filed = tariff()
    rows = np.array([[1000.0, 0.0], [5000.0, 0.0], [5000.0, 1.0], [np.nan, np.nan]])
    assert filed.factors[0].relativities == (1.0, 1.6487, 3.3201, 1.3499)
    assert filed.rates(rows) == pytest.approx(0.08 * np.array([1.0, 3.3201, 4.0, 1.3499]))


def test_a_million_random_risks_stay_inside_the_filed_bounds() -> None:
    filed = tariff()
    generator = np.random.default_rng(0)
    rows = np.column_stack([generator.uniform(-1e4, 1e4, 10**6), generator.integers(0, 2, 10**6)])
    rows[generator.random(rows.shape) < 0.1] = np.nan
    rates = filed.rates(rows)
    assert rates.min() >= 0.08 * 0.5
    assert rates.max() <= 0.08 * 4.0


def test_the_table_is_locked() -> None:
    filed = tariff()
    require_version(filed, filed.version)
    with pytest.raises(TariffChanged, match="F-2026-01"):
        require_version(filed.model_copy(update={"base_rate": 0.081}), filed.version)
    assert FiledTariff.model_validate_json(filed.model_dump_json()).version == filed.version


def test_one_risk_by_table_and_by_model() -> None:
    found = reconciled(tariff(), np.array([5000.0, 1.0]), model_rate=0.35)
    assert [(name, band) for name, band, _ in found.factors] == [("hours", "4000 and above"), ("kind", "press")]
    assert found.product == pytest.approx(3.3201 * 3.0042)
    assert (found.bounded, found.filed_rate) == (4.0, pytest.approx(0.32))
    assert found.difference == pytest.approx(0.35 / 0.32 - 1)


def test_bounds_hold_the_base() -> None:
    with pytest.raises(InvalidRequest, match="Bounds"):
        tariff((1.1, 2.0))


def test_a_discount_for_some_is_a_surcharge_for_others() -> None:
    found = dislocation(np.ones(4), np.array([0.4, 0.8, 0.8, 1.2]), np.ones(4), shares=(0.25, 0.75))
    assert found["mean_change"] == pytest.approx(0.0)
    assert (found["gain"], found["lose"]) == (0.25, 0.25)
    assert (found["q25"], found["q75"]) == (pytest.approx(-0.5), pytest.approx(0.0))
