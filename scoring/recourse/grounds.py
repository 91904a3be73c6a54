"""On what a question is decided again and again: one request, one model, one book of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np

from data_contracts.reference.dated import RULES_ZONE, ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.master_scale import MasterScale, master_scale
from scoring.credit.score import pd_scale, score_many
from scoring.decision.case import CutOffs
from scoring.decision.decide import decide
from scoring.governance import ModelMandate
from scoring.records import CreditDecision, CreditRequest, Outcome


@dataclass(frozen=True, kw_only=True)
class DecisionGrounds:
    """A request with the model, its mandate and the parameters that answer it."""

    request: CreditRequest
    artefact: CreditArtefact
    parameters: ParameterBook
    mandate: ModelMandate | None = None

    def decisions(self, snapshots: Sequence[FeatureSnapshot]) -> list[CreditDecision]:
        """What the request is answered on each snapshot, as of it."""
        records = score_many(snapshots, self.artefact, self.parameters) if snapshots else []
        return [
            decide(
                record,
                replace(self.request, as_of=snapshot.as_of),
                snapshot,
                self.parameters,
                mandate=self.mandate,
            )
            for record, snapshot in zip(records, snapshots, strict=True)
        ]

    def agreement(self, snapshot: FeatureSnapshot, outcome: Outcome, *, pd_margin: float) -> float:
        """The share of the model's members, each a fit to another draw of the training firms, whose own PD, raised by a
        share of it, gets no more severe an outcome by its grade."""
        features = self.artefact.card.features
        row = np.array([snapshot.vector([feature.key for feature in features])])
        scale, cut_offs = pd_scale(self.artefact, self.values), self.cut_offs
        agreeing = []
        for margin in self.artefact.bag.margins(within_reach(row, features))[:, 0].tolist():
            raised = min(scale.pd_12m(margin) * (1.0 + pd_margin), scale.ceiling)
            agreeing.append(cut_offs.outcome(self.scale.grade(raised), self.scale).severity <= outcome.severity)
        return float(np.mean(agreeing))

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The parameters in force at the request's time."""
        return self.parameters.at(self.request.as_of)

    @cached_property
    def scale(self) -> MasterScale:
        """The master scale in force."""
        return master_scale(self.values["master_scale"])

    @cached_property
    def cut_offs(self) -> CutOffs:
        """The cut-offs in force."""
        return CutOffs(**self.values["grade_cut_offs"])


def pinned(book: ParameterBook, as_of: datetime) -> ParameterBook:
    """The book as it stood on a day, for whatever later day it is asked: an offer is honoured under the policy that it
    was made with. It bears the version of the book."""
    day = as_of.astimezone(RULES_ZONE).date()
    held = {
        name: replace(own, values={date.min: own.at(day)}, reference={date.min: f"as in force on {day}"})
        for name, own in book.parameters.items()
    }
    return ParameterBook(parameters=held, version=book.version)
