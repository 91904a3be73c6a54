"""From a probability of default to a rating grade and to score points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from scoring.records import RatingGrade

DEFAULTED = RatingGrade("D")


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterScale:
    """Grades from best to worst with their middle PDs; the last, D, is default itself."""

    mids: Mapping[RatingGrade, float]

    @property
    def grades(self) -> tuple[RatingGrade, ...]:
        """All grades, best first."""
        return tuple(self.mids)

    @property
    def upper_bounds(self) -> dict[RatingGrade, float]:
        """Upper PD bound of every grade but the last living one: geometric means of neighbouring middles."""
        living = [grade for grade in self.mids if grade != DEFAULTED]
        pairs = pairwise(living)
        return {better: math.sqrt(self.mids[better] * self.mids[worse]) for better, worse in pairs}

    def grade(self, pd_12m: float) -> RatingGrade:
        """The grade whose bounds hold `pd_12m`; a bound belongs to the better grade; PD 1 is D."""
        assert 0 <= pd_12m <= 1, f"{pd_12m} is no probability"
        if pd_12m == 1:
            return DEFAULTED
        for grade, bound in self.upper_bounds.items():
            if pd_12m <= bound:
                return grade
        return [grade for grade in self.mids if grade != DEFAULTED][-1]

    def is_worse(self, grade: RatingGrade, *, than: RatingGrade) -> bool:
        """Whether `grade` stands below `than` on the scale."""
        return self.grades.index(grade) > self.grades.index(than)


def master_scale(mids: Mapping[str, float]) -> MasterScale:
    """The scale of parameter `master_scale`: grade to middle PD, rising, ending with D at 1."""
    ordered = {RatingGrade(grade): float(mid) for grade, mid in sorted(mids.items(), key=lambda item: item[1])}
    assert list(ordered)[-1] == DEFAULTED, "a master scale ends with default"
    return MasterScale(mids=ordered)


def pd_ceiling(values: Mapping[str, Any]) -> float:
    """The most that is concluded of a living obligor: the upper end of the interval of thin history, so that no history
    at all is never better than a bad one."""
    return master_scale(values["master_scale"]).mids[RatingGrade(values["thin_history_interval"]["upper"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsScale:
    """Score points: `anchor_points` at `anchor_odds` of no default to default, and what doubles the odds."""

    points_to_double_odds: float
    anchor_points: float
    anchor_odds: float

    @property
    def factor(self) -> float:
        """Points per unit of log-odds: PDO / ln 2."""
        return self.points_to_double_odds / math.log(2)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.anchor_points - self.factor * math.log(self.anchor_odds)

    def points(self, pd_12m: float) -> float:
        """Score points of a PD strictly between 0 and 1: offset + factor x ln((1 - PD) / PD)."""
        return self.offset + self.factor * math.log((1 - pd_12m) / pd_12m)
