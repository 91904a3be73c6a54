"""The altered copies that the referral of the unfamiliar is judged on."""

from __future__ import annotations

import numpy as np

from benchmarks.familiarity import exchanged, false_referrals
from scoring.credit.familiarity import TrainingCloud

ROWS = np.array([[0.0, 0.0, np.nan], [0.5, 0.0, 1.0], [9.0, 0.0, 1.0], [0.0, np.nan, np.nan]])


def cloud() -> TrainingCloud:
    """Three features that do not go together, of one unit each, and a limit of twice that."""
    return TrainingCloud(
        keys=("a", "b", "c"),
        families=("level", "energy", "trend"),
        centres=np.zeros(3),
        below=np.ones(3),
        above=np.ones(3),
        means=np.zeros(3),
        covariance=np.eye(3),
        usual=np.tile([-2.0, 2.0], (3, 1)),
        always_told=frozenset({"energy"}),
        limit=2.0,
        divisions=frozenset({"C33", "C34"}),
    )


def test_a_referral_counts_once_whichever_of_its_reasons_holds() -> None:
    found = false_referrals(cloud(), ROWS, ["C33", "C99", "C34", "C34"])
    assert (found["too_far_out"], found["missing_a_family"], found["of_an_unknown_industry"]) == (0.25, 0.25, 0.25)
    assert found["false_referral_rate"] == 0.75
    assert false_referrals(cloud(), ROWS, [None, "C33", None, None])["false_referral_rate"] == 0.75


def test_exchanged_features_keep_their_values_and_their_gaps() -> None:
    rows = np.random.default_rng(1).normal(size=(200, 3))
    mixed = exchanged(rows)
    assert (np.sort(mixed, axis=0) == np.sort(rows, axis=0)).all()
    assert (mixed == rows).all(axis=1).mean() < 0.05
    assert np.isnan(exchanged(ROWS)).sum(axis=0).tolist() == np.isnan(ROWS).sum(axis=0).tolist()
