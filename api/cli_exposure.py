"""The command about one exposure: its loan and all its covers priced together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.access_log.repository import looked
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import unit_of_work
from api.exposure.service import coherence as priced_together
from api.instants import parse_amount, parse_instant, require_past
from api.partners.repository import LOCAL
from api.snapshots.service import site_zone
from data_contracts.identifiers import PartnerId, obligor_id
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language
from scoring.insurance.offers.one_exposure import OneExposure
from scoring.records import CreditProduct, CreditRequest

DAY = ["%Y-%m-%d"]


def mount(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("coherence")(coherence)


def coherence(
    *,
    obligor: Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")],
    amount: Annotated[str, typer.Option("--amount", help="The loan, major units.")],
    tenor_months: Annotated[int, typer.Option("--tenor-months", help="Of the loan, and of its guarantee.")],
    product: Annotated[CreditProduct, typer.Option("--product")] = CreditProduct.WORKING_CAPITAL,
    sum_insured: Annotated[str, typer.Option("--sum-insured", help="Of all machines, major units.")],
    fixed_cost: Annotated[str, typer.Option("--fixed-cost", help="Of the days covered, major units: idle cover.")],
    starts: Annotated[datetime, typer.Option("--from", formats=DAY, help="First day of the covers.")],
    ends: Annotated[datetime, typer.Option("--to", formats=DAY, help="Last day of the covers, inclusive.")],
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217.")] = "CNY",
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    partner: Annotated[str, typer.Option("--partner", help="Who asks, for credit and insurance.")] = LOCAL,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Price loan, guarantee, equipment cover, warranty and idle cover of one firm together: who bears which loss."""
    owner, now = obligor_id(obligor), datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        when = now if as_of is None else parse_instant(as_of, zone=site_zone(connection, here, owner))
        require_past(when, now=now)
        loan = CreditRequest(
            obligor_id=owner,
            product=product,
            amount_minor=parse_amount(amount, currency=currency),
            currency=currency,
            tenor_months=tenor_months,
            as_of=when,
        )
        asked = OneExposure(
            loan=loan,
            equipment_minor=parse_amount(sum_insured, currency=currency),
            fixed_cost_minor=parse_amount(fixed_cost, currency=currency),
            starts=starts.date(),
            ends=ends.date(),
        )
        looked(connection, owner, "premium_quote", viewer=partner, now=now)
        told = priced_together(connection, here, asked, partner=PartnerId(partner), now=now)
    show(told, as_json, _text(told))


def _text(told: Mapping[str, Any]) -> str:
    def shown(amount_minor: int) -> str:
        return money(amount_minor, told["currency"], Language.EN)

    loan = told["loan"]
    borne = [
        {
            "peril": loss["peril"],
            "part": part["name"],
            "borne by": part["bearer"],
            "expected": shown(part["expected_minor"]),
        }
        for loss in told["losses"]
        for part in loss["parts"]
    ]
    covers = [
        {
            "cover": cover["bearer"],
            "premium": shown(cover["premium_minor"]),
            "held alone": shown(cover["alone_premium_minor"]),
        }
        for cover in told["covers"]
    ]
    work = [
        {
            "work": f"{line['times']:.1f}",
            "pd_12m": f"{line['pd_12m']:.4%}",
            "loan": f"{line['loan_rate_ratio']:.4%}",
            "claims a year": f"{line['claim_frequency_per_machine_year']:.4f}",
            **{name: shown(premium) for name, premium in line["premiums_minor"].items()},
        }
        for line in told["work"]
    ]
    gist = (
        f"loan {loan['annual_rate_ratio']:.4%}, guaranteed {loan['rate_guaranteed_ratio']:.4%} and "
        f"{loan['guarantee_rate_ratio']:.4%} for the guarantee: {loan['gap_ratio']:+.4%} beside what it saves, "
        f"of which {loan['capital_saved_ratio']:.4%} is the lender's capital"
    )
    return "\n\n".join([gist, *(aligned(rows, list(rows[0])) for rows in (borne, covers, work))])
