"""Shapes of recourse over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import Asked, Told, UtcInstant
from scoring.records import Outcome
from scoring.recourse.levers import LeverName, Works
from scoring.recourse.records import Answer


class StepTold(Told):
    """One lever of a plan, and the feature that shows it before and after; where both stand among peers."""

    lever: LeverName
    works: Works
    strength: float
    begins: date
    held_until: date
    gauge: str
    gauge_from: float | None
    gauge_to: float | None
    gauge_peers: float | None
    percentile_from: float | None
    percentile_to: float | None


class MarkTold(Told):
    """The worst that a feature may be at the re-score; null where nothing is ruled out."""

    feature: str
    sign: int
    value: float | None
    adverse_value: float | None
    unexcused_value: float | None


class PromiseTold(Told):
    """Within what a plan's outcome is promised."""

    slack: float
    marks: list[MarkTold]
    least_minor: list[tuple[str, float]]
    most_minor: list[tuple[str, float]]
    most_hours_a_day: float | None
    most_widening: float
    most_haircut: float


class PlanTold(Told):
    """A way to another outcome, and what would be concluded then."""

    steps: list[StepTold]
    effort: int
    held_days: int
    shows_by: date
    good_until: date
    outcome: Outcome
    rating_grade: str
    pd_12m: float
    pd_12m_upper: float
    limit_minor: int | None
    agreement: float = Field(ge=0, le=1, description="share of the model's members that each alone agree")
    snapshot_id: str
    promise: PromiseTold


class SearchedTold(Told):
    """How many plans there are on the grid, were cut off by their best corner, and were asked."""

    grid: int
    pruned: int
    asked: int


class RecourseWordsTold(Told):
    """The answer and each plan in sentences of one language."""

    answer: list[str]
    plans: list[str]


class RecourseNarrativeTold(Told):
    """In sentences of both languages."""

    zh: RecourseWordsTold
    en: RecourseWordsTold


class RescoreTold(Told):
    """What was concluded when a plan was reported done. `is_kept`: nothing misses the promise, so that the promised
    outcome holds; `missed` names what does."""

    rescore_id: str
    offer_id: str
    decision_id: str
    plan: int
    as_of: datetime
    reported_time: datetime
    snapshot_id: str
    promised_outcome: Outcome
    outcome: Outcome
    is_kept: bool
    is_flipped: bool
    missed: list[str]
    rating_grade: str
    pd_12m: float
    pd_12m_upper: float
    limit_minor: int | None
    model_version: str | None
    parameters_version: str
    livemode: bool


class OfferTold(Told):
    """What an obligor can do about a decision, as it was signed; `note` is a signed note over its hash."""

    offer_id: str
    decision_id: str
    obligor_id: str
    partner: str
    livemode: bool
    data_origin: str
    currency: str
    as_of: datetime
    snapshot_id: str
    model_version: str | None
    parameters_version: str
    terms_version: str
    answer: Answer
    outcome: Outcome
    against: list[str]
    plans: list[PlanTold]
    searched: SearchedTold
    peer_firms: int
    narrative: RecourseNarrativeTold
    wording_version: str
    note: str
    rescores: list[RescoreTold]


class OfferAnswer(Told):
    """The latest offer about a decision."""

    offer: OfferTold
    livemode: bool


class CompletionRequest(Asked):
    """A plan that is reported done."""

    plan: Annotated[int, Field(ge=1, le=9, description="Which of the offer's plans, counted from one.")]
    as_of: UtcInstant | None = Field(None, description="when it is looked at; now without it")


class RescoreAnswer(Told):
    """What was concluded."""

    rescore: RescoreTold
    livemode: bool
