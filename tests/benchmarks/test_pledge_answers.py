"""The measurement of what a refusal's time tells: it sees a difference where there is one, and bytes are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import pledge_answers


def test_refusals_of_small_and_large_pledges_are_the_same_bytes(tmp_path: Path) -> None:
    found = pledge_answers.measured(tmp_path, asked=15)
    assert found["different_bodies"] == 1
    low, high = found["auc_interval"]
    assert low <= found["auc"] <= high


def test_the_area_is_a_half_where_nothing_is_told_and_one_where_all_is() -> None:
    times = np.array([1.0, 2.0, 3.0, 4.0])
    assert pledge_answers._auc(times, times)[0] == 0.5
    assert pledge_answers._auc(times, times + 10.0) == (1.0, 0.0)
    assert pledge_answers._auc(np.array([1.0, 3.0]), np.array([2.0, 4.0]))[0] == 0.75
