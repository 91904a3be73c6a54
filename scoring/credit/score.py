"""Scoring: a snapshot, a model and parameters become a probability of default with its grade, interval and reasons.

The interval is provisional: percentiles of the bag's members at what was observed and at the worst it could have been,
without a tested coverage. docs/credit-policy.md says how it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.snapshot import FeatureSnapshot, Missing
from scoring.boosters import Explanation
from scoring.cards import ModelFeature
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale
from scoring.credit.master_scale import MasterScale, PointsScale, master_scale
from scoring.errors import ModelDoesNotFit
from scoring.explanation.reasons import ReasonKind, reason_rules, reasons
from scoring.records import Contribution, PdStep, ScoreRecord, ScoreSource

Matrix = NDArray[np.float64]

RECENT_COVERAGE = "coverage_90d"


def score(snapshot: FeatureSnapshot, artefact: CreditArtefact, parameters: ParameterBook) -> ScoreRecord:
    """The probability of default of one obligor at the snapshot's `as_of`; see `score_many`."""
    return score_many([snapshot], artefact, parameters)[0]


def score_many(
    snapshots: Sequence[FeatureSnapshot], artefact: CreditArtefact, parameters: ParameterBook
) -> list[ScoreRecord]:
    """A record for each snapshot, in order; the same bits as scoring them one by one.

    An obligor with less history than parameter `minimum_history_days`, or of whose last 90 days less was observed than
    `minimum_recent_coverage`, gets its industry's prior (`thin_history`): an old history says nothing about a firm that
    has fallen silent.
    Raises ModelDoesNotFit where a snapshot lacks one of the model's features, NoParameterYet where `as_of` lies before
    the first parameters, AdditivityBroken where the trees contradict their contributions.
    """
    values = [parameters.at(snapshot.as_of) for snapshot in snapshots]
    thin = [_is_thin(snapshot, value) for snapshot, value in zip(snapshots, values, strict=True)]
    records: dict[int, ScoreRecord] = {
        index: _thin_record(snapshots[index], values[index], parameters)
        for index, is_thin in enumerate(thin)
        if is_thin
    }
    rest = [index for index, is_thin in enumerate(thin) if not is_thin]
    if rest:
        scored = _model_records(
            [snapshots[index] for index in rest], [values[index] for index in rest], artefact, parameters
        )
        records.update(zip(rest, scored, strict=True))
    return [records[index] for index in range(len(snapshots))]


def _is_thin(snapshot: FeatureSnapshot, values: Mapping[str, Any]) -> bool:
    recent = snapshot.values.get(RECENT_COVERAGE)
    is_silent = recent is not None and recent.value is not None and recent.value < values["minimum_recent_coverage"]
    has_nothing = recent is not None and recent.missing in {Missing.NOT_ENOUGH_HISTORY, Missing.NO_SOURCE}
    return is_silent or has_nothing or snapshot.history_days < values["minimum_history_days"]


def _model_records(
    snapshots: Sequence[FeatureSnapshot],
    values: Sequence[Mapping[str, Any]],
    artefact: CreditArtefact,
    parameters: ParameterBook,
) -> list[ScoreRecord]:
    features = artefact.card.features
    keys = [feature.key for feature in features]
    for snapshot in snapshots:
        _check_fit(snapshot, keys)
    observed = np.array([snapshot.vector(keys) for snapshot in snapshots])
    adverse = np.array([_adverse(snapshot, keys, features) for snapshot in snapshots])
    explanation = artefact.explain(observed)
    lowest, highest = artefact.card.interval_percentiles
    lower = np.percentile(explanation.member_margins, lowest, axis=0)
    upper = np.percentile(artefact.bag.margins(adverse), highest, axis=0)
    return [
        _model_record(
            snapshot,
            artefact,
            parameters,
            values=value,
            observed=observed[row],
            explanation=explanation,
            row=row,
            interval=(float(lower[row]), float(upper[row])),
        )
        for row, (snapshot, value) in enumerate(zip(snapshots, values, strict=True))
    ]


