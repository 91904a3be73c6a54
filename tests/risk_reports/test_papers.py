"""Memo and model card on paper: the answer's own figures, the same bytes again, both languages."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from risk_reports import credit_memo_document, model_card
from risk_reports.document import Document, Picture, Section, Table
from risk_reports.numbers import money, ratio
from risk_reports.rendering import pdf as rendering
from risk_reports.rendering.html import html, unbroken
from risk_reports.rendering.pdf import ChineseFontMissing, chinese_font, pdf
from risk_reports.wording.catalogue import Language
from scoring.credit.card import CreditCard

ANSWER: dict[str, Any] = json.loads(
    (files("api.http") / "examples" / "createCreditDecision.json").read_text(encoding="utf-8")
)["decision"]
VERSION = "a66e7991d0c999db7b2dd34a27b62971fae7c8837578da2e1a6781ec89fa1a11"
RELEASED = Path(__file__).parents[1] / "scoring" / "released" / "credit" / VERSION
CARD: dict[str, Any] = {
    "model_version": VERSION,
    **CreditCard.model_validate_json((RELEASED / "card.json").read_bytes()).model_dump(mode="json"),
}

DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
AMOUNTS = ("amount_minor", "limit_minor", "expected_loss_minor", "exposure_at_default_minor")
RATIOS = ("pd_12m", "pd_12m_lower", "pd_12m_upper", "lgd_ratio", "raroc_ratio")


def text_of(content: bytes) -> str:
    """What is on the pages, without blanks, which lines are broken at."""
    return "".join(bare(page) for page in pages_of(content))


def pages_of(content: bytes) -> list[str]:
    """The text of each page, broken as the page breaks it."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def bare(text: str) -> str:
    return "".join(text.split())


def figures(language: Language) -> list[str]:
    """Every figure of the answer as it is written in a language."""
    currency = ANSWER["currency"]
    found = [money(ANSWER[name], currency, language) for name in AMOUNTS]
    found += [ratio(ANSWER[name], language) for name in RATIOS]
    found += [ratio(ANSWER[name], language, digits=4) for name in ("annual_rate_ratio", "ceiling_ratio")]
    for line in ANSWER["price_lines"]:
        found += [ratio(line["annual_rate_ratio"], language, digits=4), money(line["amount_minor"], currency, language)]
    found += [money(item["amount_minor"], currency, language) for item in ANSWER["capacities"]]
    plan = ANSWER["instalments"]
    found += [money(plan[name], currency, language) for name in plan if name.endswith("_minor")]
    return found


@pytest.mark.parametrize("language", list(Language))
def test_every_figure_on_paper_is_the_answers(language: Language) -> None:
    document = credit_memo_document.document(ANSWER, language)
    on_paper, on_screen = text_of(pdf(document)), html(document).decode()
    missing = [item for item in figures(language) if bare(item) not in on_paper]
    assert missing == []
    assert [item for item in figures(language) if unbroken(item) not in on_screen] == []
    for name in ("decision_id", "obligor_id", "snapshot_id", "model_version"):
        assert ANSWER[name] in on_paper
        assert ANSWER[name] in on_screen


def test_a_percent_sign_stays_on_the_line_of_its_figure() -> None:
    document = credit_memo_document.document(ANSWER, Language.EN)
    assert "\N{NO-BREAK SPACE}%" in html(document).decode()
    assert " %" not in html(document).decode().partition("<body")[2]
    assert not any(line.startswith("%") for page in pages_of(pdf(document)) for line in page.splitlines())


@pytest.mark.parametrize("language", list(Language))
def test_a_synthetic_answer_says_so_first(language: Language) -> None:
    document = credit_memo_document.document(ANSWER, language)
    assert len(document.notices) == 1
    assert credit_memo_document.document({**ANSWER, "data_origin": "real"}, language).notices == []


def test_the_same_document_is_the_same_bytes_and_bears_its_own_time() -> None:
    document = credit_memo_document.document(ANSWER, Language.EN)
    content = pdf(document)
    assert content == pdf(document)
    information = PdfReader(io.BytesIO(content)).metadata
    assert information is not None
    assert information.creation_date is not None
    assert information.creation_date.date() == document.dated.date()


