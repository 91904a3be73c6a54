"""Cover on demand: one machine by days and kind of site, at what a day costs by a quote of equipment cover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from api.models.service import scoring_parameters
from data_contracts.reference.dated import ParameterBook
from scoring.errors import CurrencyNotSupported, InvalidRequest
from scoring.insurance.premium import cover_days
from scoring.insurance.usage import SitePeriod, on_demand_premium
from scoring.money import exact
from scoring.records import InsuranceProduct


def on_demand(quote: sa.Row[Any], periods: Sequence[SitePeriod]) -> dict[str, Any]:
    """The premium of each period, at the terms in force when the quote was given.

    Raises InvalidRequest for a quote of another product, for periods that overlap, lie outside the quote's days or
    name a site without a rate, and CurrencyNotSupported.
    """
    body = json.loads(quote.body)
    if body["product"] != InsuranceProduct.EQUIPMENT_UBI.value:
        raise InvalidRequest(
            f"Quote {quote.quote_id} is of {body['product']}.", hint="Cover on demand is equipment cover by the day."
        )
    starts, ends = (datetime.fromisoformat(body[name]).date() for name in ("from", "to"))
    for period in periods:
        if not starts <= period.starts <= period.ends <= ends:
            raise InvalidRequest(
                f"Cover at {period.site} from {period.starts} to {period.ends} lies outside the quote's days, {starts} "
                f"to {ends}."
            )
    terms = _terms(scoring_parameters(), body)
    rate = Decimal(body["gross_premium_minor"]) / (cover_days(starts, ends) * len(body["machines"]))
    relativities = {site: exact(value) for site, value in terms["site_relativities"].items()}
    least = int(terms["minimum_minor"][body["currency"]])
    priced = on_demand_premium(
        list(periods), daily_rate_minor=rate, site_relativities=relativities, minimum_minor=least
    )
    told = [
        {
            "site": period.site,
            "from": period.starts.isoformat(),
            "to": period.ends.isoformat(),
            "relativity": float(relativities[period.site]),
            "premium_minor": premium,
        }
        for period, premium in priced
    ]
    return {
        "quote_id": quote.quote_id,
        "obligor_id": quote.obligor_id,
        "currency": body["currency"],
        "daily_rate_minor": float(rate),
        "minimum_minor": least,
        "periods": told,
        "premium_minor": sum(premium for _, premium in priced),
    }


def _terms(parameters: ParameterBook, body: dict[str, Any]) -> dict[str, Any]:
    terms: dict[str, Any] = parameters.at(datetime.fromisoformat(body["as_of"]))["insurance_renewal"]["on_demand"]
    if body["currency"] not in terms["minimum_minor"]:
        raise CurrencyNotSupported(
            f"Cover on demand is not priced in {body['currency']}.",
            hint=f"Supported: {', '.join(sorted(terms['minimum_minor']))}.",
        )
    return terms
