"""The ends of an interval keep order, and unbounded features stand where they move the upper end on average not at all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from scoring_book import AS_OF

from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE
from scoring.boosters import mean_of_members
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.card import Widened
from scoring.credit.interval import Side, reaches
from scoring.credit.score import pd_scale
from scoring.training.interval import standing_values


@given(
    members=arrays(np.float64, (5, 1), elements=st.floats(-8, 2)),
    worse=arrays(np.float64, (5, 1), elements=st.floats(0, 3)),
    widened=st.sampled_from(Widened),
)
def test_an_end_never_falls_where_no_member_does(
    credit_model: CreditArtefact, parameters: ParameterBook, members: np.ndarray, worse: np.ndarray, widened: Widened
) -> None:
    card = credit_model.card.model_copy(update={"widened": widened})
    scale = pd_scale(credit_model, parameters.at(AS_OF))
    for side in Side:
        (before,), (after,) = (reaches(margins, card, side) for margins in (members, members + worse))
        assert after.pd_12m(scale, card) >= before.pd_12m(scale, card) * (1 - 1e-12)


def test_standing_features_leave_the_expected_defaults_as_they_are(
    rows: np.ndarray, credit_model: CreditArtefact
) -> None:
    features, bag = credit_model.card.features, credit_model.bag
    keys = list(CATALOGUE)
    told = within_reach(np.nan_to_num(rows, nan=0.5)[:, [keys.index(feature.key) for feature in features]], features)
    standing = standing_values(bag, told, features)
    assert set(standing) == set(credit_model.card.standing) != set()
    stood = told.copy()
    for column, feature in enumerate(features):
        stood[:, column] = standing.get(feature.key, told[:, column])
    own, at = (expit(mean_of_members(list(bag.margins(values)))).mean() for values in (told, stood))
    assert own <= at < 1.1 * own
