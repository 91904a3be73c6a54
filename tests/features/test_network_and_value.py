"""Networks of debts and the worth of machines, on numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from features.network import debt_rank, direct_vulnerability, impact, relative_exposures
from features.value_curve import annuity_balance, live_value


def test_a_loss_travels_along_a_chain_once() -> None:
    # 0 owes 1, 1 owes 2: half of 1's equity, and 0.4 of 2's.
    receivable = np.array([[0.0, 0, 0], [50, 0, 0], [0, 40, 0]])
    exposures = relative_exposures(receivable, np.array([10.0, 100, 100]))
    assert exposures.tolist() == [[0, 0, 0], [0.5, 0, 0], [0, 0.4, 0]]
    # 0 fails: 1 loses 0.5, 2 then 0.4 x 0.5.
    found = debt_rank(exposures, np.array([1.0, 0, 0]))
    assert found.tolist() == [1, 0.5, 0.2]
    assert impact(exposures, np.array([1.0, 0, 0]), np.array([0.5, 0.25, 0.25])) == pytest.approx(
        0.25 * 0.5 + 0.25 * 0.2
    )
    assert debt_rank(exposures, np.array([1.0, 0, 0]), most_steps=1).tolist() == [1, 0.5, 0]


def test_a_circle_does_not_multiply_a_loss() -> None:
    # 0 and 1 owe each other half of the other's equity: 1 loses 0.5 x 0.4 and passes 0.5 x 0.2 back; 0 is spent.
    exposures = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert debt_rank(exposures, np.array([0.4, 0.0])) == pytest.approx([0.4 + 0.1, 0.2])


def test_nobody_loses_more_than_all() -> None:
    exposures = relative_exposures(np.array([[0.0, 500.0], [0.0, 0.0]]), np.array([100.0, 100.0]))
    assert exposures.tolist() == [[0, 1], [0, 0]]
    without = relative_exposures(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([-5.0, 100.0]))
    assert without[0, 1] == 1
    assert debt_rank(np.array([[0, 0.8, 0.8], [0, 0, 0], [0, 0, 0]]), np.array([0.0, 1, 1]))[0] == 1


def test_vulnerability_is_the_first_step_with_expected_defaults() -> None:
    owed, pd_12m = np.array([600.0, 300.0, 50.0, 80.0]), np.array([0.1, 0.04, math.nan, 0.5])
    found = direct_vulnerability(owed, pd_12m, np.array([1_000.0, math.nan, 10.0]), np.array([0, 0, 0, 2]), 3)
    assert found[0] == pytest.approx(0.072)
    assert math.isnan(found[1])
    assert found[2] == 1  # 40 expected against 10 of equity


def test_a_machine_loses_worth_by_years_and_by_hours() -> None:
    found = live_value(
        np.array([100.0, 100.0, math.nan]), np.array([2.0, 0.0, 1.0]), np.array([4_000.0, 0.0, 0.0]),
        per_year=0.15, per_1000_hours=0.03,
    )  # fmt: skip
    # exp(-0.3 - 0.12) = exp(-0.42)
    assert found[:2] == pytest.approx([65.7046820, 100])
    assert math.isnan(found[2])


def test_what_is_left_of_an_annuity() -> None:
    # 12 % a year, 12 instalments of 8.884879 for 100: after one the balance is 101 - 8.884879.
    found = annuity_balance(
        np.array([100.0] * 3), np.array([0.12, 0.0, 0.12]), np.array([12.0] * 3), np.array([1.0, 3, 12])
    )
    assert found == pytest.approx([92.1151211, 75, 0], abs=1e-6)
