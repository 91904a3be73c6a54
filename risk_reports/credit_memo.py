"""The lending recommendation as a loan officer reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data_contracts.reference.industries import industries
from data_contracts.reference.machine_types import group_of
from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from risk_reports.narrative import LANGUAGE_KEYS, Words, credit_reason_sentences, fact_sentences, freeze, readings
from risk_reports.numbers import money, number, quantity, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.facts import FactSource
from scoring.records import Covenant, CreditDecision, Finding, Outcome

UNTOLD = ("core_enterprise", "counted_on", "covered_months", "dated", "distance", "longest_months")
"""Values of a finding that are None where there was nothing to look at."""


def narrative(decision: CreditDecision, snapshot: FeatureSnapshot) -> dict[str, Any]:
    """Reasons, findings, covenants and facts as sentences in zh and en, to be frozen with the decision."""

    def tell(language: Language) -> Words:
        return {
            "reasons": credit_reason_sentences(decision.score, language),
            **readings(decision.score.reasons, language),
            "findings": [_finding(finding, decision.request.currency, language) for finding in decision.findings],
            "covenants": [_covenant(covenant, language) for covenant in decision.covenants],
            "facts": fact_sentences(snapshot, language),
        }

    return freeze(tell)


def text(answer: Mapping[str, Any], language: Language = Language.EN) -> str:
    """The memo as plain text, from an answer as it was given."""
    say = wording(language).say
    told = answer["narrative"][LANGUAGE_KEYS[language]]
    lines = [
        say("memo.title", decision_id=answer["decision_id"]),
        say("memo.obligor", obligor_id=answer["obligor_id"], as_of=answer["as_of"]),
        say(
            "memo.asked",
            amount=money(answer["amount_minor"], answer["currency"], language),
            tenor_months=answer["requested_tenor_months"],
        ),
        say("memo.outcome", outcome=say(f"outcome.{answer['outcome']}")),
        say(
            "memo.pd",
            pd=ratio(answer["pd_12m"], language),
            lower=ratio(answer["pd_12m_lower"], language),
            upper=ratio(answer["pd_12m_upper"], language),
            grade=answer["rating_grade"],
            points=number(answer["score_points"], language, digits=1),
            source=say(f"source.{answer['source']}"),
        ),
        limit_line(answer, language),
        _price(answer, language),
        *terms_lines(answer, language),
    ]
    for part in ("reasons", "findings", "covenants", "facts"):
        lines += [f"{say(f'memo.{part}')}:", *(f"  - {sentence}" for sentence in told[part])]
    lines += [say("memo.valid_until", until=answer["valid_until"]), say("memo.recommends")]
    if answer["data_origin"] == "synthetic":
        lines.append(say("memo.synthetic"))
    return "\n".join(lines)


def changes_text(answer: Mapping[str, Any], language: Language = Language.EN) -> str:
    """What a decision was, what it would be today, and which cause moved it, from the answer of a replay."""
    say = wording(language).say

    def told(name: str, figures: Mapping[str, Any]) -> str:
        return say(
            "replay.figures",
            name=name,
            outcome=say(f"outcome.{figures['outcome']}"),
            grade=figures["rating_grade"],
            pd=ratio(figures["pd_12m"], language),
            rate=ratio(figures["annual_rate_ratio"], language, digits=4),
        )

    lines = [
        say(
            "replay.title" if answer["reproduced"] else "replay.not_reproduced",
            decision_id=answer["decision_id"],
            as_of=answer["as_of"],
        ),
        told(say("replay.then"), answer["then"]),
    ]
    for step in answer["steps"]:
        cause = say(f"cause.{step['cause']}")
        lines.append(told(cause, step) if step["changed"] else say("replay.same", name=cause))
    return "\n".join([*lines, told(say("replay.now"), answer["now"])])


def limit_line(answer: Mapping[str, Any], language: Language) -> str:
    """The limit, or what it would rest on."""
    say = wording(language).say
    if answer["limit_minor"] is not None:
        return say("memo.limit", limit=money(answer["limit_minor"], answer["currency"], language))
    return say(
        "memo.limit_unknown",
        indicative=money(answer["indicative_limit_minor"], answer["currency"], language),
        binding=say(f"capacity.{answer['binding_capacity']}") if answer["binding_capacity"] else say("unknown"),
    )


def _price(answer: Mapping[str, Any], language: Language) -> str:
    say = wording(language).say
    lines = " + ".join(
        f"{ratio(line['annual_rate_ratio'], language, digits=4)} {say('price.' + line['name'])}"
        for line in answer["price_lines"]
    )
    return say("memo.price", rate=ratio(answer["annual_rate_ratio"], language, digits=4), lines=lines)


def terms_lines(answer: Mapping[str, Any], language: Language) -> list[str]:
    """Tenor, security, expected loss and repayment."""
    say = wording(language).say

    def amount(minor: int | None) -> str:
        return money(minor, answer["currency"], language)

    lgd = ratio(answer["lgd_ratio"], language)
    least = min(answer["tenor_bounds"], key=lambda bound: bound["months"])
    security, plan, usage = answer["security"], answer["instalments"], answer["usage_plan"]
    lines = [
        say("memo.tenor", months=answer["tenor_months"], bound=say(f"tenor.{least['name']}")),
        say("memo.no_security", lgd=lgd)
        if security is None
        else say(
            "memo.security",
            value=amount(security["value_minor"]),
            ltv=ratio(security["live_ltv_ratio"], language),
            recovery=amount(security["recovery_minor"]),
            lgd=lgd,
        ),
        say(
            "memo.expected_loss",
            loss=amount(answer["expected_loss_minor"]),
            pd=ratio(answer["pd_12m"], language),
            lgd=lgd,
            ead=amount(answer["exposure_at_default_minor"]),
            raroc=ratio(answer["raroc_ratio"], language),
        ),
        say(
            "memo.instalments",
            months=plan["months"],
            instalment=amount(plan["instalment_minor"]),
            last=amount(plan["last_instalment_minor"]),
            interest=amount(plan["interest_minor"]),
        ),
    ]
    return lines if usage is None else [*lines, _usage(usage, amount, language)]


def _usage(plan: Mapping[str, Any], amount: Callable[[int], str], language: Language) -> str:
    return wording(language).say(
        "memo.usage",
        floor=amount(plan["floor_minor"]),
        per_hour=amount(plan["per_hour_minor"]),
        hours=number(plan["planned_hours_a_month"], language, digits=0),
        planned=plan["months_if_planned"],
        slowest=plan["months_at_floor"],
        owed=amount(plan["owed_at_floor_minor"]),
    )


def _covenant(covenant: Covenant, language: Language) -> str:
    return wording(language).say(
        f"covenant.{covenant.name}.{covenant.comparison}",
        threshold=quantity(covenant.threshold, covenant.unit, language),
        observed=quantity(covenant.observed, covenant.unit, language),
    )


def _finding(finding: Finding, currency: str, language: Language) -> str:
    how = "met" if finding.outcome is Outcome.APPROVE else "bites"
    if any(name in finding.values and finding.values[name] is None for name in UNTOLD):
        how = "untold"
    shown = _Shown(finding.values, currency, language)
    return f"{finding.rule_id}: " + wording(language).tell(f"{finding.rule_id}.{how}", shown)


class _Shown(dict[str, str]):
    """A finding's values as people read them, each put into words when its sentence asks for it: most ask for few."""

    def __init__(self, values: Mapping[str, Any], currency: str, language: Language) -> None:
        super().__init__()
        self.values_, self.currency, self.language = values, currency, language

    def __missing__(self, name: str) -> str:
        return _shown(name, self.values_[name], self.currency, self.language)


