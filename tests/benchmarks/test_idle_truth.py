"""Idle cover beside the truth: which days count, and how gaps over worlds are told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

import simulator
from benchmarks.insurance.idle_truth import MONTHS, _is_workday, idle_cover, together
from scoring.errors import NotEnoughEvents

DAYS = """
day         counts
2026-05-04  yes
2026-05-09  no      # Saturday
2026-10-01  no      # National Day
2026-02-17  no      # Chinese New Year
2026-02-04  no      # closing before it
2026-03-11  yes     # open again
"""


@pytest.mark.parametrize("row", DAYS.strip().splitlines()[1:])
def test_which_days_count(row: str) -> None:
    day, counts = row.split()[:2]
    number = np.array([date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()])
    assert bool(_is_workday(number)[0]) is (counts == "yes")


def world(expected: float, true: float, beyond: float) -> dict[str, float]:
    return {
        "expected": expected, "true_expected": true, "loss_99_5": 4 * expected, "true_loss_99_5": 4 * true,
        "true_chance_beyond": beyond,
    }  # fmt: skip


def test_gaps_are_told_over_worlds() -> None:
    """Gaps of 0.01 and 0.03: mean 0.02, standard error 0.01, two standard errors."""
    found = together([world(0.05, 0.04, 0.0), world(0.06, 0.03, 0.01)])
    assert found["expected"] == pytest.approx(0.055)
    assert found["true_chance_beyond"] == pytest.approx(0.005)
    assert found["expected_gap"]["mean"] == pytest.approx(0.02)
    assert found["expected_gap"]["standard_errors"] == pytest.approx(2.0)
    low, high = found["expected_gap"]["interval"]
    assert (low, high) == pytest.approx((0.02 - 12.7062 * 0.01, 0.02 + 12.7062 * 0.01), rel=1e-4)
    assert together([world(0.05, 0.04, 0.0)])["expected_gap"]["interval"] is None


def test_a_world_too_small_for_a_cluster_is_refused_by_name(tmp_path: Path) -> None:
    simulator.simulate(out=tmp_path / "w", obligors=3, months=MONTHS, seed=1, samples_for=0)
    with pytest.raises(NotEnoughEvents, match="No division"):
        idle_cover(tmp_path / "w", 1, paths=1)
