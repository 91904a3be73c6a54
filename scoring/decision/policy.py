"""The credit policy: rules as small frozen values, their order and numbers as dated data (`credit_policy.yaml`).

A rule's id is stable across versions. Every rule is examined and every finding kept, also those that approve, so that a
notice can show all that was looked at. docs/credit-policy.md lists the rules in order of precedence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from data_contracts.errors import InvalidParameters
from features.trust import Severity
from scoring.decision.case import Case, Values
from scoring.records import Finding, Outcome, RuleId, ScoreSource


class Rule(Protocol):
    """One rule of the policy."""

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """The outcome that the rule asks for, and what it looked at."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinHistory:
    """Too little history for the model: the industry's prior alone does not approve."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the score rests on thin history."""
        is_thin = case.record.source is ScoreSource.THIN_HISTORY
        values = {"source": case.record.source.value, "history_days": case.snapshot.history_days}
        return self.outcome if is_thin else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Too little of the time was observed, or nobody knows how much."""

    outcome: Outcome
    feature: str
    minimum: float

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the coverage feature is missing or below the minimum."""
        known = case.snapshot.values.get(self.feature)
        coverage = None if known is None else known.value
        is_enough = coverage is not None and coverage >= self.minimum
        values = {"feature": self.feature, "value": coverage, "minimum": self.minimum}
        return Outcome.APPROVE if is_enough else self.outcome, values


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTrust:
    """Something in the data contradicts something else."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the snapshot carries any trust finding above a note; counts them by code."""
        counts = Counter(finding.code for finding in case.snapshot.data_trust.at_least(Severity.MODERATE))
        return self.outcome if counts else Outcome.APPROVE, {"findings": dict(sorted(counts.items()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTrustGrade:
    """What the trust in the data cost: stated with every decision, and no reason to refuse by itself."""

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Never bites: the cost is in the interval and the limit."""
        trust = case.trust
        return Outcome.APPROVE, {
            "trust_grade": trust.found.value,
            "deciding_grade": trust.grade.value,
            "without_agreement": list(trust.unmade),
            "widening_log_odds": trust.widening,
            "haircut_ratio": float(trust.haircut),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeCutOff:
    """The rating grade decides: up to one grade approve, up to another refer, beyond decline."""

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """The outcome of the grade at `pd_12m`."""
        grade = case.record.rating_grade
        values = {"rating_grade": grade, "approve_to": case.cut_offs.approve_to, "refer_to": case.cut_offs.refer_to}
        return case.cut_offs.outcome(grade, case.scale), values


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalStraddles:
    """The interval of the PD reaches over a cut-off: what is not known could change the answer."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where both ends of the interval do not ask for the same outcome."""
        best, worst = case.scale.grade(case.record.pd_12m_lower), case.scale.grade(case.record.pd_12m_upper)
        is_clear = case.cut_offs.outcome(best, case.scale) is case.cut_offs.outcome(worst, case.scale)
        return Outcome.APPROVE if is_clear else self.outcome, {"lower_grade": best, "upper_grade": worst}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUnknown:
    """A capacity that the product rests on is not known."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where there is no limit; names what is missing and why."""
        missing = {item.name: item.missing for item in case.limit.capacities if item.mandatory and item.missing}
        return Outcome.APPROVE if case.limit.limit_minor is not None else self.outcome, {"missing": missing}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountAboveLimit:
    """More is asked for than the least capacity carries; the limit is the advice."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the amount exceeds the limit, or the indication where there is no limit; says what binds."""
        ceiling = case.limit.indicative_limit_minor
        is_within = ceiling is not None and case.request.amount_minor <= ceiling
        values = {
            "amount_minor": case.request.amount_minor,
            "limit_minor": case.limit.limit_minor,
            "indicative_limit_minor": ceiling,
            "binding": case.limit.binding,
        }
        return Outcome.APPROVE if is_within else self.outcome, values


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAboveCeiling:
    """The rate that the risk needs may not be asked; it is not lent at a lower one either."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the rate exceeds the ceiling."""
        rate, ceiling = case.price.annual_rate_ratio, case.price.ceiling_ratio
        values = {"annual_rate_ratio": float(rate), "ceiling_ratio": float(ceiling)}
        return self.outcome if rate > ceiling else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class TenorTooLong:
    """A longer tenor is asked for than the product has."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the tenor exceeds the product's longest."""
        asked, longest = case.request.tenor_months, case.terms.maximum_tenor_months
        values = {"tenor_months": asked, "maximum_tenor_months": longest}
        return self.outcome if asked > longest else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyUnsupported:
    """The parameters' amounts are in other currencies."""

    outcome: Outcome
    supported: tuple[str, ...]

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the request's currency is not among the supported ones."""
        is_supported = case.request.currency in self.supported
        values = {"currency": case.request.currency, "supported": list(self.supported)}
        return Outcome.APPROVE if is_supported else self.outcome, values


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditPolicy:
    """Rules by id, in order of precedence."""

    rules: Mapping[RuleId, Rule]

    def examine(self, case: Case) -> tuple[Finding, ...]:
        """A finding of every rule, in order."""
        findings = []
        for rule_id, rule in self.rules.items():
            outcome, values = rule.examine(case)
            findings.append(Finding(rule_id=rule_id, outcome=outcome, values=values))
        return tuple(findings)


RULES: Mapping[str, type[Any]] = {
    "K01_thin_history": ThinHistory,
    "K02_coverage": Coverage,
    "K03_data_trust": DataTrust,
    "K04_data_trust_grade": DataTrustGrade,
    "S01_grade_cut_off": GradeCutOff,
    "S02_interval_straddles": IntervalStraddles,
    "L01_limit_unknown": LimitUnknown,
    "L02_amount_above_limit": AmountAboveLimit,
    "P01_price_above_ceiling": PriceAboveCeiling,
    "T01_tenor_too_long": TenorTooLong,
    "C01_currency": CurrencyUnsupported,
}
"""Every rule that a policy may name."""


def credit_policy(entries: Sequence[Mapping[str, Any]]) -> CreditPolicy:
    """The policy of parameter `credit_policy`: one entry a rule, in order.

    Raises InvalidParameters for an unknown rule, one named twice, or values that a rule does not take.
    """
    rules: dict[RuleId, Rule] = {}
    for entry in entries:
        name = str(entry["rule"])
        if name not in RULES or name in rules:
            raise InvalidParameters(f"The credit policy names {name}, which is unknown or named twice.")
        rules[RuleId(name)] = _rule(name, {key: value for key, value in entry.items() if key != "rule"})
    return CreditPolicy(rules=rules)


def _rule(name: str, values: dict[str, Any]) -> Rule:
    given = dict(values)
    if "outcome" in given:
        given["outcome"] = Outcome(given["outcome"])
    if "supported" in given:
        given["supported"] = tuple(given["supported"])
    try:
        rule: Rule = RULES[name](**given)
    except TypeError as error:
        raise InvalidParameters(f"Rule {name} of the credit policy cannot take {values}: {error}.") from error
    return rule
