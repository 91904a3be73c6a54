"""The report of a simulated book by command and on paper: it adds up, and every figure on paper is the answer's."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pypdf import PdfReader

import simulator
from risk_reports import portfolio_document
from risk_reports.numbers import money, ratio
from risk_reports.rendering.html import html, unbroken
from risk_reports.rendering.pdf import pdf
from risk_reports.wording.catalogue import Language

Run = Callable[..., Any]

AS_OF = "2026-07-01"


@pytest.fixture
def world(tmp_path: Path, run: Run) -> Path:
    """Eight firms of nine months, in the test's home."""
    folder = tmp_path / "world"
    simulator.simulate(out=folder, obligors=8, months=9, seed=7)
    assert run("ingest", folder).exit_code == 0
    return folder


def test_the_book_by_command_and_on_paper(world: Path, run: Run, tmp_path: Path) -> None:
    told = run("portfolio", "--as-of", AS_OF, "--months", 6, "--json").answer
    facilities = pd.read_csv(world / "facility.csv")
    whole = told["whole"]["outstanding_minor"]
    assert told["data_origin"] == "synthetic"
    assert told["rests_on"]["with_a_facility"] == facilities["obligor_id"].nunique()
    assert sum(line["loans"] for line in told["vintages"]) == len(facilities)
    assert sum(line["amount_minor"] for line in told["vintages"]) == _fen(facilities)
    for name in ("by_product", "by_grade", "by_industry"):
        assert sum(line["outstanding_minor"] for line in told[name]) == whole
    assert sum(item["outstanding_minor"] for item in told["core_enterprises"]["largest"]) == whole
    assert len(told["months"]) == 6
    assert told["months"][-1]["outstanding_minor"] == whole
    assert {line["key"] for line in told["by_grade"]} == {"unknown"}  # nobody was scored: said, and no loss made up

    one = facilities["lender_id"].iloc[0]
    alone = run("portfolio", "--as-of", AS_OF, "--lender", one, "--json").answer
    assert sum(line["loans"] for line in alone["vintages"]) == int((facilities["lender_id"] == one).sum())
    paper = tmp_path / "book.html"
    assert run("report", "portfolio", "--as-of", AS_OF, "--out", paper, "--language", "en").exit_code == 0
    assert money(whole, "CNY", Language.EN) in paper.read_text(encoding="utf-8")
    assert run("portfolio", "--as-of", "2999-01-01").exit_code == 2
    _is_on_paper(told)


def test_a_partner_that_nobody_consented_to_sees_nobody(world: Path, run: Run) -> None:
    del world
    told = run("portfolio", "--as-of", AS_OF, "--partner", "stranger", "--json").answer
    assert (told["whole"]["facilities"], told["rests_on"]["obligors"], told["by_industry"]) == (0, 0, [])


def _is_on_paper(told: dict[str, Any]) -> None:
    """Every amount and share of the answer's tables stands on the pages, in both languages."""
    for language in Language:
        document = portfolio_document.document(told, language)
        pages = PdfReader(io.BytesIO(pdf(document))).pages
        printed = "".join("".join(page.extract_text().split()) for page in pages)
        shown = html(document).decode()
        figures = [ratio(item["share"], language, digits=1) for item in told["core_enterprises"]["largest"]]
        for name in ("by_product", "by_grade", "by_industry"):
            for line in told[name]:
                figures += [money(line[of], "CNY", language) for of in AMOUNTS]
        figures += [money(stage, "CNY", language) for month in told["months"] for stage in month["stage_minor"]]
        figures += [ratio(rate, language, digits=1) for roll in told["rolls"] for rate in roll["to_rates"]]
        figures += [month["month"] for months in told["clusters"].values() for month in months]
        assert [figure for figure in figures if "".join(figure.split()) not in printed] == []
        assert [figure for figure in figures if unbroken(figure) not in shown] == []


AMOUNTS = ("outstanding_minor", "overdue_minor", "expected_loss_minor")


def _fen(facilities: pd.DataFrame) -> int:
    column = next(name for name in ("amount_minor", "amount") if name in facilities)
    return round(float(facilities[column].sum()) * (1 if column == "amount_minor" else 100))
