"""How many trees folds allow: none where they say nothing, and no fold ends for the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb
from claims_world import SETTINGS, sample

from scoring.insurance.balance import Autocalibration
from scoring.training.claims.frequency import Growth, fit_frequency
from scoring.training.claims.rounds import Curve, Side, grown_in_step, loses_more, margins_at, unseen_margins
from scoring.training.claims.sample import ClaimsSample

GROWTH = {"objective": "count:poisson", "max_depth": 2, "eta": 0.3, "base_score": 1.0, "nthread": 1, "seed": 0}


def drawn(n: int, seed: int, *, slope: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of one column, counts that it moves by `slope`, and the flat start."""
    generator = np.random.default_rng(seed)
    rows = generator.uniform(-1, 1, (n, 1))
    return rows, generator.poisson(0.3 * np.exp(slope * rows[:, 0])).astype(float), np.full(n, np.log(0.3))


def sides(*, slopes: tuple[float, float], n: int = 2_000) -> list[Side]:
    """Two folds; in each one's own rows the column has a slope of its own."""
    parts = [drawn(n, 5 + at, slope=slope) for at, slope in enumerate(slopes)]
    matrices = [xgb.DMatrix(rows, label=counts, base_margin=start) for rows, counts, start in parts]
    fold = np.repeat([0, 1], n)
    return [Side(held=fold == at, train=matrices[1 - at], test=matrices[at]) for at in (0, 1)]


def loss_of(curve: Curve, made: list[Side], rounds: int) -> float:
    margins = [margins_at(booster, side.test, rounds) for side, booster in zip(made, curve.boosters, strict=True)]
    told = [np.exp(m) - side.test.get_label() * m for m, side in zip(margins, made, strict=True)]
    return float(np.concatenate(told).mean())


def test_the_curve_is_the_mean_over_all_held_back_rows() -> None:
    made = sides(slopes=(1.0, 1.0))
    curve = grown_in_step(made, GROWTH, maximum=40, patience=5)
    assert 0 < curve.rounds < len(curve.losses)
    for rounds in (0, 1, curve.rounds):
        assert curve.losses[rounds] == pytest.approx(loss_of(curve, made, rounds), abs=1e-6)
    assert curve.lowest == curve.losses.min()


def test_a_fold_that_turns_at_once_does_not_end_the_others() -> None:
    """The first fold's own rows know no slope, so that every tree hurts them; the second's, ten times as many, do."""
    few, many = drawn(200, 1, slope=0.0), drawn(4_000, 2, slope=1.5)
    held, grown = (xgb.DMatrix(rows, label=counts, base_margin=start) for rows, counts, start in (few, many))
    fresh = drawn(4_000, 3, slope=1.5)
    seen = xgb.DMatrix(fresh[0], label=fresh[1], base_margin=fresh[2])
    fold = np.repeat([0, 1], [200, 4_000])
    made = [Side(held=fold == 0, train=grown, test=held), Side(held=fold == 1, train=seen, test=grown)]
    curve = grown_in_step(made, GROWTH, maximum=40, patience=3)
    of_first = [
        float((np.exp(m) - held.get_label() * m).mean())
        for m in (margins_at(curve.boosters[0], held, rounds) for rounds in range(len(curve.losses)))
    ]
    assert int(np.argmin(of_first)) == 0
    assert curve.rounds > 3


def test_where_the_folds_contradict_each_other_no_tree_is_grown() -> None:
    made = sides(slopes=(2.0, -2.0))
    curve = grown_in_step(made, GROWTH, maximum=40, patience=4)
    assert curve.rounds == 0
    assert len(curve.losses) == 5
    assert unseen_margins(made, curve, curve.rounds) == pytest.approx(np.log(0.3))


def test_a_book_without_more_than_the_glm_has_no_trees_and_its_glm_exaggerates_less() -> None:
    """Counts of one rate for all: the best round is none; what the GLM read into chance, unseen claims take back."""
    made, _ = sample(4_000, 31)
    flat = replace(made, counts=np.random.default_rng(8).poisson(made.exposure * 0.4).astype(float))
    hasty = {**SETTINGS, "eta": 0.9, "growths": [[6, 1]], "patience": 4}
    found = fit_frequency(flat, settings=hasty, seed=1)
    assert found.rounds == 0
    assert found.growth == Growth(depth=6, leaf=1)
    assert found.losses["glm"] <= min(found.losses.values())
    said, by_glm = found.logs(flat.rows), found.linear.logs(flat.rows)
    assert found.raw_logs(flat.rows) == pytest.approx(by_glm, abs=1e-6)
    assert np.abs(said - np.log(0.4)).mean() < 0.6 * np.abs(by_glm - np.log(0.4)).mean()


def test_how_much_more_is_lost_is_of_the_same_rows_and_over_groups() -> None:
    """What both say of the claims' luck is no error; rows that repeat each other say a thing once."""
    counts = np.random.default_rng(2).poisson(0.3, 4_000).astype(float)
    better = np.full(4_000, np.log(0.3))
    worse, alone = better + 0.2, [f"p{at}" for at in range(4_000)]
    more, error = loses_more(counts, worse, better, alone)
    assert more == pytest.approx((np.exp(worse) - np.exp(better) - counts * 0.2).mean())
    assert error == pytest.approx(0.2 * counts.std() / 4_000**0.5)
    assert loses_more(counts, better, better, alone) == (0.0, 0.0)
    doubled = loses_more(np.tile(counts, 2), np.tile(worse, 2), np.tile(better, 2), alone * 2)
    assert doubled == (pytest.approx(more), pytest.approx(error))


def test_what_gains_no_more_than_chance_is_not_taken() -> None:
    """In few rows the deeper growth loses least by chance: the shallower is taken, and in fewer still none at all."""
    choices = {**SETTINGS, "growths": [[2, 10], [6, 10]]}
    shallow, deep = Growth(depth=2, leaf=10), Growth(depth=6, leaf=10)
    found = [fit_frequency(sample(n, seed)[0], settings=choices, seed=1) for n, seed in ((1_500, 63), (700, 69))]
    assert [one.lowest[0] for one in found] == [deep, deep]
    assert [one.growth for one in found] == [shallow, shallow]
    assert found[0].rounds > 0
    assert found[1].rounds == 0


def test_folds_that_are_given_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = sample(3_000, 41)
    folds = np.arange(3_000) % 2
    seen: list[int] = []
    whole = ClaimsSample.part

    def part(self: ClaimsSample, chosen: np.ndarray) -> ClaimsSample:
        seen.append(int(chosen.sum()))
        return whole(self, chosen)

    monkeypatch.setattr(ClaimsSample, "part", part)
    found = fit_frequency(made, settings={**SETTINGS, "growths": [[2, 10]]}, seed=1, folds=folds)
    assert seen == [1_500] * 4
    assert isinstance(found.balance, Autocalibration)