def _shown(name: str, value: Any, currency: str, language: Language) -> str:
    """A finding's value as people read it; which way follows from its name."""
    if name in WAYS:
        return WAYS[name](value, currency, language)
    say = wording(language).say
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if name == "source" and value in FACT_SOURCES:
        return say(f"fact_source.{value}")
    if name.endswith("_minor"):
        return money(value, currency, language)
    if name.endswith("_ratio"):
        return ratio(value, language, digits=4)
    return str(value)


FACT_SOURCES = frozenset(FactSource)


def _missing(items: Mapping[str, str], _: str, language: Language) -> str:
    say = wording(language).say
    return ", ".join(f"{say(f'capacity.{key}')} ({say(f'missing.{why}')})" for key, why in items.items())


def _stale(ages: Mapping[str, int], _: str, language: Language) -> str:
    say = wording(language).say
    return ", ".join(f"{say(f'fact_name.{name}')} ({say('unit.days_old', figure=age)})" for name, age in ages.items())


def _cover(minor: int | None, currency: str, language: Language) -> str:
    return wording(language).say("no_cover") if minor is None else money(minor, currency, language)


def _binding(key: str | None, _: str, language: Language) -> str:
    return wording(language).say(f"capacity.{key}" if key else "unknown")


def _share(share: float | None, _: str, language: Language) -> str:
    return ratio(share, language, digits=1)


