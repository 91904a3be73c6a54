"""The premium as the insured and the pricing desk read it: base, factors, bill, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.snapshot import FeatureSnapshot
from risk_reports.narrative import LANGUAGE_KEYS, Words, fact_sentences, freeze, readings, reason_sentences
from risk_reports.numbers import money, number
from risk_reports.wording.catalogue import Language, wording
from scoring.records import PremiumQuote


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
        f"{number(factor['relativity'], language)} {_factor(factor['name'], language)}" for factor in answer["factors"]
    )
    lines = [
        say("statement.title", quote_id=answer["quote_id"]),
        say("memo.obligor", obligor_id=answer["obligor_id"], as_of=answer["as_of"]),
        say(
            "statement.cover",
            product=say(f"product.{answer['product']}"),
            sum_insured=money(answer["sum_insured_minor"], currency, language),
            starts=answer["from"],
            ends=answer["to"],
            machines=len(answer["machines"]),
            exposure=number(answer["earned_exposure_machine_years"], language),
        ),
        say(
            "statement.frequency",
            frequency=number(answer["claim_frequency_per_machine_year"], language),
            base=number(answer["base_frequency"], language),
            factors=factors,
        ),
        say("statement.severity", severity=money(answer["claim_severity_minor"], currency, language)),
        f"{say('statement.bill')}:",
        f"  {money(answer['pure_premium_minor'], currency, language):>16}  {say('bill.pure_premium')}",
        *(
            f"  {money(line['amount_minor'], currency, language):>16}  {say('bill.' + line['name'])}"
            for line in answer["loadings"]
        ),
        f"  {money(answer['gross_premium_minor'], currency, language):>16}  {say('statement.gross')}",
    ]
    for part in ("reasons", "facts"):
        lines += [f"{say(f'memo.{part}')}:", *(f"  - {sentence}" for sentence in told[part])]
    if answer["data_origin"] == "synthetic":
        lines.append(say("memo.synthetic"))
    return "\n".join(lines)


def _factor(name: str, language: Language) -> str:
    say = wording(language).say
    return say("factor.fleet_mix") if name == "fleet_mix" else say(f"family.{name}")