def _model_record(
    snapshot: FeatureSnapshot,
    artefact: CreditArtefact,
    parameters: ParameterBook,
    *,
    values: Mapping[str, Any],
    observed: Matrix,
    explanation: Explanation,
    row: int,
    interval: tuple[float, float],
) -> ScoreRecord:
    scale = _pd_scale(artefact, values)
    steps = scale.steps(float(explanation.margin[row]))
    pd_12m = steps[-1].pd_12m
    contributions = _contributions(artefact.card.features, observed, explanation.contributions[row])
    return ScoreRecord(
        obligor_id=snapshot.obligor_id,
        as_of=snapshot.as_of,
        source=ScoreSource.MODEL,
        base_log_odds=float(explanation.base[row]),
        margin=float(explanation.margin[row]),
        contributions=contributions,
        pd_model=steps[0].pd_12m,
        pd_steps=steps,
        pd_12m=pd_12m,
        pd_12m_lower=min(pd_12m, scale.pd_12m(interval[0])),
        pd_12m_upper=max(pd_12m, scale.pd_12m(interval[1])),
        rating_grade=_scale(values).grade(pd_12m),
        score_points=_points(values).points(pd_12m),
        reasons=reasons(
            contributions,
            kind=ReasonKind.CREDIT,
            features=artefact.card.features,
            rules=reason_rules(values["reasons"]),
        ),
        snapshot_id=snapshot.snapshot_id,
        model_version=artefact.version,
        parameters_version=parameters.version,
        data_origin=_origin(snapshot, artefact),
    )


def _thin_record(snapshot: FeatureSnapshot, values: Mapping[str, Any], parameters: ParameterBook) -> ScoreRecord:
    priors = values["industry_prior_pd"]
    prior = priors.get(snapshot.industry_division, priors["default"])
    scale = _scale(values)
    pd_12m = max(prior, values["pd_floor"])
    ends = {end: scale.mids[grade] for end, grade in values["thin_history_interval"].items()}
    return ScoreRecord(
        obligor_id=snapshot.obligor_id,
        as_of=snapshot.as_of,
        source=ScoreSource.THIN_HISTORY,
        base_log_odds=None,
        margin=None,
        contributions=(),
        pd_model=None,
        pd_steps=(PdStep(name="industry_prior", pd_12m=prior), PdStep(name="floor", pd_12m=pd_12m)),
        pd_12m=pd_12m,
        pd_12m_lower=min(pd_12m, ends["lower"]),
        pd_12m_upper=max(pd_12m, ends["upper"]),
        rating_grade=scale.grade(pd_12m),
        score_points=_points(values).points(pd_12m),
        reasons=(),
        snapshot_id=snapshot.snapshot_id,
        model_version=None,
        parameters_version=parameters.version,
        data_origin=snapshot.data_origin,
    )


def _check_fit(snapshot: FeatureSnapshot, keys: Sequence[str]) -> None:
    unknown = [key for key in keys if key not in snapshot.values]
    if unknown:
        raise ModelDoesNotFit(
            f"The model asks for {len(unknown)} features that the snapshot of {snapshot.obligor_id} does not have "
            f"(first: {unknown[0]}).",
            hint="The model was trained on another feature catalogue; train it again on this one.",
        )


def _adverse(snapshot: FeatureSnapshot, keys: Sequence[str], features: Sequence[ModelFeature]) -> Matrix:
    """What was not observed counted against the obligor; what is missing altogether, at the peers' adverse P90.

    What is missing because nothing failed is not unknown: it stays missing.
    """
    fills = np.array([np.nan if feature.adverse_value is None else feature.adverse_value for feature in features])
    is_known = np.array([snapshot.values[key].missing is Missing.NO_FAILURE for key in keys])
    seen = snapshot.adverse_vector(keys)
    return np.where(np.isnan(seen) & ~is_known, fills, seen)


def _contributions(features: Sequence[ModelFeature], observed: Matrix, pulls: Matrix) -> tuple[Contribution, ...]:
    return tuple(
        Contribution(
            feature=feature.key,
            family=feature.family,
            value=None if np.isnan(value) else float(value),
            contribution=float(pull),
        )
        for feature, value, pull in zip(features, observed, pulls, strict=True)
    )


def _pd_scale(artefact: CreditArtefact, values: Mapping[str, Any]) -> PdScale:
    return PdScale(
        calibrator=artefact.card.calibrator.calibrator(),
        reference_rate=artefact.card.reference_rate,
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
    )


def _scale(values: Mapping[str, Any]) -> MasterScale:
    return master_scale(values["master_scale"])


def _points(values: Mapping[str, Any]) -> PointsScale:
    return PointsScale(**values["score_points"])


def _origin(snapshot: FeatureSnapshot, artefact: CreditArtefact) -> DataOrigin:
    """Synthetic as soon as the data or the model is."""
    origins = (snapshot.data_origin, artefact.card.data_origin)
    return DataOrigin.SYNTHETIC if DataOrigin.SYNTHETIC in origins else DataOrigin.REAL
