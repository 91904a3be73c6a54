"""Every constrained feature, swept over its range for hundreds of rows: no move the wrong way above 1e-6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scoring_book import credit_signs, insurance_signs, make_world, measured

from features.catalogue import CATALOGUE
from scoring.boosters import Ensemble
from scoring.cards import ModelFeature
from scoring.credit.artefact import CreditArtefact
from scoring.insurance.artefact import InsuranceArtefact

ROWS = 320
GRID = np.linspace(0, 1, 13)
TOLERANCE = 1e-6


def wrong_way_moves(
    bag: Ensemble, rows: np.ndarray, features: Sequence[ModelFeature], **start: Any
) -> dict[str, float]:
    """Largest move of any member against its feature's sign, by feature."""
    worst = {}
    for column, feature in enumerate(features):
        seen = rows[:, column]
        levels = np.quantile(seen[~np.isnan(seen)], GRID)
        swept = np.repeat(rows, len(levels), axis=0)
        swept[:, column] = np.tile(levels, len(rows))
        margins = bag.margins(swept, **start).reshape(len(bag.members), len(rows), len(levels))
        worst[feature.key] = float((-feature.sign * np.diff(margins, axis=2)).max())
    return worst


@pytest.fixture(scope="module")
def health() -> np.ndarray:
    return make_world(obligors=ROWS, seed=31).health[:, 20]


def test_credit_margins_never_move_the_wrong_way(credit_model: CreditArtefact, health: np.ndarray) -> None:
    features = credit_model.card.features
    chosen = [list(CATALOGUE).index(item.key) for item in features]
    rows = measured(health, signs=credit_signs(), seed=32)[:, chosen]
    assert rows.shape[0] >= 300
    moves = wrong_way_moves(credit_model.bag, rows, features)
    assert max(moves.values()) <= TOLERANCE, moves


def test_claim_frequencies_never_move_the_wrong_way(insurance_model: InsuranceArtefact, health: np.ndarray) -> None:
    features = insurance_model.card.features
    chosen = [list(CATALOGUE).index(item.key) for item in features]
    rows = measured(health, signs=insurance_signs(), seed=33)[:, chosen]
    rate = float(np.log(insurance_model.card.portfolio_rate))
    moves = wrong_way_moves(insurance_model.bag, rows, features, base_margin=rate)
    assert max(moves.values()) <= TOLERANCE, moves


def test_the_sweep_sees_a_violation(credit_model: CreditArtefact, health: np.ndarray) -> None:
    """With one sign turned the same sweep must complain, or it would prove nothing."""
    features = list(credit_model.card.features)
    strongest = int(np.argmax([abs(gain) for gain in _gains(credit_model)]))
    features[strongest] = features[strongest].model_copy(update={"sign": -features[strongest].sign})
    chosen = [list(CATALOGUE).index(item.key) for item in features]
    rows = measured(health, signs=credit_signs(), seed=32)[:, chosen]
    moves = wrong_way_moves(credit_model.bag, rows, features)
    assert moves[features[strongest].key] > 0.01


def _gains(model: CreditArtefact) -> list[float]:
    scores = model.bag.boosters[0].get_score(importance_type="total_gain")
    return [float(scores.get(f"f{column}", 0.0)) for column in range(len(model.card.features))]
