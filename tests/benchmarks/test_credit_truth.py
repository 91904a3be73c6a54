"""The figures of the truth benchmark against small cases, and worlds whose truth is gone before anything is fitted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from benchmarks.credit_truth.figures import HALVED_BY, cells_of, coverage, expected_auc, fractional_slope
from benchmarks.credit_truth.page import PAGE, written
from benchmarks.credit_truth.worlds import TRUTHS, build, read_known, read_truth
from benchmarks.worlds.built import CALIBRATE, KINDS, TEST, TRAIN, BuiltWorld, built, split, taken_in
from benchmarks.worlds.compared import fitted
from features.as_of import CreditTrainingSet

OBLIGORS = 200
"""Of which enough default in every slice for a model."""


def test_the_slope_is_one_where_chances_are_what_was_said_and_less_where_it_was_too_sure() -> None:
    said = np.random.default_rng(1).normal(-3, 1, size=4_000)
    assert fractional_slope(said, expit(said)) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert fractional_slope(1.25 * said, expit(said)) == pytest.approx((0.0, 0.8), abs=1e-9)


def test_the_expected_auc_counts_pairs_by_their_chance() -> None:
    scores, chances = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.1, 0.5, 0.2, 0.7])
    pairs = total = 0.0
    for one, other in product(range(4), repeat=2):
        chance = chances[one] * (1 - chances[other])
        total += chance
        pairs += chance * (1.0 if scores[one] > scores[other] else 0.5 if scores[one] == scores[other] else 0.0)
    assert expected_auc(scores, chances) == pytest.approx(pairs / total)


def test_feature_space_is_halved_into_cells_of_equal_size() -> None:
    values = np.random.default_rng(2).normal(size=(1_024, len(HALVED_BY)))
    values[:100, 0] = np.nan
    cells = cells_of(values, list(HALVED_BY))
    assert np.bincount(cells).tolist() == [4] * 256
    assert (cells[:100] < 128).all()  # a missing value counts lowest


def test_a_cell_is_held_where_its_mean_truth_lies_between_the_mean_ends() -> None:
    cells = np.array([0, 0, 1, 1, 2, 2])
    truth = np.array([0.02, 0.04, 0.02, 0.04, 0.02, 0.04])
    lower = np.array([0.01, 0.01, 0.05, 0.05, 0.01, 0.01])
    upper = np.array([0.10, 0.10, 0.10, 0.10, 0.02, 0.02])
    found = coverage(cells, pd=truth, lower=lower, upper=upper, truth=truth, year_deviation=0.0)
    assert (found.cells, found.inside, found.below, found.above) == pytest.approx((3, 1 / 3, 1 / 3, 1 / 3))
    assert found.noise == pytest.approx(0.01 / np.sqrt(2) / 0.03)


def test_a_coverage_tells_its_level_its_misfit_and_what_years_of_another_level_would_hold() -> None:
    rng = np.random.default_rng(3)
    cells = np.repeat(np.arange(4_000), 2)
    error = np.repeat(rng.normal(0.2, 0.25, size=4_000), 2)
    half = 1.645 * np.sqrt(0.25**2 + 0.31**2)
    ends = {"pd": np.full(8_000, -3.0), "lower": np.full(8_000, -3.0 - half), "upper": np.full(8_000, -3.0 + half)}
    found = coverage(
        cells, **{name: expit(end) for name, end in ends.items()}, truth=expit(error - 3.0), year_deviation=0.31
    )
    assert (found.level, found.misfit) == pytest.approx((0.2, 0.25), abs=0.02)
    assert (found.to_lower, found.to_upper, found.width) == pytest.approx((half, half, 2 * half))
    assert found.over_years == pytest.approx(0.90, abs=0.01)
    assert found.inside > 0.95  # of this one year, which is better than most


def test_a_world_is_taken_in_without_its_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    made = BuiltWorld.training_set

    def watched(world: BuiltWorld, months: tuple[int, ...]) -> CreditTrainingSet:
        there.append((world.folder / "truth").exists())
        return made(world, months)

    monkeypatch.setattr(BuiltWorld, "training_set", watched)
    known, truth = build(1, 40, tmp_path)
    assert there == [False]
    exact = read_truth(truth)
    truth.unlink()
    world = read_known(known)
    assert not {name for name in world.data.names if name in TRUTHS or "true" in name}
    assert {len(values) for values in exact.values()} == {len(world.data.as_of)}
    assert (exact["pd_12m_true"] < exact["pd_lifetime_true"]).all()
    assert np.isfinite(world.points[world.at(TEST)]).all()


def test_a_model_is_the_same_to_the_bit_where_the_truth_was_deleted(tmp_path: Path) -> None:
    months = (*TRAIN, *CALIBRATE, *TEST)
    with built("base", seed=1, obligors=OBLIGORS, machines_per_obligor=1.0) as world:
        assert set(TRUTHS) <= set(world.truth("obligor_month").column_names)
        beside = fitted(world.training_set(months), split())
        shutil.rmtree(world.folder / "truth")
        home = taken_in(world.folder, tmp_path / "home", KINDS)
        alone = fitted(replace(world, home=home).training_set(months), split())
        home.engine.dispose()
    assert alone.version == beside.version


def test_the_page_keeps_all_but_its_block() -> None:
    text = PAGE.read_text(encoding="utf-8")
    figures = {
        "seeds": [1, 2], "slopes": [1.0, 0.9], "mean_slope": 0.95, "obligors": 10, "firm_years": 40, "version": "base",
        "statement": "synthetic", "ladder": {"model": dict.fromkeys(("auc", "expected_auc", "log_loss", "rmse_logit"), 0.5)},
        "lifetime": {"exact": [0.1]},
        "intervals": {**dict.fromkeys(("cells", "rows_per_cell", "inside", "below", "above", "over_years", "to_lower", "to_upper", "misfit", "noise"), 0.5),
                      "by_world": [0.5, 0.6], "level_by_world": [0.1, -0.1]},
        **dict.fromkeys(("auc", "auc_ten_times_data", "oracle_auc", "expected_auc", "expected_auc_ten_times_data", "expected_oracle_auc"), 0.7),
    }  # fmt: skip
    again = written(text, figures)
    assert again.startswith(text.split("<!--")[0])
    assert "1.000, 0.900" in again
    assert written(again, figures) == again