@pytest.mark.parametrize("language", list(Language))
def test_the_card_on_paper_is_the_card(language: Language) -> None:
    on_paper = text_of(pdf(model_card.document(CARD, language, plots={})))
    metrics = CARD["metrics"]
    assert bare(ratio(metrics["default_rate"], language)) in on_paper
    assert CARD["model_version"] in on_paper
    assert all(str(CARD[name]["rows"]) in on_paper for name in ("train", "calibrate", "test"))


def test_a_card_shows_what_was_drawn_when_it_was_trained() -> None:
    plain = model_card.document(CARD, Language.EN, plots={})
    drawn = model_card.document(CARD, Language.EN, plots={"dependence-a_90d.svg": DOT, "beeswarm.svg": DOT})
    assert len(drawn.sections) == len(plain.sections) + 1
    page = html(drawn).decode()
    assert page.index("beeswarm.") < page.index("dependence: a_90d.")
    assert page.count(b64encode(DOT.encode()).decode()) == 2
    assert "<svg" not in page
    assert pdf(drawn) != pdf(plain)


def test_a_card_tells_the_industries_that_training_knew() -> None:
    plain = html(model_card.document(CARD, Language.EN, plots={})).decode()
    known = {**CARD, "familiarity": {"divisions": {"C33": 47, "C34": 45}, "machine_types": None}}
    assert "C33 (47), C34 (45)" in html(model_card.document(known, Language.EN, plots={})).decode()
    assert "C33（47）、C34（45）" in html(model_card.document(known, Language.ZH, plots={})).decode()
    assert "Industries of which" not in plain
    untold = {**CARD, "familiarity": {"divisions": None, "machine_types": None}}
    assert "Industries of which" not in html(model_card.document(untold, Language.EN, plots={})).decode()


def test_a_card_tells_the_types_of_machines_that_training_knew() -> None:
    def page(language: Language, **types: Any) -> str:
        told = {"share": 0.2, "told": 0.98, **types}
        card = {**CARD, "familiarity": {"divisions": None, "machine_types": told}}
        return html(model_card.document(card, language, plots={})).decode().replace("\N{NO-BREAK SPACE}", " ")

    english, chinese = (page(language, firms={"A020509": 47, "A022801": 5}) for language in (Language.EN, Language.ZH))
    assert f"as at least {ratio(0.2, Language.EN)} of a firm" in english
    assert "with how many firms: A020509 (47), A022801 (5)." in english
    assert f"占企业机器数{ratio(0.2, Language.ZH)}以上）及企业数：A020509（47）、A022801（5）。" in chinese
    unknown = page(Language.EN, firms=None, told=0.4)
    assert f"The model knows no types of machines: only {ratio(0.4, Language.EN)} of the training rows" in unknown


def test_text_of_a_document_is_never_markup() -> None:
    hostile = '<script>alert(1)</script> #panic("x") $x$ *bold* @ref'
    document = Document(
        language=Language.EN,
        title=hostile,
        subtitle=hostile,
        notices=[hostile],
        sections=[
            Section(
                heading=hostile,
                paragraphs=[hostile],
                points=[hostile],
                pictures=[Picture(svg=DOT, told=f'"{hostile}')],
                table=Table(header=["a"], rows=[[hostile]], figures=0),
            )
        ],
        dated=credit_memo_document.document(ANSWER, Language.EN).dated,
        footer=hostile,
    )
    assert "<script>" not in html(document).decode()
    assert text_of(pdf(document)).count(bare(hostile)) >= 6


def test_without_a_chinese_font_no_boxes_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "chinese_font", lambda: None)
    document = credit_memo_document.document(ANSWER, Language.ZH)
    with pytest.raises(ChineseFontMissing):
        pdf(document)
    assert pdf(replace(document, language=Language.EN))


def test_a_chinese_font_is_installed_where_tests_run() -> None:
    assert chinese_font() is not None
