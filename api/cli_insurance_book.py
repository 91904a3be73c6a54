"""Commands about an insurer's book: its report as JSON and lines, or as a document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import reading
from api.home import Home
from api.instants import parse_instant, require_past
from api.insurance_book.service import Asked, insurance_report
from api.insurance_policies.held import ZONE
from api.partners.repository import LOCAL
from data_contracts.identifiers import PartnerId
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language

COLUMNS = ("key", "policies", "sum_insured", "earned", "claims", "expected", "A/E")

InsurerOption = Annotated[str, typer.Option("--partner", help="Whose policies: those of firms that consent to it.")]
CurrencyOption = Annotated[str, typer.Option("--currency", help="Of the policies that count.")]
MonthsOption = Annotated[int, typer.Option("--months", min=1, max=60, help="Of premium and claims, to look back on.")]
LargestOption = Annotated[int, typer.Option("--largest", min=1, max=100, help="Of the largest exposures, how many.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")]


def mount(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("insurance-portfolio")(insurance_portfolio)


def insurance_portfolio(
    *,
    as_of: AsOfOption = None,
    partner: InsurerOption = LOCAL,
    currency: CurrencyOption = "CNY",
    months: MonthsOption = 12,
    largest: LargestOption = 10,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """An insurer's book by product, industry and region, and what of each accumulation limit is used or passed."""
    with opened(home) as here:
        told = told_book(here, as_of=as_of, partner=partner, currency=currency, months=months, largest=largest)
    show(told, as_json, _text(told))


def told_book(
    here: Home, *, as_of: str | None, partner: str, currency: str, months: int, largest: int
) -> dict[str, Any]:
    """The answer that both the command and the document show."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE.key) if as_of else now
    require_past(instant, now=now)
    asked = Asked(partner=PartnerId(partner), currency=currency, as_of=instant, months=months, largest=largest)
    with reading(here.engine) as connection:
        return insurance_report(connection, here, asked, now=now)


def _text(told: dict[str, Any]) -> str:
    def shown(amount_minor: float) -> str:
        return money(round(amount_minor), told["currency"], Language.EN)

    lines = [line for name in ("by_product", "by_industry", "by_region") for line in told[name]] + [told["whole"]]
    rows = [
        {
            **line,
            "sum_insured": shown(line["sum_insured_minor"]),
            "earned": shown(line["earned_minor"]),
            "expected": f"{line['expected_claims']:.2f}",
            "A/E": "" if line["to_filed"] is None else f"{line['to_filed']['value']:.2f}",
        }
        for line in lines
    ]
    told_of = [f"{told['day']}: {told['whole']['policies']} policies in force"]
    if (slump := told["slump"]) is not None:
        told_of.append(f"idle cover: 99.5 % loss {shown(slump['value_at_risk_minor'])} on {slump['paths']:,} paths")
    told_of += [
        f"limit passed: {line['kind']} {line['name']}, {shown(line['used_minor'])} of {shown(line['limit_minor'])}"
        for line in told["findings"]
    ]
    return "\n".join([*told_of, aligned(rows, COLUMNS)])
