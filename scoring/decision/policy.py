"""The credit policy: rules as small frozen values, their order and numbers as dated data (`credit_policy.yaml`).

A rule's id is stable across versions. Every rule is examined and every finding kept, also those that approve, so that a
notice can show all that was looked at. docs/credit-policy.md lists the rules in order of precedence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Protocol

from data_contracts.errors import InvalidParameters
from data_contracts.vocabulary import DataOrigin
from features.trust import Severity
from scoring.core_enterprises import tightest
from scoring.decision import facts
from scoring.decision.case import Case, Values
from scoring.governance import ModelMandate
from scoring.money import exact, to_minor
from scoring.records import Finding, Layer, Outcome, RuleId, ScoreSource


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
            "attestation_level": trust.level.value,
            "widening_log_odds": trust.widening,
            "haircut_ratio": float(trust.haircut),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """Nobody answers for the model any more, or nobody does yet and the data is real."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where a model was asked whose validation has lapsed, or that is on trial while the data is real."""
        record, mandate = case.record, case.mandate
        is_on_trial = mandate is ModelMandate.TRIAL and record.data_origin is DataOrigin.REAL
        is_bad = record.source is ScoreSource.MODEL and (mandate is ModelMandate.LAPSED or is_on_trial)
        values = {"mandate": None if mandate is None else mandate.value, "data_origin": record.data_origin.value}
        return self.outcome if is_bad else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfamiliar:
    """The model was taught on nothing like this obligor: what it says is a guess, however sure it looks."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the snapshot is unlike the training rows, and names what makes it so."""
        told = case.record.familiarity
        values = {
            "distance": None if told is None else told.distance,
            "furthest": [] if told is None else [asdict(item) for item in told.furthest],
            "missing_families": [] if told is None else list(told.missing_families),
            "unknown_categories": [] if told is None else [asdict(item) for item in told.unknown_categories],
        }
        return Outcome.APPROVE if told is None or told.is_familiar else self.outcome, values


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
class ReferralBand:
    """The grade is the last that is approved, or near it: a person looks at the margin."""

    outcome: Outcome
    notches: int

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the grade is within so many notches of the cut-off, the last approved grade being the first."""
        grades = case.scale.grades
        cut, grade = case.cut_offs.approve_to, case.record.rating_grade
        distance = grades.index(grade) - grades.index(cut)
        values = {"rating_grade": grade, "approve_to": cut, "notches": self.notches}
        return self.outcome if -self.notches < distance <= self.notches else Outcome.APPROVE, values


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
class CoreEnterpriseAboveLimit:
    """With this loan more would lie on one core enterprise, looked through, than its limit."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the core enterprise that binds first would exceed its limit; says what lies on it before and
        after, and what the figure rests on. What cannot be known (no lender's name, no buyer told) does not bite."""
        known, request = case.request.on_core_enterprises, case.request
        cap = case.core_enterprise_cap_minor
        told = (
            None if known is None or cap is None else tightest(known, cap_minor=cap, amount_minor=request.amount_minor)
        )
        values = {
            "core_enterprise": None if told is None else told.core_enterprise,
            "sales_share": None if told is None else told.sales_share,
            "exposure_minor": None if told is None else told.exposure_minor,
            "with_request_minor": None if told is None else told.with_request_minor,
            "core_enterprise_limit_minor": cap,
            "obligors": None if known is None else known.obligors,
            "with_buyers": None if known is None else known.with_buyers,
            "unexplained_minor": None if known is None else known.unexplained_minor,
        }
        is_above = told is not None and cap is not None and told.with_request_minor > cap
        return self.outcome if is_above else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class StockContradicts:
    """More stock was shipped than there was, or the lender counted another than the balance of making and shipping
    allows: somebody is wrong, and a person finds out who."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where there is a contradiction; says what the capacity of the stock rests on."""
        held = case.request.stock
        values = {
            "counted_on": None if held is None else held.counted_on.isoformat(),
            "expected_units": None if held is None else held.expected_units,
            "counted_units": None if held is None else held.counted_units,
            "units_that_count": None if held is None else held.units_that_count,
            "stock_value_minor": None if held is None else held.value_minor,
            "lendable_minor": None if held is None else held.lendable_minor,
            "contradictions": [] if held is None else list(held.contradictions),
        }
        return self.outcome if values["contradictions"] else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAboveCeiling:
    """The rate that the risk needs may not be asked; it is not lent at a lower one either.

    A guarantee that brings the loss given default down to what the ceiling pays for is an enhancement: a person
    decides.
    """

    outcome: Outcome
    enhanced: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where the rate exceeds the ceiling; says which cover (of a guarantor that would itself be approved)
        would bring it down, and whether it was offered."""
        price = case.price
        needed = cover_needed_minor(case)
        offered = case.request.facts.guarantor
        is_enhanced = (
            needed is not None
            and offered is not None
            and offered.amount_minor >= needed
            and not case.scale.is_worse(case.scale.grade(offered.pd_12m), than=case.cut_offs.approve_to)
        )
        values = {
            "annual_rate_ratio": float(price.annual_rate_ratio),
            "ceiling_ratio": float(price.ceiling_ratio),
            "cover_needed_minor": needed,
            "is_enhanced": is_enhanced,
        }
        if price.annual_rate_ratio <= price.ceiling_ratio:
            return Outcome.APPROVE, values
        return self.enhanced if is_enhanced else self.outcome, values


def cover_needed_minor(case: Case) -> int | None:
    """By how much of the amount a cover must keep the lender from losing, so that the rate is the ceiling: 0 where it
    is below it already, None where no cover would do."""
    price, amount = case.price, case.request.amount_minor
    if price.annual_rate_ratio <= price.ceiling_ratio:
        return 0
    if price.lgd_at_ceiling_ratio is None:
        return None
    return to_minor(exact(amount) * (1 - price.lgd_at_ceiling_ratio / price.lgd_ratio))


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
class TenorNotCovered:
    """The machine will be worn out, or worth less than what is owed, before the tenor ends."""

    outcome: Outcome

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where a machine's bound is below the tenor asked for, as far as the product has it."""
        bounds = {bound.name: bound.months for bound in case.tenor_bounds}
        longest = min(case.request.tenor_months, case.terms.maximum_tenor_months)
        machine = [bounds[name] for name in ("economic_life", "collateral_cover") if name in bounds]
        covered = min(machine, default=None)
        values = {"tenor_months": case.request.tenor_months, "covered_months": covered}
        return self.outcome if covered is not None and covered < longest else Outcome.APPROVE, values


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFloor:
    """At the floor alone the facility would not be repaid while it is waited for: little use and default come
    together."""

    outcome: Outcome
    most_owed_ratio: float

    def examine(self, case: Case) -> tuple[Outcome, Values]:
        """Bites where more than a share of the amount would still be owed."""
        plan = case.usage_plan
        owed = None if plan is None else plan.owed_at_floor_minor
        values = {
            "owed_at_floor_minor": owed,
            "longest_months": None if plan is None else plan.longest_months,
            "most_owed_ratio": self.most_owed_ratio,
        }
        is_short = owed is not None and owed > self.most_owed_ratio * case.request.amount_minor
        return self.outcome if is_short else Outcome.APPROVE, values


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
    """Rules by id, each with its layer, in order of precedence."""

    rules: Mapping[RuleId, tuple[Layer, Rule]]

    def examine(self, case: Case) -> tuple[Finding, ...]:
        """A finding of every rule, in order."""
        findings = []
        for rule_id, (layer, rule) in self.rules.items():
            outcome, values = rule.examine(case)
            findings.append(Finding(rule_id=rule_id, layer=layer, outcome=outcome, values=values))
        return tuple(findings)


RULES: Mapping[str, tuple[Layer, type[Any]]] = {
    "X01_sanctions": (Layer.KNOCK_OUT, facts.Sanctions),
    "X02_enforcement": (Layer.KNOCK_OUT, facts.Enforcement),
    "K01_thin_history": (Layer.DATA, ThinHistory),
    "K02_coverage": (Layer.DATA, Coverage),
    "K03_data_trust": (Layer.DATA, DataTrust),
    "K04_data_trust_grade": (Layer.DATA, DataTrustGrade),
    "K05_model_mandate": (Layer.DATA, Mandate),
    "K06_unfamiliar": (Layer.DATA, Unfamiliar),
    "F01_bureau_arrears": (Layer.FACTS, facts.BureauArrears),
    "F02_revenue_differs": (Layer.FACTS, facts.RevenueDiffers),
    "F03_lender_pd": (Layer.FACTS, facts.LenderPd),
    "F04_guarantee": (Layer.FACTS, facts.Guarantee),
    "F05_stale_facts": (Layer.FACTS, facts.StaleFacts),
    "S01_grade_cut_off": (Layer.SCORE, GradeCutOff),
    "S02_interval_straddles": (Layer.SCORE, IntervalStraddles),
    "S03_referral_band": (Layer.SCORE, ReferralBand),
    "L01_limit_unknown": (Layer.LIMIT, LimitUnknown),
    "L02_amount_above_limit": (Layer.LIMIT, AmountAboveLimit),
    "L03_core_enterprise": (Layer.LIMIT, CoreEnterpriseAboveLimit),
    "L04_stock": (Layer.LIMIT, StockContradicts),
    "P01_price_above_ceiling": (Layer.PRICE, PriceAboveCeiling),
    "T01_tenor_too_long": (Layer.TERMS, TenorTooLong),
    "T02_tenor_not_covered": (Layer.TERMS, TenorNotCovered),
    "T03_usage_floor": (Layer.TERMS, UsageFloor),
    "C01_currency": (Layer.TERMS, CurrencyUnsupported),
}
"""Every rule that a policy may name, and its layer."""

OUTCOMES = ("outcome", "enhanced")
"""Values of a rule that are outcomes."""


def credit_policy(entries: Sequence[Mapping[str, Any]]) -> CreditPolicy:
    """The policy of parameter `credit_policy`: one entry a rule, in order.

    Raises InvalidParameters for an unknown rule, one named twice, values that a rule does not take, and a knock-out
    that stands behind what is not one.
    """
    return _policy(json.dumps(entries))


@lru_cache(maxsize=64)
def _policy(entries: str) -> CreditPolicy:
    """The policy of these entries, as JSON: every decision asks for one, and most for the same."""
    rules: dict[RuleId, tuple[Layer, Rule]] = {}
    for entry in json.loads(entries):
        name = str(entry["rule"])
        if name not in RULES or name in rules:
            raise InvalidParameters(f"The credit policy names {name}, which is unknown or named twice.")
        layer, _ = RULES[name]
        before = [other for other, _ in rules.values()]
        if layer is Layer.KNOCK_OUT and any(other is not Layer.KNOCK_OUT for other in before):
            raise InvalidParameters(f"Knock-out {name} of the credit policy stands behind other rules.")
        rules[RuleId(name)] = layer, _rule(name, {key: value for key, value in entry.items() if key != "rule"})
    return CreditPolicy(rules=rules)


def _rule(name: str, values: dict[str, Any]) -> Rule:
    given = dict(values)
    for key in OUTCOMES:
        if key in given:
            given[key] = Outcome(given[key])
    if "supported" in given:
        given["supported"] = tuple(given["supported"])
    try:
        rule: Rule = RULES[name][1](**given)
    except TypeError as error:
        raise InvalidParameters(f"Rule {name} of the credit policy cannot take {values}: {error}.") from error
    return rule
