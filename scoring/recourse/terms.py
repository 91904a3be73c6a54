"""How recourse is sought and offered, as data: `scoring/recourse/parameters/recourse.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from data_contracts.reference.dated import ParameterBook, load_book
from scoring.recourse.levers import LeverName


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverTerms:
    """The strengths of a lever that are tried and the effort of each, the days until it can begin to work, and the
    feature that shows it. A lever that is not `offered` is in no plan."""

    strengths: Sequence[float]
    effort: Sequence[int]
    lead_days: int
    gauge: str
    offered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecourseTerms:
    """Parameter `recourse`, as its file describes it."""

    held_days: Sequence[int]
    most_levers: int
    plans: int
    pd_margin: float
    least_agreement: float
    peer_quantile: float
    least_firms: int
    grace_days: int
    slack: float
    levers: Mapping[LeverName, LeverTerms]

    def effort(self, lever: LeverName, strength: float, held: int) -> int:
        """Points of effort: those of the strength, and as much again for each time that the shortest holding passes."""
        own = self.levers[lever]
        return own.effort[list(own.strengths).index(strength)] * held // min(self.held_days)


def recourse_terms(values: Mapping[str, Any]) -> RecourseTerms:
    """The terms of the parameters in force. Strengths and efforts rise together."""
    told = dict(values["recourse"])
    levers = {LeverName(name): LeverTerms(**own) for name, own in told.pop("levers").items()}
    for own in levers.values():
        assert list(own.effort) == sorted(own.effort), "more of a lever is more effort"
        assert list(own.strengths) == sorted(own.strengths), "strengths rise"
    return RecourseTerms(levers=levers, **told)


@cache
def shipped_terms() -> ParameterBook:
    """The dated parameters of this room."""
    return load_book(files("scoring") / "recourse" / "parameters")
