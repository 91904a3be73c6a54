"""The peers of a decision: just approved, one row a firm, and in the artefact as counts."""

from __future__ import annotations

import numpy as np
import pytest

from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from scoring.boosters import mean_of_members
from scoring.credit.artefact import CreditArtefact
from scoring.explanation.reference import read_reference, reference_bytes, reference_digest
from scoring.training.reference import Selection, choose_peers
from scoring.training.split import TimeSplit, rows_at

MONTHS = np.array(["2026-01-31", "2026-02-28"], dtype="datetime64[us]")


def chosen(pd: list[float], *, approved_to: float = 0.05, share: float = 0.5, fewest: int = 2) -> tuple[list[int], str]:
    """Rows chosen of firms A to D in two months, January's first."""
    half = len(pd) // 2
    peers = choose_peers(
        np.array(pd),
        obligor_ids=["A", "B", "C", "D"][:half] * 2,
        as_of=np.repeat(MONTHS, half),
        approved_to=approved_to,
        settings={"share": share, "fewest": fewest},
    )
    return peers.rows.tolist(), peers.selection


def test_those_nearest_below_the_cut_off_with_their_latest_row() -> None:
    january, february = [0.001, 0.04, 0.9, 0.9], [0.01, 0.03, 0.049, 0.06]
    assert chosen(january + february) == ([6, 5], Selection.JUST_APPROVED)
    assert chosen(january + february, share=0.7) == ([6, 5, 4], Selection.JUST_APPROVED)
    assert chosen(january + february, share=0.1, fewest=1) == ([6], Selection.JUST_APPROVED)


def test_the_bound_itself_is_approved_and_ties_go_by_name() -> None:
    assert chosen([0.9] * 4 + [0.05, 0.02, 0.05, 0.02]) == ([4, 6], Selection.JUST_APPROVED)


def test_where_too_few_are_approved_the_safest_stand_in() -> None:
    assert chosen([0.0] * 4 + [0.3, 0.04, 0.2, 0.5], fewest=3) == ([5, 6, 4], Selection.LOWEST_PD)


def test_reasons_compare_with_the_group_that_the_card_names(
    credit_model: CreditArtefact, credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    card, reference = credit_model.card, credit_model.reference
    assert card.reference is not None
    assert reference is not None
    assert (card.reference.selection, card.reference.members) == ("just_approved", reference.members)
    assert card.reference.sha256 == reference_digest(reference)
    assert card.reference.lowest_pd < card.reference.highest_pd <= 0.0632456  # the upper bound of R10
    rows = rows_at(credit_data.as_of, credit_data.obligor_ids, split.calibrate)
    columns = [credit_data.names.index(feature.key) for feature in card.features]
    explained = credit_model.explain(credit_data.values[np.ix_(rows, columns)])
    assert (explained.base == card.reference.base_log_odds).all()
    margins = mean_of_members(list(explained.member_margins))
    assert margins.min() < card.reference.base_log_odds < margins.max()


def test_the_group_comes_back_from_its_bytes(credit_model: CreditArtefact) -> None:
    assert credit_model.reference is not None
    content, digest = reference_bytes(credit_model.reference), reference_digest(credit_model.reference)
    again = read_reference(content, members=credit_model.reference.members, digest=digest)
    assert np.array_equal(again.counts, credit_model.reference.counts)


@pytest.mark.parametrize("kind", ["explain", "explain_portfolio"])
def test_both_kinds_add_up_to_the_same_margin(credit_model: CreditArtefact, rows: np.ndarray, kind: str) -> None:
    from scoring_book import NAMES

    matrix = rows[:, [NAMES.index(feature.key) for feature in credit_model.card.features]]
    explained = getattr(credit_model, kind)(matrix)
    total = explained.base + explained.contributions.sum(axis=1)
    assert np.abs(total - explained.margin).max() < 1e-12
    assert np.abs(explained.margin - mean_of_members(list(explained.member_margins))).max() < 1e-5