def _furthest(items: Sequence[Mapping[str, Any]], _: str, language: Language) -> str:
    say = wording(language).say
    told = []
    for item in items:
        definition = CATALOGUE[item["feature"]]
        value, lower, upper = (
            quantity(item[name], definition.unit, language) for name in ("value", "usual_lower", "usual_upper")
        )
        label = definition.label_zh if language is Language.ZH else definition.label_en
        days = definition.window_days
        told.append(say("unusual", label=label, days=days, value=value, lower=lower, upper=upper))
    return say("list.comma").join(told) or say("none")


def _families(names: Sequence[str], _: str, language: Language) -> str:
    say = wording(language).say
    return say("list.comma").join(say(f"family.{name}") for name in names) or say("none")


def _categories(items: Sequence[Mapping[str, Any]], _: str, language: Language) -> str:
    say = wording(language).say
    told = [
        say(f"category.{item['name']}.untold")
        if item["value"] is None
        else say(f"category.{item['name']}", value=_called(item["value"], language))
        for item in items
    ]
    return say("list.comma").join(told) or say("none")


def _called(value: str, language: Language) -> str:
    """A category with its name, where it is an industry or a type of machine that has one here."""
    known = industries().get(value) or group_of(value)
    if known is None:
        return value
    return f"{value}{known.zh}" if language is Language.ZH else f"{value} ({known.en})"


def _contradictions(names: Sequence[str], _: str, language: Language) -> str:
    say = wording(language).say
    return say("list.comma").join(say(f"stock.{name}") for name in names) or say("none")


def _counted(units: int | None, _: str, language: Language) -> str:
    return wording(language).say("stock.not_counted") if units is None else str(units)


WAYS: Mapping[str, Callable[[Any, str, Language], str]] = {
    "missing": _missing,
    "findings": lambda items, _, __: ", ".join(f"{key} ({count})" for key, count in items.items()),
    "supported": lambda names, _, __: ", ".join(names),
    "stale": _stale,
    "cover_needed_minor": _cover,
    "most_ratio": lambda value, _, __: str(value),
    "without_agreement": lambda names, _, language: ", ".join(names) or wording(language).say("none"),
    "binding": _binding,
    "contradictions": _contradictions,
    "counted_units": _counted,
    "furthest": _furthest,
    "missing_families": _families,
    "unknown_categories": _categories,
    "value": _share,
    "sales_share": _share,
    "minimum": _share,
}
"""How values of findings are read whose name alone does not tell, of the value, the currency and the language."""
