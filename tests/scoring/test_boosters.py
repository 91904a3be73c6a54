"""Trees answer the question put, add up, and do not care who stands beside whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb

from scoring.boosters import ADDITIVITY_TOLERANCE
from scoring.credit.artefact import CreditArtefact
from scoring.errors import AdditivityBroken


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
