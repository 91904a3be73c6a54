"""A snapshot that is unlike the training rows is told, with what makes it so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis
from scoring_book import DIVISIONS, NAMES, RARE_DIVISION, credit_signs, make_snapshot, measured

from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE
from scoring.cards import ModelFeature
from scoring.credit.artefact import CreditArtefact
from scoring.credit.card import FamiliarityCard
from scoring.credit.familiarity import TrainingCloud, from_lower_triangle, lower_triangle
from scoring.credit.score import score, score_many
from scoring.training.familiarity import fit_familiarity, known_divisions
from scoring.unfamiliar import Familiarity, UnknownCategory

SETTINGS = {"familiar_percentile": 99, "familiar_missing_share": 0.01, "familiar_division_firms": 5}
KEYS = ("operating_rate_90d", "utilisation_90d", "coverage_90d", "load_factor_90d", "idle_energy_share_90d")
ROWS = 3_000


def features() -> tuple[ModelFeature, ...]:
    return tuple(
        ModelFeature(
            key=key,
            name=CATALOGUE[key].name,
            family=CATALOGUE[key].family,
            unit="1",
            window_days=90,
            sign=-1,
            adverse_value=None,
            peer_median=None,
        )
        for key in KEYS
    )


def book(seed: int, *, count: int = ROWS) -> np.ndarray:
    """Two features that go together, two that do not, one with a long tail upwards, and some values missing."""
    rng = np.random.default_rng(seed)
    together = rng.normal(size=count)
    values = np.column_stack(
        [
            together + 0.1 * rng.normal(size=count),
            together + 0.1 * rng.normal(size=count),
            rng.normal(size=count),
            rng.normal(size=count),
            rng.exponential(size=count),
        ]
    )
    values[rng.random(values.shape) < 0.05] = np.nan
    return values


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Rows of so many firms, each of an industry."""

    values: np.ndarray
    divisions: tuple[str | None, ...] | None = None
    machine_types: None = None

    @property
    def obligor_ids(self) -> tuple[str, ...]:
        return tuple(f"FIRM{at}" for at in range(len(self.values)))


def seen(seed: int) -> Seen:
    return Seen(values=book(seed))


CARD: FamiliarityCard = fit_familiarity(features(), seen(1), seen(2), seen(3), settings=SETTINGS)
CLOUD: TrainingCloud = CARD.cloud(features())

ROW = st.lists(st.floats(-4, 4), min_size=len(KEYS), max_size=len(KEYS)).map(np.array)
MASK = st.lists(st.booleans(), min_size=len(KEYS), max_size=len(KEYS)).map(np.array)


def test_one_in_a_hundred_like_those_it_was_taught_on_is_referred() -> None:
    assert CARD.referred == pytest.approx(0.01, abs=0.006)  # three standard deviations of a share of 3,000 rows
    fresh = book(4)
    assert np.mean([not CLOUD.judge(row).is_familiar for row in fresh]) == pytest.approx(0.01, abs=0.006)


@given(row=ROW)
def test_shares_add_up_to_the_squared_distance_of_mahalanobis(row: np.ndarray) -> None:
    scales = np.where(row > CLOUD.centres, CLOUD.above, CLOUD.below)
    apart = mahalanobis((row - CLOUD.centres) / scales, CLOUD.means, np.linalg.inv(CLOUD.covariance))
    assert np.sqrt(CLOUD.shares(row).sum()) == pytest.approx(apart, rel=1e-9)


@given(row=ROW, hidden=MASK)
def test_hiding_brings_no_row_nearer_unless_a_family_is_missed(row: np.ndarray, hidden: np.ndarray) -> None:
    """What is left can only be as odd as the whole; hiding a family altogether is told by itself."""
    whole, rest = CLOUD.judge(row), CLOUD.judge(np.where(hidden, np.nan, row))
    assert rest.distance <= whole.distance + 1e-4
    gone = {item.family for item in features()} - {
        item.family for item, is_hidden in zip(features(), hidden, strict=True) if not is_hidden
    }
    assert set(rest.missing_families) == gone
    assert rest.is_familiar is (rest.distance <= 1 and not gone)


@settings(max_examples=50)
@given(at=st.integers(0, len(KEYS) - 1), away=st.floats(30, 1e6), sign=st.sampled_from([-1, 1]))
def test_a_value_beyond_everything_seen_is_referred_and_named_first(at: int, away: float, sign: int) -> None:
    row = CLOUD.centres.copy()
    row[at] += sign * away
    found = CLOUD.judge(row)
    assert not found.is_familiar
    assert found.furthest[0].feature in (KEYS[at], *(KEYS[:2] if at < 2 else ()))  # of two that go together either
    named = next(item for item in found.furthest if item.feature == KEYS[at])
    assert not named.usual_lower <= named.value <= named.usual_upper


def test_usual_values_that_never_go_together_are_referred() -> None:
    row = CLOUD.centres.copy()
    row[:2] = [1.5, -1.5]
    found = CLOUD.judge(row)
    assert not found.is_familiar
    assert {item.feature for item in found.furthest[:2]} == set(KEYS[:2])
    assert all(item.usual_lower <= item.value <= item.usual_upper for item in found.furthest[:2])


