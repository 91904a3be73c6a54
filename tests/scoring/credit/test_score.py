"""A score adds up, brackets its PD, falls back by name, and is the same alone and in a crowd."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scoring_book import NAMES, make_snapshot

from data_contracts.errors import NoParameterYet
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score, score_many
from scoring.errors import ModelDoesNotFit
from scoring.records import ScoreSource


@pytest.fixture
def snapshots(rows: np.ndarray) -> list[FeatureSnapshot]:
    thin = [make_snapshot(rows[3], history_days=21), make_snapshot(rows[4], history_days=0, industry_division=None)]
    return [make_snapshot(row) for row in rows] + thin


def test_many_are_scored_as_one_by_one(
    snapshots: list[FeatureSnapshot], credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    together = score_many(snapshots, credit_model, parameters)
    assert together == [score(snapshot, credit_model, parameters) for snapshot in snapshots]
    assert score_many([], credit_model, parameters) == []


def test_base_and_contributions_are_the_margin(
    snapshots: list[FeatureSnapshot], credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    records = score_many(snapshots[:-2], credit_model, parameters)
    by_model = [record for record in records if record.source is ScoreSource.MODEL]
    assert len(by_model) > len(records) // 2
    for record in by_model:
        assert record.base_log_odds is not None
        assert record.margin is not None
        total = record.base_log_odds + sum(item.contribution for item in record.contributions)
        assert total == pytest.approx(record.margin, abs=1e-4)
        assert [item.feature for item in record.contributions] == [item.key for item in credit_model.card.features]


def test_the_interval_brackets_the_pd(
    snapshots: list[FeatureSnapshot], credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    records = score_many(snapshots, credit_model, parameters)
    assert all(0 < record.pd_12m_lower <= record.pd_12m <= record.pd_12m_upper < 1 for record in records)
    assert np.mean([record.pd_12m_upper > record.pd_12m for record in records]) > 0.9


def test_less_observed_widens_the_upper_end_only(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[20])
    unseen = {
        name: replace(value, adverse_value=None if value.adverse_value is None else value.adverse_value + 0.3 * worse)
        for (name, value), worse in zip(snapshot.values.items(), _signs(), strict=True)
    }
    seen, hidden = (score(item, credit_model, parameters) for item in (snapshot, replace(snapshot, values=unseen)))
    assert hidden.pd_12m == seen.pd_12m
    assert hidden.pd_12m_lower == seen.pd_12m_lower
    assert hidden.pd_12m_upper > seen.pd_12m_upper


def test_a_missing_feature_counts_at_the_adverse_p90_unless_nothing_failed(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(np.nan_to_num(rows[20], nan=0.5))

    def without(reason: Missing) -> float:
        missing = {
            name: FeatureValue(
                value=None, unit=value.unit, window_days=value.window_days, missing=reason, adverse_value=None
            )
            for name, value in snapshot.values.items()
        }
        return score(replace(snapshot, values=missing), credit_model, parameters).pd_12m_upper

    filled = {feature.key: feature.adverse_value for feature in credit_model.card.features}
    assert all(value is not None for value in filled.values())
    at_p90 = np.array([filled.get(name, np.nan) for name in NAMES], dtype=np.float64)
    members = credit_model.bag.margins(at_p90[[NAMES.index(key) for key in filled]][None, :])
    expected = np.percentile(members[:, 0], 95)
    calibrator = credit_model.card.calibrator.calibrator()
    assert without(Missing.NOT_OBSERVED) == pytest.approx(1 / (1 + np.exp(-calibrator.log_odds(float(expected)))))
    assert without(Missing.NO_FAILURE) < without(Missing.NOT_OBSERVED)


def test_thin_history_is_the_industrys_prior_with_a_wide_interval(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[3], history_days=89, data_origin=DataOrigin.REAL)
    record = score(snapshot, credit_model, parameters)
    assert record.source is ScoreSource.THIN_HISTORY
    assert (record.pd_12m, record.pd_12m_lower, record.pd_12m_upper) == (0.055, 0.0005, 0.22)
    assert (record.rating_grade, record.data_origin) == ("R10", DataOrigin.REAL)
    assert (record.base_log_odds, record.margin, record.pd_model, record.model_version) == (None, None, None, None)
    assert (record.contributions, record.reasons) == ((), ())
    assert [step.name for step in record.pd_steps] == ["industry_prior", "floor"]
    enough = score(make_snapshot(rows[3], history_days=90), credit_model, parameters)
    assert enough.source is ScoreSource.MODEL


@pytest.mark.parametrize(("division", "prior"), [("C18", 0.08), ("C99", 0.06), (None, 0.06)])
def test_the_prior_is_the_divisions_or_the_default(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook, division: str | None, prior: float
) -> None:
    snapshot = make_snapshot(rows[3], history_days=5, industry_division=division)
    assert score(snapshot, credit_model, parameters).pd_12m == prior


def test_a_synthetic_model_makes_a_synthetic_score(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[3], data_origin=DataOrigin.REAL)
    assert credit_model.card.data_origin is DataOrigin.SYNTHETIC
    assert score(snapshot, credit_model, parameters).data_origin is DataOrigin.SYNTHETIC


def test_a_model_of_another_catalogue_is_refused(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[3])
    gone = credit_model.card.features[0].key
    fewer = {name: value for name, value in snapshot.values.items() if name != gone}
    with pytest.raises(ModelDoesNotFit, match=f"first: {gone}"):
        score(replace(snapshot, values=fewer), credit_model, parameters)


def test_a_time_before_the_parameters_is_refused(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    early = replace(make_snapshot(rows[3]), as_of=datetime(2017, 6, 1, tzinfo=UTC))
    with pytest.raises(NoParameterYet):
        score(early, credit_model, parameters)


def _signs() -> np.ndarray:
    from scoring_book import credit_signs

    return credit_signs()


def test_an_old_history_does_not_speak_for_a_firm_that_fell_silent(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(np.nan_to_num(rows[20], nan=0.5))
    covered = replace(snapshot.values["coverage_90d"], value=0.9)

    def source(coverage: FeatureValue) -> ScoreSource:
        values = {**snapshot.values, "coverage_90d": coverage}
        return score(replace(snapshot, values=values, history_days=1_399), credit_model, parameters).source

    assert source(covered) is ScoreSource.MODEL
    assert source(replace(covered, value=0.1)) is ScoreSource.THIN_HISTORY
    assert source(replace(covered, value=None, missing=Missing.NO_SOURCE)) is ScoreSource.THIN_HISTORY
