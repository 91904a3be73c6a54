"""Scoring: a snapshot, a model and parameters become a probability of default with its grade, interval and reasons.

The interval (`scoring.credit.interval`) runs from what was observed to the worst that it could have been, by the spread
of the bag and what that does not show; `benchmarks/credit_truth` measures how often it holds. docs/credit-policy.md
says how it is made, docs/withholding.md why its upper end never falls where rows are withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from scoring.boosters import Explanation
from scoring.cards import ModelFeature, within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale
from scoring.credit.card import CreditCard
from scoring.credit.interval import Reach, Side, at_upper_end, reaches
from scoring.credit.master_scale import MasterScale, PointsScale, master_scale, pd_ceiling
from scoring.credit.term_structure import term_structure
from scoring.credit.trust_terms import trust_terms
from scoring.errors import ModelDoesNotFit
from scoring.explanation.reasons import ReasonKind, reason_rules, reasons
from scoring.records import Contribution, PdStep, ScoreRecord, ScoreSource

Matrix = NDArray[np.float64]

RECENT_COVERAGE = "coverage_90d"
UPPER_END = "upper_end"
"""The last step of a model's PD: it lies within its interval."""


def score(snapshot: FeatureSnapshot, artefact: CreditArtefact, parameters: ParameterBook) -> ScoreRecord:
    """The probability of default of one obligor at the snapshot's `as_of`; see `score_many`."""
    return score_many([snapshot], artefact, parameters)[0]


def score_many(
    snapshots: Sequence[FeatureSnapshot], artefact: CreditArtefact, parameters: ParameterBook
) -> list[ScoreRecord]:
    """A record for each snapshot, in order; the same bits as scoring them one by one.

    An obligor with less history than parameter `minimum_history_days`, or of whose last 90 days less than
    `minimum_recent_coverage` was surely observed, gets its industry's prior (`thin_history`): an old history says
    nothing about a firm that has fallen silent.
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
    """Judged at the coverage's worst, which also counts owned machines that were never heard of."""
    recent = snapshot.values.get(RECENT_COVERAGE)
    is_silent = recent is not None and (recent.value is None or _below(recent, values["minimum_recent_coverage"]))
    return is_silent or snapshot.history_days < values["minimum_history_days"]


def _below(coverage: FeatureValue, minimum: float) -> bool:
    return coverage.adverse_value is None or coverage.adverse_value < minimum


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
    reached = within_reach(observed, features)
    at_worst, at_unexcused = (
        at_upper_end(vectors, artefact.card)
        for vectors in (
            np.array([snapshot.adverse_vector(keys) for snapshot in snapshots]),
            np.array([snapshot.unexcused_vector(keys) for snapshot in snapshots]),
        )
    )
    # The trees are asked once: what a question costs hardly depends on how many rows it has.
    margins = artefact.bag.margins(np.concatenate([reached, at_worst, at_unexcused]))
    seen, of_worst, of_unexcused = np.split(margins, 3, axis=1)
    explanation = artefact.explain(reached, margins=seen)
    ends = zip(
        reaches(seen, artefact.card, Side.LOWER),
        *(reaches(members, artefact.card, Side.UPPER) for members in (of_worst, of_unexcused)),
        strict=True,
    )
    intervals = [_Interval(lower=low, worst=worst, unexcused=unexcused) for low, worst, unexcused in ends]
    return [
        _model_record(
            snapshot,
            artefact,
            parameters,
            values=value,
            observed=observed[row],
            explanation=explanation,
            row=row,
            interval=intervals[row],
        )
        for row, (snapshot, value) in enumerate(zip(snapshots, values, strict=True))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interval:
    """One obligor's ends: the lower at what was observed, the upper at the worst of what was not, with external gaps
    excused and with none excused."""

    lower: Reach
    worst: Reach
    unexcused: Reach

    def ends(
        self, scale: PdScale, card: CreditCard, snapshot: FeatureSnapshot, values: Mapping[str, Any]
    ) -> tuple[float, float]:
        """Both ends as PDs, moved apart by the grade of data trust. To be excused gains no more than the stated
        relief."""
        apart = trust_terms(snapshot.data_trust, values).widening
        relieved = self.unexcused.pd_12m(scale, card, apart=apart - float(values["external_gap_relief"]))
        upper = max(self.worst.pd_12m(scale, card, apart=apart), relieved)
        return self.lower.pd_12m(scale, card, apart=apart), upper


def _model_record(
    snapshot: FeatureSnapshot,
    artefact: CreditArtefact,
    parameters: ParameterBook,
    *,
    values: Mapping[str, Any],
    observed: Matrix,
    explanation: Explanation,
    row: int,
    interval: _Interval,
) -> ScoreRecord:
    scale = pd_scale(artefact, values)
    lower, upper = interval.ends(scale, artefact.card, snapshot, values)
    raw = scale.steps(float(explanation.margin[row]))
    # Trees may send a missing value on a way of its own: it never counts for worse than the worst that it may hide.
    pd_12m = min(raw[-1].pd_12m, upper)
    steps = (*raw, PdStep(name=UPPER_END, pd_12m=pd_12m))
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
        pd_12m_lower=min(pd_12m, lower),
        pd_12m_upper=upper,
        term_structure=term_structure(pd_12m, artefact.shape),
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
        familiarity=None
        if artefact.cloud is None
        else artefact.cloud.judge(observed, division=snapshot.industry_division, machine_types=snapshot.machine_types),
    )


def _thin_record(snapshot: FeatureSnapshot, values: Mapping[str, Any], parameters: ParameterBook) -> ScoreRecord:
    priors = values["industry_prior_pd"]
    prior = priors.get(snapshot.industry_division, priors["default"])
    scale = _scale(values)
    pd_12m = min(max(prior, values["pd_floor"]), pd_ceiling(values))
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
        term_structure=term_structure(pd_12m, None),
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


def pd_scale(artefact: CreditArtefact, values: Mapping[str, Any]) -> PdScale:
    """How margins of the model become probabilities under the parameters in force."""
    return PdScale(
        calibrator=artefact.card.calibrator.calibrator(),
        reference_rate=artefact.card.reference_rate,
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
        ceiling=pd_ceiling(values),
    )


def _scale(values: Mapping[str, Any]) -> MasterScale:
    return master_scale(values["master_scale"])


def _points(values: Mapping[str, Any]) -> PointsScale:
    return PointsScale(**values["score_points"])


def _origin(snapshot: FeatureSnapshot, artefact: CreditArtefact) -> DataOrigin:
    """Synthetic as soon as the data or the model is."""
    origins = (snapshot.data_origin, artefact.card.data_origin)
    return DataOrigin.SYNTHETIC if DataOrigin.SYNTHETIC in origins else DataOrigin.REAL
