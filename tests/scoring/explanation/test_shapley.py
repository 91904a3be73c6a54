"""Contributions from tables are the Shapley values: against xgboost, shap and the definition itself."""

from __future__ import annotations

from typing import Any

import brute_force
import numpy as np
import pytest
import shap
import xgboost as xgb
from grown import bag_of, matrix_of, outcome_of, rows_of

from scoring.errors import TreesNotExplainable
from scoring.explanation.kernel import BLOCK, FEW
from scoring.explanation.plan import MAXIMUM_DEPTH, plan_of
from scoring.explanation.shapley import ROWS_A_TASK, Explainer, explainer
from scoring.explanation.trees import Forest, Tree, read_forest, row_margins

SINGLE_PRECISION = 5e-5
DEFINITION = 1e-9


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return rows_of(400, features=12, seed=3)


@pytest.fixture(scope="module")
def bag(rows: np.ndarray) -> list[xgb.Booster]:
    return bag_of(rows, members=3, rounds=12, depth=4)


@pytest.fixture(scope="module")
def explained(bag: list[xgb.Booster]) -> Explainer:
    return explainer(bag)


def xgboost_says(bag: list[xgb.Booster], matrix: xgb.DMatrix) -> np.ndarray:
    return np.mean([booster.predict(matrix, pred_contribs=True).astype(float) for booster in bag], axis=0)


def shap_says(bag: list[xgb.Booster], rows: np.ndarray, **how: Any) -> np.ndarray:
    return np.mean([shap.TreeExplainer(booster, **how).shap_values(rows) for booster in bag], axis=0)


def margins(bag: list[xgb.Booster], matrix: xgb.DMatrix) -> np.ndarray:
    return np.mean([booster.predict(matrix, output_margin=True).astype(float) for booster in bag], axis=0)


@pytest.mark.parametrize("depth", range(1, MAXIMUM_DEPTH + 1))
def test_path_dependent_equals_xgboost_at_every_depth(depth: int) -> None:
    rows = rows_of(300, features=9, categories=2, seed=depth)
    bag = bag_of(rows, members=2, rounds=6, depth=depth, categories=2, min_child_weight=0.1)
    tables = explainer(bag).path_dependent()
    said = xgboost_says(bag, matrix_of(rows, categories=2))
    assert np.abs(tables.contributions(rows) - said[:, :-1]).max() < SINGLE_PRECISION
    assert abs(tables.base - said[0, -1]) < SINGLE_PRECISION


def test_path_dependent_equals_shap(bag: list[xgb.Booster], explained: Explainer, rows: np.ndarray) -> None:
    said = shap_says(bag, rows, feature_perturbation="tree_path_dependent")
    assert np.abs(explained.path_dependent().contributions(rows) - said).max() < SINGLE_PRECISION


def test_interventional_equals_shap(bag: list[xgb.Booster], explained: Explainer, rows: np.ndarray) -> None:
    reference = rows[:150]  # more than the hundred that shap takes of its own accord
    masker = shap.maskers.Independent(reference, max_samples=len(reference))
    said = shap_says(bag, rows[150:], data=masker, feature_perturbation="interventional")
    tables = explained.interventional(explained.count(reference))
    assert np.abs(tables.contributions(rows[150:]) - said).max() < SINGLE_PRECISION
    sampled = shap_says(bag, rows[150:], data=reference, feature_perturbation="interventional")
    assert np.abs(said - sampled).max() > 100 * SINGLE_PRECISION  # the trap that the masker avoids


@pytest.mark.parametrize("seed", range(5))
def test_both_kinds_are_the_definition_on_small_trees(seed: int) -> None:
    rows = rows_of(200, features=6, categories=2, missing=0.2, seed=seed)
    forest = read_forest(bag_of(rows, members=2, rounds=3, depth=2 + seed % 3, categories=2))
    compiled = Explainer(plan=plan_of(forest), intercept=forest.intercept)
    told = rows[:12]
    by_path, against = compiled.path_dependent(), compiled.interventional(compiled.count(rows[50:57]))
    for row, path, peers in zip(told, by_path.contributions(told), against.contributions(told), strict=True):
        assert np.abs(path - brute_force.path_dependent(forest, row)).max() < DEFINITION
        assert np.abs(peers - brute_force.interventional(forest, row, rows[50:57])).max() < DEFINITION


def test_trees_as_read_give_the_bags_margin(bag: list[xgb.Booster], rows: np.ndarray) -> None:
    ours = row_margins(read_forest(bag), rows)
    assert np.abs(ours - margins(bag, matrix_of(rows))).max() < SINGLE_PRECISION
    assert np.ptp(ours) > 1


def test_contributions_sum_to_the_margin(bag: list[xgb.Booster], explained: Explainer, rows: np.ndarray) -> None:
    margin = row_margins(read_forest(bag), rows)
    for tables in (explained.path_dependent(), explained.interventional(explained.count(rows[:60]))):
        assert np.abs(tables.base + tables.contributions(rows).sum(axis=1) - margin).max() < 1e-12


def test_the_base_is_the_reference_groups_mean_margin(
    bag: list[xgb.Booster], explained: Explainer, rows: np.ndarray
) -> None:
    tables = explained.interventional(explained.count(rows[:60]))
    assert tables.base == pytest.approx(row_margins(read_forest(bag), rows[:60]).mean(), abs=1e-12)
    assert tables.contributions(rows[:60]).mean(axis=0) == pytest.approx(np.zeros(12), abs=1e-12)