def test_a_feature_that_was_always_the_same_counts_in_whole_units() -> None:
    train = np.column_stack([book(1)[:, :4], np.full(ROWS, 7.0)])
    rows = Seen(values=train)
    card = fit_familiarity(features(), rows, rows, rows, settings=SETTINGS)
    assert (card.below[4], card.above[4]) == (1.0, 1.0)
    assert not card.cloud(features()).judge(np.append(np.array(card.centres)[:4], 9.0)).is_familiar


def test_a_triangle_is_the_whole_of_a_symmetric_matrix() -> None:
    assert np.array_equal(from_lower_triangle(lower_triangle(CLOUD.covariance)), CLOUD.covariance)


def familiarity(model: CreditArtefact, row: np.ndarray, parameters: ParameterBook) -> Familiarity:
    found = score(make_snapshot(row), model, parameters).familiarity
    assert found is not None
    return found


def test_a_score_says_whether_the_model_was_taught_on_its_like(
    credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    usual = measured(np.zeros(1), signs=credit_signs(), seed=9, missing_share=0.0)[0]
    assert familiarity(credit_model, usual, parameters).is_familiar
    at = NAMES.index("fault_time_share_90d")
    strange = usual.copy()
    strange[at] = 40.0
    found = familiarity(credit_model, strange, parameters)
    assert found.distance > 1
    assert found.furthest[0].feature == NAMES[at]
    without = np.where([CATALOGUE[name].family == "energy" for name in NAMES], np.nan, usual)
    assert familiarity(credit_model, without, parameters).missing_families == ("energy",)


def test_many_are_judged_as_one_by_one(
    credit_model: CreditArtefact, rows: np.ndarray, parameters: ParameterBook
) -> None:
    snapshots = [make_snapshot(row) for row in rows]
    together = [record.familiarity for record in score_many(snapshots, credit_model, parameters)]
    assert together == [score(snapshot, credit_model, parameters).familiarity for snapshot in snapshots]


def test_a_model_without_the_record_and_a_thin_history_say_nothing(
    credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    row = np.full(len(NAMES), 0.5)
    assert score(make_snapshot(row), replace(credit_model, cloud=None), parameters).familiarity is None
    assert score(make_snapshot(row, history_days=10), credit_model, parameters).familiarity is None


def divided(divisions: tuple[str | None, ...] | None, *, firms: int = 100) -> Seen:
    """Rows of `firms` firms, one each, of these industries in turn."""
    turns = None if divisions is None else tuple(divisions[at % len(divisions)] for at in range(firms))
    return Seen(values=book(1, count=firms), divisions=turns)


def test_an_industry_is_known_from_five_firms_on() -> None:
    rows = Seen(values=np.zeros((15, 1)), divisions=("C33",) * 5 + ("C34",) * 4 + (None,) * 6)
    assert known_divisions(rows, least_firms=5) == {"C33": 5}
    twice = Seen(values=np.zeros((9, 1)), divisions=("C34",) * 4 + ("C33",) * 5)
    assert known_divisions(twice, least_firms=6) == {}  # told, and of none enough: all are unknown


@pytest.mark.parametrize("divisions", [None, (None,)])
def test_training_that_is_told_no_industry_knows_none_and_refers_none(divisions: tuple[None] | None) -> None:
    card = fit_familiarity(features(), divided(divisions), seen(2), seen(3), settings=SETTINGS)
    assert card.divisions is None
    row = np.array(card.centres)
    judged = [card.cloud(features()).judge(row, division=division) for division in (None, "C34")]
    assert [one.is_familiar for one in judged] == [True, True]


@given(row=ROW, division=st.sampled_from(["C33", "C34", "C99", "A01"]))
def test_hiding_the_industry_makes_nobody_familiar(row: np.ndarray, division: str) -> None:
    cloud = replace(CLOUD, divisions=frozenset({"C33", "C34"}))
    told, hidden = cloud.judge(row, division=division), cloud.judge(row)
    assert not hidden.is_familiar
    assert hidden.unknown_categories == (UnknownCategory(name="industry_division", value=None),)
    is_known = division in ("C33", "C34")
    assert told.unknown_categories == (() if is_known else (UnknownCategory(name="industry_division", value=division),))
    assert told.is_familiar is (is_known and CLOUD.judge(row).is_familiar)


def test_the_share_of_the_test_rows_counts_those_of_unknown_industries() -> None:
    told = replace(seen(3), divisions=("C34", "C99") * (ROWS // 2))
    known = replace(seen(1), divisions=("C34",) * ROWS)
    card = fit_familiarity(features(), known, seen(2), told, settings=SETTINGS)
    assert card.divisions == {"C34": ROWS}
    assert card.referred == pytest.approx(0.5 + CARD.referred / 2, abs=0.006)


def test_a_model_keeps_the_industries_it_was_trained_on(
    credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    card = credit_model.card.familiarity
    assert card is not None
    assert card.divisions is not None
    assert list(card.divisions) == list(DIVISIONS)  # of RARE_DIVISION there are two firms
    assert sum(card.divisions.values()) == credit_model.card.train.obligors - 2
    usual = measured(np.zeros(1), signs=credit_signs(), seed=9, missing_share=0.0)[0]
    unknown = {
        division: score(make_snapshot(usual, industry_division=division), credit_model, parameters).familiarity
        for division in (*DIVISIONS, RARE_DIVISION, "C99", None)
    }
    assert {division for division, found in unknown.items() if found is not None and found.is_familiar} == set(
        DIVISIONS
    )
