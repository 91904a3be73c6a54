"""The benchmark's own arithmetic: paired differences, points of power, deciles, and the month grid."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.worlds import exact
from benchmarks.worlds.built import CALIBRATE, END, MONTHS, TEST, TRAIN, month_end, split
from benchmarks.worlds.compared import auc_difference
from benchmarks.worlds.planted import PLANTS
from scoring.training.leakage import CHECKS
from scoring.training.metrics import area_under_curve
from scoring.training.power_points import points_of
from simulator.worlds import TRAPS


def test_the_paired_difference_is_that_of_the_two_areas_with_a_bootstrap_interval() -> None:
    drawn = np.random.default_rng(1)
    outcome = drawn.random(3000) < 0.1
    common = drawn.normal(size=3000) + outcome
    one, other = common + 0.3 * drawn.normal(size=3000), common + 0.8 * drawn.normal(size=3000)
    found = auc_difference(one, other, outcome)
    by_hand = area_under_curve(one, outcome).value - area_under_curve(other, outcome).value
    assert found.value == pytest.approx(by_hand)
    again = []
    for _ in range(300):
        rows = drawn.integers(3000, size=3000)
        again.append(
            area_under_curve(one[rows], outcome[rows]).value - area_under_curve(other[rows], outcome[rows]).value
        )
    assert (found.upper - found.lower) / 2 == pytest.approx(1.96 * np.std(again), rel=0.2)


def test_a_score_against_itself_differs_by_nothing() -> None:
    scores = np.arange(10.0)
    found = auc_difference(scores, 2 * scores, scores > 6)
    assert (found.value, found.lower, found.upper) == (0.0, 0.0, 0.0)


POINTS = """
before  last  now   capacity  utilisation  growth
1500    1500  1500  20        100          50
500     1500  1500  20        100          100
1500    1500  750   20        50           45.8333333333
0       0     0     10        0            50
"""


@pytest.mark.parametrize("row", POINTS.strip().splitlines()[1:])
def test_power_points_by_hand(row: str) -> None:
    """Capacity (INT(mean / 1000) + 1) x 10, utilisation a point a hundredth of the peak, growth 50 and a point a
    hundredth; a third of each."""
    before, last, now, *parts = (float(cell) for cell in row.split())
    months = np.array([[before] * 12 + [last] * 11 + [now]])
    assert points_of(months)[0] == pytest.approx(sum(parts) / 3)


def test_the_slices_are_a_year_apart_and_end_before_the_world() -> None:
    split().check_embargo(12)
    assert month_end(MONTHS) == END
    assert month_end(0) == datetime(2022, 6, 30, 16, tzinfo=UTC)
    assert max(TEST) + 12 <= MONTHS
    assert min(CALIBRATE) - max(TRAIN) >= 12


def test_every_trap_is_planted_and_has_its_detector() -> None:
    assert tuple(PLANTS) == TRAPS
    assert set(CHECKS) == set(TRAPS)


def test_outcomes_lie_where_the_exact_probabilities_say() -> None:
    found = exact.outcomes(range(1, 5))
    rows = exact.by_decile(found)
    assert [row["decile"] for row in rows] == list(range(1, 11))
    assert all(row["inside"] for row in rows)
    assert sum(row["firms"] for row in rows) == len(found.pd)
    moved = exact.Outcomes(pd=1.6 * found.pd, defaulted=found.defaulted, division=found.division, cluster=found.cluster)
    assert not all(row["inside"] for row in exact.by_decile(moved))


@pytest.mark.parametrize("case", exact.CASES, ids=lambda case: case.name)
def test_simulated_paths_agree_with_the_exact_probabilities(case: exact.Case) -> None:
    states = exact.states_of(case, paths=50_000, seed=3)
    assert max(abs(state["z"]) for state in states) <= 4
    assert len(states) == 20
    assert min(state["pd"] for state in states) < 0.03 * case.horizon / 12
    assert max(state["pd"] for state in states) > 0.2


def test_paths_of_another_world_do_not_agree() -> None:
    """The exact probabilities of the recession beside paths of base: the check can fail."""
    recession = next(case for case in exact.CASES if case.world == "recession")
    base = exact.Case(name="base", world="base", horizon=12, positions=recession.positions)
    exact_there = [state["pd"] for state in exact.states_of(recession, paths=50_000, seed=3)]
    here = [state["simulated"] for state in exact.states_of(base, paths=50_000, seed=3)]
    z = (np.array(here) - exact_there) / np.sqrt(np.array(exact_there) * (1 - np.array(exact_there)) / 50_000)
    assert np.abs(z).max() > 10