def test_a_feature_that_no_tree_asks_has_nothing(rows: np.ndarray) -> None:
    idle = rows.copy()
    idle[:, 5] = 1.0  # constant: nothing to split
    compiled = explainer(bag_of(idle, members=2, rounds=8, depth=3))
    asked = rows.copy()
    asked[:, 5] = np.linspace(-9, 9, len(rows))
    for tables in (compiled.path_dependent(), compiled.interventional(compiled.count(rows[:40]))):
        assert (tables.contributions(asked)[:, 5] == 0).all()


def both_needed() -> Forest:
    """One tree: 1 where features 0 and 1 are both below 0, else 0; feature 2 is not asked."""
    tree = Tree(
        feature=[0, 1, 0, 0, 0], threshold=[0.0] * 5, missing_left=[False] * 5, goes_right={},
        left=[1, 3, -1, -1, -1], right=[2, 4, -1, -1, -1], cover=[4.0, 2.0, 2.0, 1.0, 1.0],
        value=[0.0, 0.0, 0.0, 1.0, 0.0],
    )  # fmt: skip
    return Forest(trees=(tree,), intercept=-3.0, features=3)


def test_two_features_that_are_needed_alike_share_alike() -> None:
    compiled = Explainer(plan=plan_of(both_needed()), intercept=-3.0)
    rows = np.array([[-1.0, -1.0, 7.0], [-1.0, 1.0, 7.0], [1.0, -1.0, 7.0], [np.nan, -1.0, 7.0]])
    against = compiled.interventional(compiled.count(np.array([[1.0, 1.0, 0.0]])))
    assert against.base == -3.0
    assert against.contributions(rows).tolist() == [[0.5, 0.5, 0.0], [0.0] * 3, [0.0] * 3, [0.0] * 3]
    by_path = compiled.path_dependent()
    assert by_path.base == -2.75  # a quarter of the weight reaches the leaf
    assert by_path.contributions(rows)[0].tolist() == pytest.approx([0.375, 0.375, 0.0])
    # known and not met: alone it takes 1/4, after the other 1/2
    assert by_path.contributions(rows)[1].tolist() == pytest.approx([0.125, -0.375, 0.0])


def test_a_row_gets_the_same_bits_in_any_company(explained: Explainer) -> None:
    many = rows_of(2 * ROWS_A_TASK + BLOCK + FEW - 1, features=12, seed=9)
    tables = explained.path_dependent()
    together = tables.contributions(many)
    assert np.array_equal(together, tables.contributions(many, threads=2))
    for row in (0, FEW, BLOCK, len(many) - 1):
        assert np.array_equal(tables.contributions(many[row : row + 1])[0], together[row])


def test_a_reference_group_is_a_bag_of_rows(explained: Explainer, rows: np.ndarray) -> None:
    once, mixed = explained.count(rows[:30]), explained.count(np.concatenate([rows[:30][::-1], rows[:30]]))
    assert np.array_equal(2 * once.counts, mixed.counts)
    told = explained.interventional(once).contributions(rows)
    assert np.abs(explained.interventional(mixed).contributions(rows) - told).max() < 1e-14


def test_a_tree_without_a_split_moves_only_the_base(rows: np.ndarray) -> None:
    bag = bag_of(rows, members=2, rounds=2, depth=3, gamma=1e9)
    compiled = explainer(bag)
    for tables in (compiled.path_dependent(), compiled.interventional(compiled.count(rows[:5]))):
        assert not tables.contributions(rows).any()
        assert tables.base == pytest.approx(margins(bag, matrix_of(rows))[0], abs=1e-6)


def test_counts_of_claims_are_explained_in_log_frequency(rows: np.ndarray) -> None:
    bag = bag_of(rows, members=1, rounds=10, depth=3, objective="count:poisson", base_score=0.4)
    tables, matrix = explainer(bag).path_dependent(), matrix_of(rows)
    assert np.abs(tables.contributions(rows) - xgboost_says(bag, matrix)[:, :-1]).max() < SINGLE_PRECISION
    sums = tables.base + tables.contributions(rows).sum(axis=1)
    assert np.abs(sums - margins(bag, matrix)).max() < SINGLE_PRECISION


def test_categories_that_training_never_saw_go_the_way_of_xgboost() -> None:
    rows = rows_of(300, features=4, categories=2, seed=8)
    bag = bag_of(rows, members=1, rounds=6, depth=3, categories=2)
    compiled = explainer(bag)
    unseen = rows[:4].copy()
    unseen[:, -1] = [40, 7, 6, 1]
    told = compiled.path_dependent()
    assert (
        np.abs(told.base + told.contributions(unseen).sum(axis=1) - margins(bag, matrix_of(unseen, categories=2))).max()
        < SINGLE_PRECISION
    )


def test_what_has_no_tables_is_named(rows: np.ndarray) -> None:
    deep = bag_of(rows, members=1, rounds=1, depth=MAXIMUM_DEPTH + 1, min_child_weight=0, subsample=1)
    with pytest.raises(TreesNotExplainable, match=rf"depth {MAXIMUM_DEPTH + 1} .*Train with a smaller max_depth"):
        explainer(deep)
    with pytest.raises(TreesNotExplainable, match="dart"):
        explainer(bag_of(rows, members=1, rounds=1, depth=2, booster="dart"))
    matrix = matrix_of(rows, label=outcome_of(rows).astype(int) + (rows[:, 1] > 0))
    classes = xgb.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 2}, matrix, num_boost_round=1)
    with pytest.raises(TreesNotExplainable, match="multi:softprob"):
        explainer([classes])
