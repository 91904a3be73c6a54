"""The premium on paper: the bill's own figures, in both languages, for every product."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from api.http.documents import example
from risk_reports import premium_statement, premium_statement_document
from risk_reports.numbers import money, number
from risk_reports.rendering.html import html
from risk_reports.rendering.pdf import chinese_font, pdf
from risk_reports.wording.catalogue import Language


@pytest.fixture
def answer() -> dict[str, Any]:
    told: dict[str, Any] = deepcopy(example("createPremiumQuote")["quote"])
    return told


@pytest.mark.parametrize("language", list(Language))
def test_every_line_of_the_bill_and_every_factor_is_on_it(answer: dict[str, Any], language: Language) -> None:
    document = premium_statement_document.document(answer, language)
    cells = [row for section in document.sections if section.table for row in section.table.rows]
    amounts = {row[-1] for row in cells}
    for minor in (
        answer["pure_premium_minor"],
        answer["gross_premium_minor"],
        *(line["amount_minor"] for line in (*answer["risk"], *answer["loadings"])),
    ):
        assert money(minor, "CNY", language) in amounts
    for factor in answer["factors"]:
        assert number(factor["relativity"], language, fixed=True) in amounts
    assert answer["snapshot_id"] in amounts
    assert document.notices, "synthetic data is said at the top"


@pytest.mark.parametrize("language", list(Language))
def test_it_says_what_would_lower_it_what_was_not_used_and_how_to_dispute(
    answer: dict[str, Any], language: Language
) -> None:
    text = html(premium_statement_document.document(answer, language)).decode()
    told = answer["narrative"]["zh" if language is Language.ZH else "en"]["sme"]
    assert all(sentence.split("（")[0].split("&")[0][:12] in text for sentence in told)
    assert answer["quote_id"] in text
    assert "statement." not in text


@pytest.mark.parametrize(("language", "said"), [(Language.EN, "dearest band"), (Language.ZH, "最高的一档")])
def test_a_factor_that_nobody_told_is_said_to_be_in_the_dearest_band(
    answer: dict[str, Any], language: Language, said: str
) -> None:
    machine = answer["machines"][0]
    for item in machine["contributions"]:
        item["value"] = 1.0
    answer["machines"] = [machine]
    answer["factors"] = [{"name": item["feature"], "relativity": 1.0} for item in machine["contributions"][:2]]
    assert said not in html(premium_statement_document.document(answer, language)).decode()
    assert said not in premium_statement.text(answer, language)
    machine["contributions"][1]["value"] = None
    assert html(premium_statement_document.document(answer, language)).decode().count(said) == 1
    assert premium_statement.text(answer, language).count(said) == 1


def test_a_cover_of_the_firm_has_no_table_of_machines(answer: dict[str, Any]) -> None:
    answer |= {
        "product": "idle_cover",
        "machines": [],
        "reasons": [],
        "factors": [{"name": "cover_months", "relativity": 1.2}],
    }
    document = premium_statement_document.document(answer, Language.EN)
    texts = [point for section in document.sections for point in section.points]
    assert any("Nothing moved it" in text for text in texts)
    assert sum(section.table is not None for section in document.sections) == 3


def test_it_prints(answer: dict[str, Any]) -> None:
    assert pdf(premium_statement_document.document(answer, Language.EN)).startswith(b"%PDF-")
    if chinese_font() is not None:
        printed = premium_statement_document.document(answer, Language.ZH)
        assert pdf(printed) == pdf(printed)
