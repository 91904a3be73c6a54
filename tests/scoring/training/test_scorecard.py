"""The scorecard: weights of evidence by hand, and a regression that finds what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from scoring.training.metrics import area_under_curve
from scoring.training.scorecard import fit_scorecard


@pytest.fixture
def book() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, outcomes and the log-odds behind them: two columns matter, two are noise, one copies the first."""
    drawn = np.random.default_rng(3)
    rows = drawn.normal(size=(20_000, 5))
    rows[:, 4] = rows[:, 0] + 0.05 * drawn.normal(size=len(rows))
    log_odds = -3.0 + 1.0 * rows[:, 0] - 0.6 * rows[:, 1]
    return rows, drawn.random(len(rows)) < expit(log_odds), log_odds


def test_weights_of_evidence_by_hand() -> None:
    rows = np.repeat([[0.0], [1.0]], 100, axis=0)
    defaulted = np.zeros(200, dtype=bool)
    defaulted[:10], defaulted[100:140] = True, True
    card = fit_scorecard(rows, defaulted)
    (feature,) = card.features
    bad, good = np.array([10.5, 40.5]) / 51.5, np.array([90.5, 60.5]) / 151.5
    # three bins at most: edges at the distinct quantiles 0 and 1, and an empty first one; half a count in every bin
    weights = feature.encoded(np.array([[0.0], [1.0]]))
    assert weights[0] < 0 < weights[1]
    assert weights[1] - weights[0] == pytest.approx(np.log(bad[1] / good[1]) - np.log(bad[0] / good[0]), abs=1e-9)


def test_it_finds_what_was_put_in(book: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    rows, defaulted, log_odds = book
    card = fit_scorecard(rows, defaulted)
    columns = {feature.column for feature in card.features}
    assert 1 in columns
    assert len(columns & {0, 4}) == 1  # one of the near copies
    assert not columns & {2, 3}
    reached = area_under_curve(card.pd(rows), defaulted).value
    assert reached > area_under_curve(log_odds, defaulted).value - 0.02
    assert card.pd(rows).mean() == pytest.approx(defaulted.mean(), rel=0.01)


def test_missing_values_have_a_weight_of_their_own(book: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    rows, defaulted, _ = book
    rows[defaulted & (rows[:, 0] > 1), 0] = np.nan
    card = fit_scorecard(rows[:, :1], defaulted)
    missing, known = card.pd(np.array([[np.nan], [-1.0]]))
    assert missing > 3 * known


def test_without_information_it_says_the_rate() -> None:
    drawn = np.random.default_rng(4)
    defaulted = drawn.random(5000) < 0.1
    card = fit_scorecard(drawn.normal(size=(5000, 2)), defaulted)
    assert card.features == ()
    assert card.pd(np.zeros((3, 2))) == pytest.approx([defaulted.mean()] * 3)
