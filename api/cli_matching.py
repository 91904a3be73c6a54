"""Commands about manufacturers who look for finance, and lenders who look for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access_log.repository import looked
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import unit_of_work
from api.http.strict_json import parse_file
from api.instants import parse_amount, parse_instant, require_past
from api.matching import applications, service
from api.matching import repository as rows
from api.matching.asked import criteria_of
from api.matching.schemas import CriteriaAsked, FundsAsked
from api.obligors.repository import require
from api.partners.repository import LOCAL
from data_contracts.identifiers import ObligorId, PartnerId, obligor_id
from scoring.records import CreditProduct

ZONE = "Asia/Shanghai"
SHOWN = 20
COLUMNS = ("obligor_id", "amount_minor", "lendable_minor", "outcome", "rating_grade", "annual_rate_ratio", "why_not")

application_app = typer.Typer(help="What manufacturers would borrow, and whom they are shown to.", no_args_is_help=True)

CriteriaOption = Annotated[
    Path,
    typer.Option("--criteria", help="JSON file, as POST /v1/prescreens or /v1/matches takes it."),
]
PartnerOption = Annotated[str, typer.Option("--partner", help="The lender that looks.")]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Instant or date; default that of the file, else now.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(application_app, name="application")
    app.command("prescreen")(prescreen)
    app.command("match")(match)


def prescreen(
    *,
    criteria: CriteriaOption,
    partner: PartnerOption = LOCAL,
    as_of: AsOfOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Screen every manufacturer that consents to a lender for one product, at once; nothing is kept or decided."""
    asked = parse_file(criteria, CriteriaAsked)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        viewer = _viewer(asked, partner, as_of)
        told = service.prescreen(connection, here, criteria_of(asked), viewer)
        for line in told["lines"]:
            looked(connection, ObligorId(line["obligor_id"]), "prescreen", viewer=partner, now=viewer.now)
    show(told, as_json, _text(told))


def match(
    *,
    criteria: CriteriaOption,
    partner: PartnerOption = LOCAL,
    as_of: AsOfOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Match a lender's criteria and funds with those who applied to it; nothing is kept or decided."""
    asked = parse_file(criteria, FundsAsked)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        viewer = _viewer(asked, partner, as_of)
        told = service.match(connection, here, criteria_of(asked), viewer)
        for line in told["lines"]:
            looked(connection, ObligorId(line["obligor_id"]), "match", viewer=partner, now=viewer.now)
    show(told, as_json, _text(told))


@application_app.command("file")
def file_application(
    *,
    obligor: Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")],
    amount: Annotated[str, typer.Option("--amount", help="Major units, such as 2000000.00.")],
    tenor_months: Annotated[int, typer.Option("--tenor-months", min=1, max=360)],
    shown_to: Annotated[list[str], typer.Option("--shown-to", help="A lender that may see it; once for each.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Open to this day, exclusive.")],
    product: Annotated[CreditProduct, typer.Option("--product")] = CreditProduct.WORKING_CAPITAL,
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217.")] = "CNY",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """File what a manufacturer would borrow, to be shown to the lenders that it names."""
    request = applications.ApplicationRequest(
        obligor_id=obligor_id(obligor),
        product=product,
        amount_minor=parse_amount(amount, currency=currency),
        currency=currency,
        tenor_months=tenor_months,
        shown_to=[PartnerId(name) for name in shown_to],
        expires_time=parse_instant(f"{until:%Y-%m-%d}", zone=ZONE),
    )
    with opened(home) as here, unit_of_work(here.engine) as connection:
        require(connection, request.obligor_id)
        told = applications.file(connection, request, livemode=False, now=datetime.now(UTC))
    show(told, as_json, f"{told['application_id']} is open until {told['expires_time']}")


@application_app.command("withdraw")
def withdraw_application(
    application_id: Annotated[str, typer.Argument(help="The application's id.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw an application; it is shown to nobody from then on."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        rows.load(connection, application_id)
        told = applications.withdraw(connection, application_id, now=datetime.now(UTC))
    show(told, as_json, f"{application_id} is withdrawn")


def _viewer(asked: CriteriaAsked, partner: str, as_of: str | None) -> service.Viewer:
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE) if as_of else asked.as_of or now
    require_past(instant, now=now)
    return service.Viewer(partner=PartnerId(partner), livemode=False, as_of=instant, now=now)


def _text(told: dict[str, Any]) -> str:
    gist = (
        f"{told['eligible']} of {told['screened']} fit; {told['placed_minor'] / 100:,.2f} {told['currency']} placed; "
        f"{len(told['without_recent_snapshot'])} without a recent snapshot"
    )
    lines = [{**line, "why_not": _why_not(line)} for line in told["lines"][:SHOWN]]
    return "\n".join([gist, aligned(lines, COLUMNS)]) if lines else gist


def _why_not(line: dict[str, Any]) -> str:
    if line["unmet"]:
        return "; ".join(f"{item['criterion']} {item['value']} (asked {item['bound']})" for item in line["unmet"])
    bound = line["bound_by"]
    return "" if bound is None else f"left by {bound['kind']} {bound['name'] or ''}".rstrip()
