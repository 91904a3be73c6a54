"""Trees answer the question put, add up, and do not care who stands beside whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb

from scoring.boosters import ADDITIVITY_TOLERANCE, to_bytes
from scoring.credit.artefact import CreditArtefact
from scoring.errors import AdditivityBroken
from scoring.few_rows import member_trees


@pytest.fixture
def matrix(credit_model: CreditArtefact, rows: np.ndarray) -> np.ndarray:
    """The forty rows in the model's columns."""
    from scoring_book import NAMES

    return np.ascontiguousarray(rows[:, [NAMES.index(feature.key) for feature in credit_model.card.features]])


def test_a_quantile_matrix_without_reference_asks_the_trees_another_question(
    credit_model: CreditArtefact, matrix: np.ndarray
) -> None:
    few = matrix[:5]
    asked = credit_model.bag.margins(few)[0]
    rebinned = credit_model.bag.boosters[0].predict(xgb.QuantileDMatrix(few), output_margin=True)
    assert np.abs(rebinned - asked).max() > 0.01  # the trap: this is why boosters.py never builds one
    in_place = credit_model.bag.boosters[0].inplace_predict(few, predict_type="margin")
    assert np.array_equal(in_place, asked.astype(np.float32))


def test_batch_is_single_to_the_bit(credit_model: CreditArtefact, matrix: np.ndarray) -> None:
    together = credit_model.bag.explain(matrix)
    for row in range(len(matrix)):
        alone = credit_model.bag.explain(matrix[row : row + 1])
        assert np.array_equal(alone.margin, together.margin[row : row + 1])
        assert np.array_equal(alone.base, together.base[row : row + 1])
        assert np.array_equal(alone.contributions, together.contributions[row : row + 1])


def test_few_rows_get_the_bits_of_xgboost(credit_model: CreditArtefact, matrix: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    trees = member_trees(credit_model.bag.members)
    assert trees is not None
    asked = np.where(rng.random(matrix.shape) < 0.2, np.nan, matrix)
    asked[:, 0] = rng.choice(trees.threshold[trees.feature == 0], len(asked))  # on a limit a row goes right
    for start in (None, -2.5):
        few = [credit_model.bag.margins(asked[row : row + 3], base_margin=start) for row in range(0, len(asked), 3)]
        given = None if start is None else np.full(len(asked), start)
        whole = xgb.DMatrix(asked, base_margin=given)
        by_xgboost = [booster.predict(whole, output_margin=True) for booster in credit_model.bag.boosters]
        assert np.array_equal(np.concatenate(few, axis=1), np.array(by_xgboost, dtype=np.float64))


def test_trees_that_split_on_categories_are_left_to_xgboost() -> None:
    rows = np.array([[0.0], [1.0], [2.0], [np.nan]] * 10)
    matrix = xgb.DMatrix(rows, label=np.array([0.0, 1.0, 0.0, 1.0] * 10), feature_types=["c"], enable_categorical=True)
    booster = xgb.train({"max_depth": 2, "max_cat_to_onehot": 1, "nthread": 1}, matrix, 2)
    assert member_trees((to_bytes(booster),)) is None


def test_base_and_contributions_add_up_to_the_margin(credit_model: CreditArtefact, matrix: np.ndarray) -> None:
    explained = credit_model.bag.explain(matrix)
    gaps = explained.base + explained.contributions.sum(axis=1) - explained.margin
    assert np.abs(gaps).max() <= ADDITIVITY_TOLERANCE
    assert np.ptp(explained.margin) > 0.5  # the rows differ, so that adding up says something


def test_a_margin_that_its_contributions_miss_is_a_defect(credit_model: CreditArtefact, matrix: np.ndarray) -> None:
    explained = credit_model.bag.explain(matrix)
    shifted = replace(explained, margin=explained.margin + 2 * ADDITIVITY_TOLERANCE)
    with pytest.raises(AdditivityBroken, match="miss the margin by"):
        shifted.check()


def test_a_margin_that_is_no_number_is_a_defect(credit_model: CreditArtefact, matrix: np.ndarray) -> None:
    explained = credit_model.bag.explain(matrix)
    with pytest.raises(AdditivityBroken):
        replace(explained, margin=explained.margin * np.nan).check()
