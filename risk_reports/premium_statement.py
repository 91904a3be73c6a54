"""The premium as the insured and the pricing desk read it: base, factors, bill, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from risk_reports.narrative import LANGUAGE_KEYS, Words, fact_sentences, freeze, readings, reason_sentences
from risk_reports.numbers import money, number, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.records import PremiumQuote

FACTORS = frozenset(
    {
        "fleet_mix", "filed_bounds", "data_trust", "hours_a_year", "failures_a_1000_hours", "cover_months",
        "usual_operating_rate", "industry_state", "grade_rank", "grade_and_length",
    }
)  # fmt: skip
"""Factors of filed tables that are no features."""

VERSION_SHOWN = 12

RATED = {"extended_warranty": "_warranty", "idle_cover": "_idle", "guarantee": "_guarantee"}
"""What a frequency is of where it is not of claims on equipment."""


def narrative(quote: PremiumQuote, snapshot: FeatureSnapshot) -> dict[str, Any]:
    """Reasons and facts as sentences in zh and en, to be frozen with the quote."""

    def tell(language: Language) -> Words:
        return {
            "reasons": reason_sentences(quote.reasons, language),
            **readings(quote.reasons, language),
            "facts": fact_sentences(snapshot, language),
        }

    return freeze(tell)


def text(answer: Mapping[str, Any], language: Language = Language.EN) -> str:
    """The statement as plain text, from an answer as it was given."""
    say, currency = wording(language).say, answer["currency"]
    told = answer["narrative"][LANGUAGE_KEYS[language]]
    factors = " × ".join(
        f"{number(factor['relativity'], language)} {factor_name(factor['name'], language)}"
        for factor in answer["factors"]
    )
    lines = [
        say("statement.title", quote_id=answer["quote_id"]),
        say("memo.obligor", obligor_id=answer["obligor_id"], as_of=answer["as_of"]),
        cover_line(answer, language),
        rate_line(answer, language, factors=factors),
        say("statement.severity", severity=money(answer["claim_severity_minor"], currency, language)),
        f"{say('statement.bill')}:",
        *(f"  {amount:>16}  {name}" for name, amount in bill_lines(answer, language)),
    ]
    lines += [*dearest_lines(answer, language), *filed_lines(answer, language)]
    lines += [say("statement.valid_until", until=answer["valid_until"])]
    for part in ("reasons", "facts"):
        lines += [f"{say(f'memo.{part}')}:", *(f"  - {sentence}" for sentence in told[part])]
    if answer["data_origin"] == "synthetic":
        lines.append(say("memo.synthetic"))
    return "\n".join(lines)


def bill_lines(answer: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """Name and amount of every line: what the risk is made of where that is more than one line, the pure premium, the
    loadings, and the gross premium."""
    say = wording(language).say
    risk = answer.get("risk", [])  # kept answers of before do not tell it
    lines = [*(risk if len(risk) > 1 else []), {"name": "pure_premium", "amount_minor": answer["pure_premium_minor"]}]
    named = [(say(f"bill.{line['name']}"), line["amount_minor"]) for line in [*lines, *answer["loadings"]]]
    named.append((say("statement.gross"), answer["gross_premium_minor"]))
    return [(name, money(minor, answer["currency"], language)) for name, minor in named]


def filed_lines(answer: Mapping[str, Any], language: Language) -> list[str]:
    """The filing, what is charged, and what the model says beside it; and where the table is another model's, that."""
    filed = answer["filed"]
    told = wording(language).say(
        "statement.filed",
        filing_number=filed["filing_number"],
        lowest=number(filed["lowest"], language),
        highest=number(filed["highest"], language),
        filed=number(filed["filed_rate"], language),
        model=number(filed["model_rate"], language),
        difference=ratio(filed["difference_ratio"], language),
        grade=filed["trust_grade"],
        floor=number(filed["trust_floor"], language),
    )
    if filed.get("is_of_model") is not False:  # kept answers of before do not say
        return [told]
    models = {"filed": filed["distilled_from"][:VERSION_SHOWN], "answering": answer["model_version"][:VERSION_SHOWN]}
    return [told, wording(language).say("statement.other_model", **models)]


def dearest_lines(answer: Mapping[str, Any], language: Language) -> list[str]:
    """Of each filed feature that some covered machine does not tell: how many do not, and that each of them is charged
    the dearest band of the table. What the promoted model knows nothing of is not said."""
    untold: dict[str, int] = {}
    for machine in answer["machines"]:
        for item in machine["contributions"]:
            if item["value"] is None:
                untold[item["feature"]] = untold.get(item["feature"], 0) + 1
    return [
        wording(language).say(
            "statement.dearest",
            factor=factor_name(factor["name"], language),
            machines=untold[factor["name"]],
            of=len(answer["machines"]),
        )
        for factor in answer["factors"]
        if factor["name"] in untold
    ]


def cover_line(answer: Mapping[str, Any], language: Language) -> str:
    """What is insured, from when to when."""
    return wording(language).say(
        "statement.cover" if answer["machines"] else "statement.cover_firm",
        product=wording(language).say(f"product.{answer['product']}"),
        sum_insured=money(answer["sum_insured_minor"], answer["currency"], language),
        starts=answer["from"],
        ends=answer["to"],
        machines=len(answer["machines"]),
        exposure=number(answer["earned_exposure_machine_years"], language),
    )


def rate_line(answer: Mapping[str, Any], language: Language, *, factors: str) -> str:
    """The charged rate as base x factors, the factors as they are told."""
    return wording(language).say(
        f"statement.frequency{RATED.get(answer['product'], '')}",
        frequency=number(answer["claim_frequency_per_machine_year"], language),
        base=number(answer["base_frequency"], language),
        factors=factors,
    )


def factor_name(name: str, language: Language) -> str:
    """A factor of a filed table, a feature with its window, or (in answers of before) a family of features."""
    known = CATALOGUE.get(name)
    if known is None:
        return wording(language).say(f"factor.{name}" if name in FACTORS else f"family.{name}")
    label = known.label_zh if language is Language.ZH else known.label_en
    if known.window_days is None:
        return label
    return wording(language).say("factor.feature", label=label, days=known.window_days)
