"""What recourse concludes: plans with their steps and dates, and the marks within which an offer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from data_contracts.identifiers import ObligorId, SnapshotId
from scoring.records import Outcome, RatingGrade, RuleId
from scoring.recourse.levers import LeverName, Works


class Answer(StrEnum):
    """What the search found."""

    PLANS = "plans"
    NO_PLAN = "no_plan"
    """Nothing on the grid changes the outcome."""
    NOT_BY_LEVERS = "not_by_levers"
    """What stands against it is nothing that a lever moves."""
    NOT_NEEDED = "not_needed"
    """It is approved already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One lever of a plan: how far it is pulled, from when on it can work and until when it is held; the feature that
    shows it before and after; the furthest of most peers, and where both values stand among them (None: not told)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The worst that something may be at the re-score: of a model's feature its value, and the worst that it can be
    given what was not observed, gaps of external cause excused and not excused (None: nothing is ruled out)."""

    feature: str
    sign: int
    value: float | None
    adverse_value: float | None
    unexcused_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Within what an offer stands: marks of the model's features, the least of each amount that a limit rests on (the
    most, of debts), and what the trust in the data may cost at most."""

    slack: float
    marks: Sequence[Mark]
    least_minor: Sequence[tuple[str, float]]
    most_minor: Sequence[tuple[str, float]]
    most_hours_a_day: float | None
    most_widening: float
    most_haircut: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A way to another outcome, and what would be concluded then. `agreement` is the share of the model's members that
    would each alone agree, their PDs raised by the margin. `snapshot_id` names the snapshot it was reckoned on."""

    steps: Sequence[Step]
    effort: int
    held_days: int
    shows_by: date
    good_until: date
    outcome: Outcome
    rating_grade: RatingGrade
    pd_12m: float
    pd_12m_upper: float
    limit_minor: int | None
    agreement: float
    snapshot_id: SnapshotId
    promise: Promise

    @property
    def only_tells(self) -> bool:
        """No lever of it works on the firm's own risk: it lowers what is not known and changes nothing in the works."""
        return all(step.works is Works.UNCERTAINTY for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How far the grid was searched: its plans, those never asked because their best corner does not do, and those
    asked."""

    grid: int
    pruned: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recourse:
    """What an obligor can do about a decision, the cheapest first."""

    obligor_id: ObligorId
    as_of: datetime
    answer: Answer
    outcome: Outcome
    against: Sequence[RuleId]
    """Rules that no lever moves and that stand in the way."""
    plans: Sequence[Plan]
    searched: Searched
    peer_firms: int
