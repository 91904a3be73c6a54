"""A score adds up, brackets its PD, falls back by name, and is the same alone and in a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scoring_book import make_snapshot

from data_contracts.errors import NoParameterYet
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from features.trust import CheckState, DataTrust, TrustGrade
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import logit
from scoring.credit.card import Widened
from scoring.credit.score import score, score_many
from scoring.errors import ModelDoesNotFit
from scoring.records import ScoreRecord, ScoreSource


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
    snapshot = make_snapshot(rows[0])
    unseen = {
        name: replace(
            value, **dict.fromkeys(("adverse_value", "unexcused_value"), (value.adverse_value or 0.5) + 0.1 * worse)
        )
        for (name, value), worse in zip(snapshot.values.items(), _signs(), strict=True)
    }
    seen, hidden = (score(item, credit_model, parameters) for item in (snapshot, replace(snapshot, values=unseen)))
    assert hidden.pd_12m == seen.pd_12m
    assert hidden.pd_12m_lower == seen.pd_12m_lower
    assert hidden.pd_12m_upper > seen.pd_12m_upper


METER = "energy_above_meter"
HIDDEN = tuple(
    f"{name}_90d"
    for name in (
        "operating_rate",
        "utilisation",
        "active_day_share",
        "idle_workday_share",
        "failure_rate",
        "load_factor",
    )
)


def test_a_missing_feature_counts_at_the_adverse_p90(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(np.nan_to_num(rows[0], nan=0.5))
    missing = {**snapshot.values}
    for key in HIDDEN:
        nothing = {"adverse_value": None, "unexcused_value": None}
        missing[key] = replace(snapshot.values[key], value=None, missing=Missing.NO_FAILURE, **nothing)
    features = credit_model.card.features
    standing = credit_model.card.standing
    told = [item.adverse_value if item.key in HIDDEN else snapshot.values[item.key].adverse_value for item in features]
    worst = np.array([standing.get(item.key, value) for item, value in zip(features, told, strict=True)])
    upper = score(replace(snapshot, values=missing), credit_model, parameters).pd_12m_upper
    assert logit(upper) == pytest.approx(_upper_log_odds(worst, credit_model))
    assert upper > score(snapshot, credit_model, parameters).pd_12m_upper


def _upper_log_odds(worst: np.ndarray, model: CreditArtefact) -> float:
    members = model.bag.margins(worst[None, :])[:, 0]
    log_odds = model.card.calibrator.calibrator().log_odds
    mean, far = log_odds(float(members.mean())), log_odds(float(np.percentile(members, 95)))
    return mean + float(np.hypot(far - mean, model.card.interval_widening))


def test_the_interval_joins_the_spread_of_the_bag_with_what_that_does_not_show(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    struck = credit_model.card.interval_widening
    shared = 1.6448536 * np.hypot(0.31, 0.18)
    assert shared < struck < 2 * shared  # the level of so few defaults is not known either
    bag_alone = replace(credit_model, card=credit_model.card.model_copy(update={"interval_widening": 0.0}))
    snapshot = make_snapshot(rows[10])
    wide, narrow = (score(snapshot, model, parameters) for model in (credit_model, bag_alone))
    assert wide.pd_12m == narrow.pd_12m
    shown = logit(wide.pd_12m) - logit(narrow.pd_12m_lower)
    assert shown > 0
    assert logit(wide.pd_12m) - logit(wide.pd_12m_lower) == pytest.approx(np.hypot(shown, struck))
    twice = replace(credit_model, card=credit_model.card.model_copy(update={"interval_widening": 2 * struck}))
    start, once, further = (
        logit(score(snapshot, model, parameters).pd_12m_upper) for model in (bag_alone, credit_model, twice)
    )
    shown_above = (struck**2 - (once - start) ** 2) / (2 * (once - start))  # solves once - start = hypot(x, struck) - x
    assert shown_above > 0
    assert further - start == pytest.approx(np.hypot(shown_above, 2 * struck) - shown_above)


def test_an_older_card_adds_what_its_bag_shows_and_what_it_does_not(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[10])
    ends = {
        widening: score(
            snapshot,
            replace(
                credit_model,
                card=credit_model.card.model_copy(update={"widened": Widened.ENDS, "interval_widening": widening}),
            ),
            parameters,
        )
        for widening in (0.0, 0.4)
    }
    assert logit(ends[0.4].pd_12m_upper) - logit(ends[0.0].pd_12m_upper) == pytest.approx(0.4)
    assert logit(ends[0.0].pd_12m_lower) - logit(ends[0.4].pd_12m_lower) == pytest.approx(0.4)


def test_a_value_beyond_the_adverse_p90_counts_like_one_at_it(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    features = credit_model.card.features
    snapshots = [make_snapshot(row) for row in rows[:6]]
    for feature in features:
        at, beyond = (
            score_many(
                [_with(item, feature.key, (feature.adverse_value or 0.0) + by * feature.sign) for item in snapshots],
                credit_model,
                parameters,
            )
            for by in (0.0, 100.0)
        )
        for known, worse in zip(at, beyond, strict=True):
            assert (known.margin, known.pd_12m_upper) == (worse.margin, worse.pd_12m_upper), feature.key


def test_what_nothing_bounds_moves_the_pd_and_never_the_upper_end(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    features = {feature.key: feature for feature in credit_model.card.features}
    assert list(credit_model.card.standing) == ["scrap_ratio_30d", "scrap_ratio_90d"]
    told = make_snapshot(rows[6])
    for key, middle in credit_model.card.standing.items():
        worst = features[key].adverse_value
        assert worst is not None
        assert middle < worst
        silent = replace(
            told.values[key], value=None, missing=Missing.NO_SOURCE, adverse_value=None, unexcused_value=None
        )
        told_nothing = replace(told, values={**told.values, key: silent})
        found = [score(_with(told, key, value), credit_model, parameters) for value in (0.0, worst)]
        assert found[0].pd_12m < found[1].pd_12m
        assert len({record.pd_12m_upper for record in (*found, score(told_nothing, credit_model, parameters))}) == 1


def _with(snapshot: FeatureSnapshot, key: str, value: float) -> FeatureSnapshot:
    feature = replace(
        snapshot.values[key], value=value, missing=None, adverse_value=value if "coverage" not in key else 0.9
    )
    return replace(snapshot, values={**snapshot.values, key: feature})


def test_distrust_moves_both_ends_apart(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[0])
    trusts = [
        DataTrust(grade=TrustGrade.T1, checks={METER: CheckState.AGREES}, attested={AttestationLevel.SEALED: 1.0}),
        DataTrust(grade=TrustGrade.T1, checks={METER: CheckState.NO_SOURCE}),
        DataTrust(grade=TrustGrade.T1, checks=dict.fromkeys((METER, "counted_above_shipped"), CheckState.DISAGREES)),
    ]
    found = [score(replace(snapshot, data_trust=trust), credit_model, parameters) for trust in trusts]
    assert found[0].pd_12m == found[1].pd_12m == found[2].pd_12m
    assert found[0].pd_12m_upper < found[1].pd_12m_upper < found[2].pd_12m_upper
    assert found[0].pd_12m_lower > found[1].pd_12m_lower > found[2].pd_12m_lower
    assert logit(found[2].pd_12m_upper) - logit(found[0].pd_12m_upper) == pytest.approx(1.0)


def test_the_level_of_attestation_caps_confidence(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[0])

    def found(attested: dict[AttestationLevel, float], grade: TrustGrade = TrustGrade.T1) -> ScoreRecord:
        trust = DataTrust(grade=grade, attested=attested)
        return score(replace(snapshot, data_trust=trust), credit_model, parameters)

    widths = [found({level: 1.0}) for level in AttestationLevel]
    uppers = [record.pd_12m_upper for record in widths]
    lowers = [record.pd_12m_lower for record in widths]
    assert uppers[0] > uppers[1] > uppers[2] == uppers[3] == uppers[4]
    assert lowers[0] < lowers[1] < lowers[2] == lowers[3] == lowers[4]
    assert logit(uppers[0]) - logit(uppers[2]) == pytest.approx(0.1)
    assert found({}).pd_12m_upper == uppers[0]
    assert found({AttestationLevel.SEALED: 0.4, AttestationLevel.AUTHENTICATED: 0.1}).pd_12m_upper == uppers[1]
    assert found({}, TrustGrade.T5).pd_12m_upper == found({AttestationLevel.SEALED: 1.0}, TrustGrade.T5).pd_12m_upper


def test_an_excused_gap_relieves_by_no_more_than_is_stated(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(np.nan_to_num(rows[0], nan=0.5))

    def upper(hidden: Sequence[str], *fields: str) -> float:
        gone = {key: replace(snapshot.values[key], **dict.fromkeys(fields, None)) for key in hidden}
        return score(replace(snapshot, values={**snapshot.values, **gone}), credit_model, parameters).pd_12m_upper

    observed = upper(())
    unexcused = upper(HIDDEN, "adverse_value", "unexcused_value")
    assert logit(unexcused) - logit(observed) > 0.5
    assert logit(upper(HIDDEN, "unexcused_value")) == pytest.approx(logit(unexcused) - 0.5)
    assert upper(HIDDEN[:1], "adverse_value", "unexcused_value") - observed > 0
    assert upper(HIDDEN[:1], "unexcused_value") == observed


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
    covered = replace(snapshot.values["coverage_90d"], value=0.9, adverse_value=0.9)

    def source(coverage: FeatureValue) -> ScoreSource:
        values = {**snapshot.values, "coverage_90d": coverage}
        return score(replace(snapshot, values=values, history_days=1_399), credit_model, parameters).source

    assert source(covered) is ScoreSource.MODEL
    assert source(replace(covered, adverse_value=0.1)) is ScoreSource.THIN_HISTORY
    assert source(replace(covered, adverse_value=None)) is ScoreSource.THIN_HISTORY
    assert source(replace(covered, value=None, missing=Missing.NO_SOURCE)) is ScoreSource.THIN_HISTORY
