"""A small home whose model was fitted on a made-up book around what its firms show, so that levers can move outcomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from api.home import Home
from api.models.service import scoring_parameters
from data_contracts.reference.calendars import add_months
from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from features.what_if import WhatIf
from scoring.credit.artefact import CreditArtefact
from scoring.governance import ModelMandate
from scoring.records import CreditProduct, CreditRequest
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.terms import RecourseTerms, recourse_terms, shipped_terms
from scoring.training.credit import train_credit
from scoring.training.split import time_split

FIRST = datetime(2022, 6, 30, 16, tzinfo=UTC)
MONTHS = range(3, 33, 3)
FIRMS = 3000
SEED = 20261128
TOLD = ("executing_hours_per_day_90d", "fault_time_share_90d", "coverage_90d", "buyer_hhi_365d", "overdue_share_90d")
"""What the made-up book tells of its firms: what levers move."""
KEPT_RULES = ("X", "K03", "S01", "C01")


@dataclass(frozen=True)
class RecourseWorld:
    """The home, a firm whose decision a lever can change, and the model on which it is asked."""

    home: Home
    firms: tuple[WhatIf, ...]
    model: CreditArtefact

    def grounds(self, firm: WhatIf, *, approve_to: str = "R9") -> DecisionGrounds:
        """A small loan for the firm, decided by knock-outs, trust and grade alone."""
        request = CreditRequest(
            obligor_id=firm.base.obligor_id,
            product=CreditProduct.WORKING_CAPITAL,
            amount_minor=100_000,
            currency="CNY",
            tenor_months=12,
            as_of=firm.base.as_of,
        )
        return DecisionGrounds(
            request=request, artefact=self.model, parameters=by_grade(approve_to), mandate=ModelMandate.VALIDATED
        )


def short_terms(as_of: datetime) -> RecourseTerms:
    """The shipped terms with one holding time and the stronger strengths, to try every point in seconds; every lever is
    offered."""
    shipped = recourse_terms(shipped_terms().at(as_of))
    levers = {
        name: replace(own, strengths=own.strengths[-2:], effort=own.effort[-2:], offered=True)
        for name, own in shipped.levers.items()
    }
    return replace(shipped, held_days=(90,), levers=levers, most_levers=2)


def by_grade(approve_to: str) -> ParameterBook:
    """The shipped parameters with a short policy and another cut-off."""
    book = scoring_parameters()
    today = book.at(FIRST)
    policy = [rule for rule in today["credit_policy"] if rule["rule"].startswith(KEPT_RULES)]
    changed = {"credit_policy": policy, "grade_cut_offs": {"approve_to": approve_to, "refer_to": "R12"}}
    held = {
        name: replace(own, values=dict.fromkeys(own.values, changed[name])) if name in changed else own
        for name, own in book.parameters.items()
    }
    return book.with_those_of(ParameterBook(parameters=held, version=book.version), list(changed))


def around(shown: list[FeatureSnapshot]) -> CreditArtefact:
    """A model of firms that show in `TOLD` about what these do, the better the sounder."""
    rng = np.random.default_rng(SEED)
    health = rng.normal(size=FIRMS)
    who, when = np.tile(np.arange(FIRMS), len(MONTHS)), np.repeat(np.array(MONTHS), FIRMS)
    names = list(CATALOGUE)
    signs = np.array([definition.credit_risk for definition in CATALOGUE.values()])
    rows = np.array([snapshot.vector(names) for snapshot in shown])
    known = np.array([name in TOLD for name in names])
    centre, spread = np.zeros(len(names)), np.ones(len(names))
    centre[known] = np.nanmedian(rows[:, known], axis=0)
    spread[known] = 0.3 * np.abs(centre[known]) + 1e-3
    values = centre + spread * (rng.normal(size=(len(who), len(names))) - 1.2 * signs * health[who][:, None])
    book = CreditTrainingSet(
        obligor_ids=[f"FIRM{index:04d}" for index in who],
        as_of=_stamps(when),
        observed_until=_stamps(when + 12),
        names=names,
        values=np.where(known, values, np.nan),
        defaulted=rng.random(len(who)) < 1 / (1 + np.exp(3.0 + 1.5 * health[who])),
    )
    split = time_split([add_months(FIRST, index) for index in MONTHS])
    return train_credit(book, split=split, parameters=scoring_parameters(), seed=SEED)


def _stamps(months: np.ndarray) -> np.ndarray:
    return np.array([add_months(FIRST, int(index)).replace(tzinfo=None) for index in months], dtype="datetime64[us]")
