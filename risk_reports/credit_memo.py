"""The lending recommendation as a loan officer reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from features.snapshot import FeatureSnapshot
from risk_reports.narrative import LANGUAGE_KEYS, Words, credit_reason_sentences, fact_sentences, freeze
from risk_reports.numbers import money, number, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.records import CreditDecision, Finding, Outcome


def narrative(decision: CreditDecision, snapshot: FeatureSnapshot) -> dict[str, Any]:
    """Reasons, findings and facts as sentences in zh and en, to be frozen with the decision."""

    def tell(language: Language) -> Words:
        return {
            "reasons": credit_reason_sentences(decision.score, language),
            "findings": [_finding(finding, decision.request.currency, language) for finding in decision.findings],
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
        _limit(answer, language),
        _price(answer, language),
    ]
    for part in ("reasons", "findings", "facts"):
        lines += [f"{say(f'memo.{part}')}:", *(f"  - {sentence}" for sentence in told[part])]
    lines.append(say("memo.recommends"))
    if answer["data_origin"] == "synthetic":
        lines.append(say("memo.synthetic"))
    return "\n".join(lines)


def _limit(answer: Mapping[str, Any], language: Language) -> str:
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


def _finding(finding: Finding, currency: str, language: Language) -> str:
    how = "met" if finding.outcome is Outcome.APPROVE else "bites"
    shown = {name: _shown(name, value, currency, language) for name, value in finding.values.items()}
    return f"{finding.rule_id}: " + wording(language).say(f"{finding.rule_id}.{how}", **shown)


def _shown(name: str, value: Any, currency: str, language: Language) -> str:
    """A finding's value as people read it; which way follows from its name."""
    say = wording(language).say
    ways: Mapping[str, Callable[[Any], str]] = {
        "missing": lambda items: ", ".join(
            f"{say(f'capacity.{key}')} ({say(f'missing.{why}')})" for key, why in items.items()
        ),
        "findings": lambda items: ", ".join(f"{key} ({count})" for key, count in items.items()),
        "supported": ", ".join,
        "without_agreement": lambda names: ", ".join(names) or say("none"),
        "binding": lambda key: say(f"capacity.{key}") if key else say("unknown"),
        "value": lambda share: ratio(share, language, digits=1),
        "minimum": lambda share: ratio(share, language, digits=1),
    }
    if name in ways:
        return ways[name](value)
    if name.endswith("_minor"):
        return money(value, currency, language)
    if name.endswith("_ratio"):
        return ratio(value, language, digits=4)
    return str(value)
