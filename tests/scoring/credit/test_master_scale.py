"""Golden 15 and worked score points."""

from __future__ import annotations

import math
from datetime import date

import pytest

from data_contracts.reference.dated import ParameterBook
from scoring.credit.master_scale import MasterScale, PointsScale, master_scale

# golden case 15
UPPER_BOUNDS = {
    "R1": 0.000707, "R2": 0.001414, "R3": 0.002646, "R4": 0.004387, "R5": 0.006837, "R6": 0.010512,
    "R7": 0.016125, "R8": 0.025298, "R9": 0.040000, "R10": 0.063246, "R11": 0.101980, "R12": 0.169115,
}  # fmt: skip


@pytest.fixture
def scale(parameters: ParameterBook) -> MasterScale:
    return master_scale(parameters.at(date(2026, 7, 1))["master_scale"])


@pytest.fixture
def points(parameters: ParameterBook) -> PointsScale:
    return PointsScale(**parameters.at(date(2026, 7, 1))["score_points"])


def test_golden_15_bounds_are_geometric_means(scale: MasterScale) -> None:
    assert {grade: round(bound, 6) for grade, bound in scale.upper_bounds.items()} == UPPER_BOUNDS


@pytest.mark.parametrize(
    ("pd_12m", "grade"),
    [
        (0.0, "R1"),
        (0.0007, "R1"),
        (0.00071, "R2"),
        (0.03916572, "R9"),  # golden 15
        (0.0400001, "R10"),
        (0.169, "R12"),
        (0.17, "R13"),
        (0.9999, "R13"),
        (1.0, "D"),
    ],
)
def test_a_pd_has_its_grade(scale: MasterScale, pd_12m: float, grade: str) -> None:
    assert scale.grade(pd_12m) == grade


def test_a_bound_belongs_to_the_better_grade(scale: MasterScale) -> None:
    for grade, bound in scale.upper_bounds.items():
        assert scale.grade(bound) == grade
        assert scale.is_worse(scale.grade(math.nextafter(bound, 1)), than=grade)


def test_every_middle_lies_in_its_own_grade(scale: MasterScale) -> None:
    assert {scale.grade(mid): mid for mid in scale.mids.values()} == dict(scale.mids)


def test_golden_15_factor_and_offset(points: PointsScale) -> None:
    assert points.factor == pytest.approx(28.85390082, abs=5e-9)
    assert points.offset == pytest.approx(487.12287620, abs=5e-9)
    assert points.points(0.03916572) == pytest.approx(579.4554, abs=5e-5)


# worked by hand: offset 487.1229, factor 28.8539
@pytest.mark.parametrize(
    ("pd_12m", "expected"),
    [
        (0.001, 686.4),
        (0.005, 639.9),
        (0.01, 619.7),
        (1 / 51, 600.0),
        (0.03, 587.4),
        (0.05, 572.1),
        (0.1, 550.5),
        (0.2, 527.1),
    ],
)
def test_published_points(points: PointsScale, pd_12m: float, expected: float) -> None:
    assert points.points(pd_12m) == pytest.approx(expected, abs=0.05)


def test_odds_double_every_pdo_points(points: PointsScale) -> None:
    assert points.points(1 / 101) - points.points(1 / 51) == pytest.approx(20)
    assert points.points(1 / 51) - points.points(1 / 26) == pytest.approx(20)
