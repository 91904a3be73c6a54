"""The credit memo on paper: from an answer as it was given, so that every figure on it is the answer's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from risk_reports.credit_memo import limit_line, terms_lines
from risk_reports.document import Document, Section, Table
from risk_reports.narrative import LANGUAGE_KEYS
from risk_reports.numbers import money, number, ratio
from risk_reports.wording.catalogue import Language, Wording, wording


def document(answer: Mapping[str, Any], language: Language) -> Document:
    """The memo of a decision in one language."""
    words = wording(language)
    say, told = words.say, answer["narrative"][LANGUAGE_KEYS[language]]
    return Document(
        language=language,
        title=say("memo.title", decision_id=answer["decision_id"]),
        subtitle=say("memo.obligor", obligor_id=answer["obligor_id"], as_of=answer["as_of"]),
        notices=[say("memo.synthetic")] if answer["data_origin"] == "synthetic" else [],
        sections=[
            _summary(answer, words, language),
            Section(heading=say("memo.reasons"), points=told["reasons"]),
            _capacities(answer, words, language),
            _price(answer, words, language),
            Section(heading=say("paper.terms"), points=terms_lines(answer, language)),
            Section(heading=say("memo.covenants"), points=told["covenants"]),
            _findings(answer, words, told["findings"]),
            Section(heading=say("memo.facts"), points=told["facts"]),
            _versions(answer, words),
        ],
        dated=datetime.fromisoformat(answer["as_of"]),
        footer=say("memo.recommends"),
    )


def _summary(answer: Mapping[str, Any], words: Wording, language: Language) -> Section:
    say = words.say
    return Section(
        heading=say("paper.summary"),
        paragraphs=[
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
            say("memo.valid_until", until=answer["valid_until"]),
        ],
    )


def _capacities(answer: Mapping[str, Any], words: Wording, language: Language) -> Section:
    rows = [
        [
            words.say(f"capacity.{item['name']}"),
            words.say("yes" if item["mandatory"] else "no"),
            words.say(f"missing.{item['missing']}")
            if item["missing"]
            else money(item["amount_minor"], answer["currency"], language),
        ]
        for item in answer["capacities"]
    ]
    header = [words.say(f"paper.{name}") for name in ("capacity", "needed", "amount")]
    return Section(heading=words.say("paper.limit"), table=Table(header=header, rows=rows, figures=1))


def _price(answer: Mapping[str, Any], words: Wording, language: Language) -> Section:
    rows = [
        [
            words.say(f"price.{line['name']}"),
            ratio(line["annual_rate_ratio"], language, digits=4),
            money(line["amount_minor"], answer["currency"], language),
        ]
        for line in answer["price_lines"]
    ]
    whole = sum(line["amount_minor"] for line in answer["price_lines"])
    rows.append(
        [
            words.say("paper.rate"),
            ratio(answer["annual_rate_ratio"], language, digits=4),
            money(whole, answer["currency"], language),
        ]
    )
    header = [words.say(f"paper.{name}") for name in ("line", "a_year", "interest")]
    ceiling = words.say("paper.ceiling", ceiling=ratio(answer["ceiling_ratio"], language, digits=4))
    return Section(
        heading=words.say("paper.price"), paragraphs=[ceiling], table=Table(header=header, rows=rows, figures=2)
    )


def _findings(answer: Mapping[str, Any], words: Wording, sentences: list[str]) -> Section:
    """The rules with what they ask for; the sentence of each stands in the answer beside it."""
    rows = [
        [sentence, words.say(f"layer.{finding['layer']}"), words.say(f"outcome.{finding['outcome']}")]
        for finding, sentence in zip(answer["findings"], sentences, strict=True)
    ]
    header = [words.say(f"paper.{name}") for name in ("finding", "layer", "asks")]
    return Section(heading=words.say("memo.findings"), table=Table(header=header, rows=rows, figures=0))


def _versions(answer: Mapping[str, Any], words: Wording) -> Section:
    """What the answer can be recomputed from."""
    names = ("snapshot_id", "model_version", "parameters_version", "wording_version")
    rows = [[words.say(f"paper.{name}"), answer[name] or words.say("none")] for name in names]
    header = [words.say("paper.version"), words.say("paper.name")]
    return Section(heading=words.say("paper.versions"), table=Table(header=header, rows=rows, figures=1))
