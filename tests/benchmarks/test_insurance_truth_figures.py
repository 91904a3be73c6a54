"""Insurance beside the truth: what one claim adds to the variance, and gaps by tercile of usage."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.insurance.warranty_truth import by_year, largest_gap, mean_table
from benchmarks.insurance_truth import _lump
from simulator.insurance.severity import draw_damage
from simulator.parameter_values import load_parameters
from simulator.world import PARAMETERS_AS_OF

DRAWS = 400_000


def test_a_claim_adds_to_the_variance_what_drawn_claims_do() -> None:
    insurance, generator = load_parameters(PARAMETERS_AS_OF).insurance, np.random.default_rng(4)
    failures, hours = 900.0, 400_000.0
    sums = np.zeros(2)
    for kind in insurance.kinds.values():
        damage = draw_damage(kind.severity, generator, scale=np.ones(DRAWS))
        paid = np.maximum(np.minimum(damage, 1.0) - insurance.deductible_share, 0.0)
        losses = failures * kind.per_failure + hours * kind.per_1000_hours / 1000
        sums += losses * np.array([paid.mean(), (paid**2).mean()])
    truth = pa.table({"faults_expected": [500.0, 400.0], "executing_hours": [100_000.0, 300_000.0]})
    assert _lump(truth) == pytest.approx(sums[1] / sums[0], rel=0.03)


def test_the_largest_gap_is_of_a_tercile_in_errors_of_what_is_to_come() -> None:
    usage = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    true = np.array([8.0, 8.0, 20.0, 5.0, 50.0, 50.0])
    assert largest_gap(true, true, usage) == 0.0
    assert largest_gap(true + np.array([0.0, 0, 0, 0, 10, 10]), true, usage) == pytest.approx(2.0)
    assert largest_gap(true - np.array([4.0, 4, 0, 0, 0, 0]), true, usage) == pytest.approx(2.0)
    new = np.array([np.nan, 20.0, 30.0, 40.0, 50.0, 60.0])
    assert largest_gap(true - np.array([8.0, 0, 0, 0, 0, 0]), true, new) == pytest.approx(2.0)


def test_tables_of_worlds_are_one_by_geometric_means() -> None:
    worlds = [{"warranty_table": {"base": base, "hours": {"below 1000": base / 2}}} for base in (1.0, 4.0)]
    assert mean_table(worlds) == pytest.approx({"base": 2.0, "hours/below 1000": 1.0})


def test_a_hazard_that_ages_too_slowly_falls_from_year_to_year() -> None:
    """One failure a month, expected 1.0 in the first year and 0.9 in the second."""
    month = np.arange(24)
    assert by_year(np.where(month < 12, 1.0, 0.9), np.ones(24), month) == pytest.approx([1.0, 0.9])
