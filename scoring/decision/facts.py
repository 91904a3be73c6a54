"""Rules about what the lender brings: they knock out or refer, and never make an answer better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scoring.credit.limit import REVENUE_QUANTITIES
from scoring.credit.quantities import known_money
from scoring.decision.case import Case, Values
from scoring.facts import Fact
from scoring.records import Outcome


def told(fact: Fact | None) -> dict[str, Any]:
    """Who told a fact, and of which day; both None where nobody did."""
    return {
        "source": None if fact is None else fact.source.value,
        "dated": None if fact is None else fact.dated.isoformat(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sanctions:
    """The obligor, its owners or its controller are on a sanctions list."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the lender says so."""
        fact = case.request.facts.sanctions
        is_listed = None if fact is None else fact.is_listed
        return self.outcome if is_listed else Outcome.APPROVE, {"is_listed": is_listed, **told(fact)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """A court enforces against the obligor, or it is in default elsewhere."""

    outcome: Outcome
    days_past_due: int

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the bureau tells of either."""
        fact = case.request.facts.bureau
        is_hit = fact is not None and (fact.is_enforced or fact.days_past_due > self.days_past_due)
        values = {
            "is_enforced": None if fact is None else fact.is_enforced,
            "days_past_due": None if fact is None else fact.days_past_due,
            "most_days_past_due": self.days_past_due,
            **told(fact),
        }
        return self.outcome if is_hit else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauArrears:
    """Loans elsewhere are overdue, if not yet in default."""

    outcome: Outcome
    days_past_due: int

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites at so many days past due."""
        fact = case.request.facts.bureau
        days = None if fact is None else fact.days_past_due
        is_late = days is not None and days >= self.days_past_due
        values = {"days_past_due": days, "from_days_past_due": self.days_past_due, **told(fact)}
        return self.outcome if is_late else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueDiffers:
    """What machines made and what the lender was told of the revenue do not agree."""

    outcome: Outcome
    ratio: float

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where one is more than `ratio` times the other. The least of the three views of production counts."""
        fact = case.request.facts.revenue
        seen = [known_money(case.snapshot, name, case.request.currency) for name in REVENUE_QUANTITIES.values()]
        known = [amount for amount in seen if not isinstance(amount, str)]
        least = float(min(known)) if known else None
        values = {
            "told_revenue_minor": None if fact is None else fact.amount_minor,
            "machines_revenue_minor": None if least is None else round(least),
            "most_ratio": self.ratio,
            **told(fact),
        }
        if fact is None or least is None:
            return Outcome.APPROVE, values
        small, large = sorted((float(fact.amount_minor), least))
        return self.outcome if large > self.ratio * small else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class LenderPd:
    """The lender's own model asks for a more severe outcome."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the grade of the lender's PD would get a more severe outcome than the grade found."""
        fact = case.request.facts.lender_pd
        grade = None if fact is None else case.scale.grade(fact.pd_12m)
        values = {"lender_grade": grade, "rating_grade": case.record.rating_grade, **told(fact)}
        if grade is None:
            return Outcome.APPROVE, values
        theirs, ours = (case.cut_offs.outcome(item, case.scale) for item in (grade, case.record.rating_grade))
        return self.outcome if theirs.severity > ours.severity else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """A guarantee offered is stated; it lowers neither the PD nor the price."""

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Never bites."""
        fact = case.request.facts.guarantor
        values = {
            "guaranteed_minor": None if fact is None else fact.amount_minor,
            "guarantor_grade": None if fact is None else case.scale.grade(fact.pd_12m),
            **told(fact),
        }
        return Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleFacts:
    """A fact is old, or speaks of a day after the one that is decided on."""

    outcome: Outcome
    most_days: int

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where any fact is; names them with their age in days, of a later day below 0."""
        today = case.request.as_of.date()
        ages = {name: (today - fact.dated).days for name, fact in case.request.facts.given().items()}
        # A day begins earlier in the lender's zone than in UTC.
        stale = {name: age for name, age in ages.items() if not -1 <= age <= self.most_days}
        return self.outcome if stale else Outcome.APPROVE, {"stale": stale, "most_days": self.most_days}
