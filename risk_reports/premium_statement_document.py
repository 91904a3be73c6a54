"""The premium on paper for the insured: from an answer as it was given, so that every figure on it is the answer's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from risk_reports.document import Document, Section, Table
from risk_reports.narrative import LANGUAGE_KEYS
from risk_reports.numbers import money, number
from risk_reports.premium_statement import bill_lines, cover_line, dearest_lines, factor_name, filed_lines, rate_line
from risk_reports.wording.catalogue import Language, Wording, wording

NOT_USED = ("person", "place", "others", "unconsented", "model")
"""What a premium never rests on, in the order of the list."""


def document(answer: Mapping[str, Any], language: Language) -> Document:
    """The statement of a quote in one language."""
    words = wording(language)
    say, told = words.say, answer["narrative"][LANGUAGE_KEYS[language]]
    return Document(
        language=language,
        title=say("statement.title", quote_id=answer["quote_id"]),
        subtitle=say("memo.obligor", obligor_id=answer["obligor_id"], as_of=answer["as_of"]),
        notices=[say("memo.synthetic")] if answer["data_origin"] == "synthetic" else [],
        sections=[
            _summary(answer, words),
            _factors(answer, words),
            _bill(answer, words),
            Section(
                heading=say("statement.lower"),
                points=told["sme"] if answer["reasons"] else [say("statement.no_reasons")],
            ),
            _data(answer, words, told["facts"]),
            Section(heading=say("statement.not_used"), points=[say(f"statement.not_used.{name}") for name in NOT_USED]),
            Section(heading=say("statement.dispute"), points=_dispute(answer, words)),
            _versions(answer, words),
        ],
        dated=datetime.fromisoformat(answer["as_of"]),
        footer=say("statement.footer"),
    )


def _summary(answer: Mapping[str, Any], words: Wording) -> Section:
    language = words.language
    gross = money(answer["gross_premium_minor"], answer["currency"], language)
    return Section(
        heading=words.say("paper.summary"),
        paragraphs=[
            cover_line(answer, language),
            words.say("statement.costs", gross=gross),
            words.say("statement.valid_until", until=answer["valid_until"]),
        ],
    )


def _factors(answer: Mapping[str, Any], words: Wording) -> Section:
    """Base, each factor and what comes of them; and what was filed beside what the model says."""
    language = words.language
    rows = [[words.say("statement.base"), number(answer["base_frequency"], language, fixed=True)]]
    rows += [
        [f"× {factor_name(factor['name'], language)}", number(factor["relativity"], language, fixed=True)]
        for factor in answer["factors"]
    ]
    rate = number(answer["claim_frequency_per_machine_year"], language, fixed=True)
    rows.append([f"= {words.say('statement.rate')}", rate])
    cost = money(answer["claim_severity_minor"], answer["currency"], language)
    return Section(
        heading=words.say("statement.factors"),
        paragraphs=[
            rate_line(answer, language, factors=words.say("statement.factors_below")),
            *filed_lines(answer, language),
        ],
        points=[words.say("statement.severity", severity=cost), *dearest_lines(answer, language)],
        table=Table(header=[words.say("statement.factor"), words.say("statement.relativity")], rows=rows, figures=1),
    )


def _bill(answer: Mapping[str, Any], words: Wording) -> Section:
    rows = [list(line) for line in bill_lines(answer, words.language)]
    header = [words.say("paper.line"), words.say("paper.amount")]
    return Section(heading=words.say("statement.bill"), table=Table(header=header, rows=rows, figures=1))


def _data(answer: Mapping[str, Any], words: Wording, facts: list[str]) -> Section:
    """What was used of the machines, family by family: figures that are known of some machine, and figures that are of
    none; and what they say."""
    known: dict[str, dict[str, bool]] = {}
    for machine in answer["machines"]:
        for item in machine["contributions"]:
            family = known.setdefault(item["family"], {})
            family[item["feature"]] = family.get(item["feature"], False) or item["value"] is not None
    rows = [
        [words.say(f"family.{family}"), str(sum(told.values())), str(len(told) - sum(told.values()))]
        for family, told in known.items()
    ]
    header = [words.say(f"statement.data.{name}") for name in ("family", "used", "unknown")]
    trust = words.say(
        "statement.data.trust",
        grade=answer["filed"]["trust_grade"],
        floor=number(answer["filed"]["trust_floor"], words.language),
    )
    return Section(
        heading=words.say("statement.data"),
        paragraphs=[words.say("statement.data.as_of", as_of=answer["as_of"], machines=len(answer["machines"])), trust],
        points=facts,
        table=Table(header=header, rows=rows, figures=2) if rows else None,
    )


def _dispute(answer: Mapping[str, Any], words: Wording) -> list[str]:
    return [
        words.say("statement.dispute.ask", quote_id=answer["quote_id"], partner=answer["partner"]),
        words.say("statement.dispute.data"),
        words.say("statement.dispute.receipt", quote_id=answer["quote_id"]),
    ]


def _versions(answer: Mapping[str, Any], words: Wording) -> Section:
    """What the answer can be recomputed from."""
    names = ("snapshot_id", "model_version", "parameters_version", "wording_version")
    rows = [[words.say(f"paper.{name}"), answer[name]] for name in names]
    filed = answer["filed"]
    rows.append([words.say("statement.filing"), filed["filing_number"]])
    rows.append(
        [words.say("statement.tariff_version"), filed["tariff_version"] or words.say("statement.tariff_of_model")]
    )
    header = [words.say("paper.version"), words.say("paper.name")]
    return Section(heading=words.say("paper.versions"), table=Table(header=header, rows=rows, figures=1))
