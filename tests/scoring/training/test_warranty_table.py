"""A hazard as a filed table: its relativities are the hazard's, it expects as much, and more is never cheaper."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.errors import InvalidRequest
from scoring.training.warranty import recent_failure_rate
from scoring.training.warranty_table import repair_table

STARTS = {"hours_a_year": [1000, 3000], "failures_a_1000_hours": [2.0]}


def test_the_table_of_a_hazard_that_is_one_is_that_hazard() -> None:
    generator = np.random.default_rng(5)
    rows = np.column_stack([generator.uniform(0, 5000, 4_000), generator.gamma(2.0, 1.0, 4_000)])
    hours = np.array([0.5, 1.0, 2.5])[np.digitize(rows[:, 0], STARTS["hours_a_year"])]
    rate = np.array([1.0, 1.75])[np.digitize(rows[:, 1], STARTS["failures_a_1000_hours"])]
    failures, years = 0.3 * hours * rate / 12, np.full(4_000, 1 / 12)
    table = repair_table(rows, failures, years, STARTS)
    assert np.exp(table.logs(rows)) == pytest.approx(0.3 * hours * rate, rel=0.01)
    assert float((np.exp(table.logs(rows)) * years).sum()) == pytest.approx(failures.sum(), rel=1e-6)


def test_more_is_never_cheaper_and_factors_have_bands() -> None:
    rows = np.column_stack([np.tile([500.0, 2000.0, 4000.0], 50), np.full(150, 1.0)])
    table = repair_table(rows, np.tile([1.0, 3.0, 2.0], 50), np.ones(150), STARTS)
    assert (np.diff(table.factors[0].coefficients[:-1]) >= 0).all()
    with pytest.raises(InvalidRequest, match="2 factors and the bands of 1"):
        repair_table(rows, np.ones(150), np.ones(150), {"hours_a_year": [1000]})


def test_a_quarter_s_failure_rate_is_of_the_months_before_and_shrunk() -> None:
    found = recent_failure_rate(
        ["a"] * 5 + ["b"] * 2, np.full(7, 250.0), np.array([1.0, 0, 0, 2, 9, 1, 9]),
        months=3, prior_mean=1.6, prior_hours=250.0,
    )  # fmt: skip
    assert np.isnan(found[[0, 5]]).all()
    assert found[[1, 3, 4, 6]] == pytest.approx([1.4 / 0.5, 1.4 / 1.0, 2.4 / 1.0, 1.4 / 0.5])
