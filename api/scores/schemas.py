"""Scores and their explanations as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.http.shapes import FeatureTold, SnapshotNote, Told
from data_contracts.vocabulary import DataOrigin
from scoring.records import ScoreSource

Probability = Field(ge=0, le=1)


class ContributionTold(Told):
    """How far one feature moved the margin."""

    feature: str
    family: str
    value: float | None
    contribution: float


class ReasonTold(Told):
    """A family's pull, led by its most telling feature with the obligor's own figure, the peers' median, and by how
    much the figure exceeds the obligor's own over that feature's longest window."""

    code: str
    family: str
    direction: Literal["adverse", "favourable"]
    contribution: float
    feature: str
    value: float | None
    reference_value: float | None
    unit: str
    window_days: int | None
    change: float | None


class PdStepTold(Told):
    """The probability of default after one named step."""

    name: str
    pd_12m: float = Probability


class TermStructureTold(Told):
    """The probability of default by the end of each month from the first on; that of the twelfth is `pd_12m`. Months
    after `observed_months` are extrapolated; with 0 the hazard is taken as constant."""

    cumulative_pd: list[float]
    observed_months: int


class ScoreTold(Told):
    """A probability of default with its 90 % interval, its grade, and the versions that it comes from."""

    obligor_id: str
    as_of: datetime
    source: ScoreSource
    pd_12m: float = Probability
    pd_12m_lower: float = Probability
    pd_12m_upper: float = Probability
    term_structure: TermStructureTold
    rating_grade: str
    score_points: float
    snapshot_id: str
    model_version: str | None
    parameters_version: str
    data_origin: DataOrigin
    statement: str | None


class FullScoreTold(ScoreTold):
    """A score with everything that explains it: the margin is `base_log_odds` plus the sum of `contributions`."""

    pd_model: float | None
    pd_steps: list[PdStepTold]
    base_log_odds: float | None
    margin: float | None
    contributions: list[ContributionTold]
    reasons: list[ReasonTold]


class ReadingsTold(Told):
    """Reasons in sentences of one language: plain, and as a loan officer, an insurer and the firm itself read them."""

    reasons: list[str]
    officer: list[str]
    insurer: list[str]
    sme: list[str]


class WordsTold(ReadingsTold):
    """Sentences in one language: reasons, and what is known of the machines."""

    facts: list[str]


class NarrativeTold(Told):
    """Sentences in both languages."""

    zh: WordsTold
    en: WordsTold


class ScoreAnswer(Told):
    """The current score."""

    score: ScoreTold
    snapshot: SnapshotNote
    livemode: bool


class ExplanationAnswer(Told):
    """The current score, why it is what it is, in figures and in words, and the features behind it."""

    explanation: FullScoreTold
    narrative: NarrativeTold
    wording_version: str
    features: dict[str, FeatureTold]
    snapshot: SnapshotNote
    livemode: bool
