"""Commands about a lender's book: its report as JSON and lines, or as a document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import reading
from api.home import Home
from api.instants import parse_instant, require_past
from api.partners.repository import LOCAL
from api.portfolio.service import ZONE, Asked, portfolio_report
from data_contracts.identifiers import PartnerId
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language

COLUMNS = ("key", "facilities", "outstanding", "overdue", "mean_pd", "expected_loss")

PartnerOption = Annotated[str, typer.Option("--partner", help="Whose borrowers: those that consent to it for credit.")]
LenderOption = Annotated[
    str | None, typer.Option("--lender", help="Only facilities of this lender, as ledgers name it; default all.")
]
CurrencyOption = Annotated[str, typer.Option("--currency", help="Of the facilities that count.")]
MonthsOption = Annotated[int, typer.Option("--months", min=2, max=60, help="Months that are over, to look back on.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")]


def mount(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("portfolio")(portfolio)


def portfolio(
    *,
    as_of: AsOfOption = None,
    partner: PartnerOption = LOCAL,
    lender: LenderOption = None,
    currency: CurrencyOption = "CNY",
    months: MonthsOption = 12,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The book by product, grade, industry and core enterprise; vintages, roll rates, stages, limits and clusters."""
    with opened(home) as here:
        told = told_portfolio(here, as_of=as_of, partner=partner, lender=lender, currency=currency, months=months)
    lines = [line for name in ("by_product", "by_grade", "by_industry") for line in told[name]] + [told["whole"]]
    gist = f"{told['day']}: {told['whole']['facilities']} facilities; largest names: "
    names = ", ".join(f"{item['name']} {item['share']:.1%}" for item in told["core_enterprises"]["largest"][:3])
    show(told, as_json, "\n".join([gist + names, aligned([_shown(line, currency) for line in lines], COLUMNS)]))


def _shown(line: dict[str, Any], currency: str) -> dict[str, Any]:
    """A line with its amounts in major units."""
    names = ("outstanding", "overdue", "expected_loss")
    return {**line, **{name: money(line[f"{name}_minor"], currency, Language.EN) for name in names}}


def told_portfolio(
    here: Home, *, as_of: str | None, partner: str, lender: str | None, currency: str, months: int
) -> dict[str, Any]:
    """The answer that both the command and the document show."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE.key) if as_of else now
    require_past(instant, now=now)
    asked = Asked(partner=PartnerId(partner), lender=lender, currency=currency, as_of=instant, months=months)
    with reading(here.engine) as connection:
        return portfolio_report(connection, here, asked, now=now)
