"""What is counted as a reason that stays, and of whom reasons are asked in a world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.reason_stability import kept, of_world
from benchmarks.worlds.built import CALIBRATE, TEST, TRAIN, month_end
from features.catalogue import CATALOGUE


def test_a_reason_stays_where_the_same_obligor_gets_it_again_in_any_place() -> None:
    first = [["level", "trend", "faults"], [], ["trend"]]
    again = [["faults", "level"], ["level"], ["level"]]
    assert kept(first, again) == pytest.approx(2 / 4)
    assert kept(first, first) == 1.0


def test_reasons_are_asked_of_firms_of_another_world_in_the_test_month(tmp_path: Path) -> None:
    for seed in (1, 2):
        _write_world(tmp_path, seed)
    sample = of_world(1, 3, tmp_path, asked_of=2)
    assert 1 <= sample.data.values.min() <= sample.data.values.max() < 2  # fitted on the first world alone
    expected = (
        2 + np.arange(len(CATALOGUE)) / 1_000
    )  # the second one's test month, by the catalogue's order of features
    assert sample.asked.shape == (3, len(CATALOGUE))
    assert sample.asked == pytest.approx(np.tile(expected, (3, 1)))


def _write_world(folder: Path, seed: int) -> None:
    """Three firms at the months of every slice; each value tells its world and its feature, but -1 outside the test's."""
    months = np.repeat([*TRAIN, *CALIBRATE, *TEST], 3)
    stamps = np.array([month_end(month).replace(tzinfo=None) for month in months], dtype="datetime64[us]")
    names = list(CATALOGUE)[::-1]
    told = seed + np.arange(len(names))[::-1] / 1_000
    is_other = (seed == 2) & ~np.isin(months, TEST)
    np.savez(
        folder / f"base-{seed}-3.known.npz",
        obligor_ids=np.array([f"FIRM{seed}{at % 3}" for at in range(len(months))]),
        as_of=stamps,
        observed_until=stamps,
        names=np.array(names),
        values=np.where(is_other[:, None], -1.0, told),
        defaulted=np.zeros(len(months), dtype=bool),
        months=np.ones(len(months), dtype=np.int64),
        ended=np.zeros(len(months), dtype=bool),
        points=np.zeros(len(months)),
    )
    np.savez(folder / f"base-{seed}-3.truth.npz")
