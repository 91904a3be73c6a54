"""Commands that write documents: PDF or HTML, by the name of the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli_insurance_book import InsurerOption, LargestOption, told_book
from api.cli_insurance_book import MonthsOption as EarnedMonthsOption
from api.cli_portfolio import (
    AsOfOption,
    CurrencyOption,
    LenderOption,
    MonthsOption,
    PartnerOption,
    told_portfolio,
)
from api.console import HomeOption, JsonOption, opened, show
from api.credit_decisions.papers import memo_document
from api.governance.papers import card_of, pack_document
from api.governance.service import find_model
from api.insurance_policies.papers import payout_document
from api.models import claims as claim_models
from api.models.service import credit_model, promoted_credit
from api.partners.repository import LOCAL
from api.premium_quotes.papers import statement_document
from data_contracts.errors import InputError
from data_contracts.identifiers import DecisionId, ModelVersion, QuoteId
from risk_reports import insurance_book_document, portfolio_document
from risk_reports.document import Document
from risk_reports.rendering.html import html
from risk_reports.rendering.pdf import pdf
from risk_reports.wording.catalogue import Language
from scoring.credit.artefact import CreditArtefact
from scoring.export import rules, sql
from scoring.onnx_export import onnx_bytes

RENDERINGS: dict[str, Callable[[Document], bytes]] = {".pdf": pdf, ".html": html}

report_app = typer.Typer(help="Write a document as PDF or HTML.", no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", help="File to write, ending in .pdf or .html.")]


class Spoken(StrEnum):
    """Languages of documents."""

    ZH = "zh"
    EN = "en"


LANGUAGES = {Spoken.ZH: Language.ZH, Spoken.EN: Language.EN}
LanguageOption = Annotated[Spoken, typer.Option("--language")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(report_app, name="report")
    app.command("export")(export)


@report_app.command("credit_memo")
def credit_memo(
    *,
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    out: OutOption,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The memo of a stored decision, as it was given."""
    with opened(home) as here:
        _write(memo_document(here, DecisionId(decision), LANGUAGES[language], now=datetime.now(UTC)), out, as_json)


@report_app.command("premium_statement")
def premium_statement(
    *,
    quote: Annotated[str, typer.Argument(help="A quote's id.")],
    out: OutOption,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The statement of a stored quote for the insured: factor by factor, and what would lower it."""
    with opened(home) as here:
        _write(statement_document(here, QuoteId(quote), LANGUAGES[language], now=datetime.now(UTC)), out, as_json)


@report_app.command("payout_statement")
def payout_statement(
    *,
    policy: Annotated[str, typer.Argument(help="A policy's id.")],
    out: OutOption,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The settled season of an idle cover for the insured: index, triggers, bill, evidence."""
    with opened(home) as here:
        _write(payout_document(here, policy, LANGUAGES[language], now=datetime.now(UTC)), out, as_json)


@report_app.command("actuary_pack")
def actuary_pack(
    *,
    model: Annotated[str, typer.Argument(help="The version that `train insurance --policies` printed.")],
    out: OutOption,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What an actuary asks of a model of claims: A/E, lifts, relativities, and who gains and who loses."""
    with opened(home) as here:
        told = claim_models.pack_document(here, ModelVersion(model), LANGUAGES[language], now=datetime.now(UTC))
    _write(told, out, as_json)


@report_app.command("model_card")
def model_card_(
    *,
    out: OutOption,
    model: Annotated[str | None, typer.Option("--model", help="Version; default the promoted.")] = None,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The card of a model of default."""
    with opened(home) as here:
        artefact = promoted_credit(here) if model is None else credit_model(here, ModelVersion(model))
        _write(card_of(here, artefact, LANGUAGES[language]), out, as_json)


@report_app.command("validation_pack")
def validation_pack(
    *,
    out: OutOption,
    model: Annotated[str | None, typer.Option("--model", help="Version; default the one that answers.")] = None,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a validator reads of a model of default."""
    with opened(home) as here:
        version = promoted_credit(here).version if model is None else find_model(here, "credit", model).version
        _write(pack_document(here, version, LANGUAGES[language], now=datetime.now(UTC)), out, as_json)


@report_app.command("portfolio")
def portfolio(
    *,
    out: OutOption,
    as_of: AsOfOption = None,
    partner: PartnerOption = LOCAL,
    lender: LenderOption = None,
    currency: CurrencyOption = "CNY",
    months: MonthsOption = 12,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The report of a lender's book."""
    with opened(home) as here:
        told = told_portfolio(here, as_of=as_of, partner=partner, lender=lender, currency=currency, months=months)
    _write(portfolio_document.document(told, LANGUAGES[language]), out, as_json)


@report_app.command("insurance_portfolio")
def insurance_portfolio(
    *,
    out: OutOption,
    as_of: AsOfOption = None,
    partner: InsurerOption = LOCAL,
    currency: CurrencyOption = "CNY",
    months: EarnedMonthsOption = 12,
    largest: LargestOption = 10,
    language: LanguageOption = Spoken.ZH,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The report of an insurer's book: in force, earned, claimed, and what of each accumulation limit is used."""
    with opened(home) as here:
        told = told_book(here, as_of=as_of, partner=partner, currency=currency, months=months, largest=largest)
    _write(insurance_book_document.document(told, LANGUAGES[language]), out, as_json)


def export(
    *,
    out: Annotated[Path, typer.Option("--out", help="File to write, ending in .json, .sql or .onnx.")],
    model: Annotated[str | None, typer.Option("--model", help="Version; default the promoted.")] = None,
    table: Annotated[str, typer.Option("--table", help="Of SQL: the table whose columns are the features.")] = "firms",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model of default as plain rules: JSON that any language walks, SQL that any database runs; or as ONNX."""
    with opened(home) as here:
        artefact = promoted_credit(here) if model is None else credit_model(here, ModelVersion(model))
    ways: dict[str, Callable[[CreditArtefact], bytes]] = {
        ".json": _rules,
        ".sql": lambda model: sql(model, table=table).encode(),
        ".onnx": onnx_bytes,
    }
    if out.suffix not in ways:
        raise InputError(f"{out.name} ends in none of {', '.join(ways)}.", hint="Name the file so.")
    out.write_bytes(ways[out.suffix](artefact))
    told = {"out": str(out), "model_version": artefact.version, "features": len(artefact.card.features)}
    show(told, as_json, f"{out}: model {artefact.version[:12]}")


def _rules(artefact: CreditArtefact) -> bytes:
    return (json.dumps(rules(artefact), indent=1) + "\n").encode()


def _write(document: Document, out: Path, as_json: bool) -> None:
    render = RENDERINGS.get(out.suffix)
    if render is None:
        raise InputError(f"{out.name} ends in neither .pdf nor .html.", hint="Name the file so.")
    content = render(document)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    show({"out": str(out), "bytes": len(content), "title": document.title}, as_json, f"{out}: {document.title}")
