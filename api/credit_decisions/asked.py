"""What a lender may bring to a question: the asset to be financed, and facts of its own, each with its source and
day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from api.http.shapes import MAXIMUM_AMOUNT_MINOR, AmountMinor, Asked
from api.http.strict_json import parse_file
from scoring.facts import FACT_KINDS, FactSource, LenderFacts
from scoring.records import FinancedAsset

AmountOrNothing = Annotated[int, Field(ge=0, le=MAXIMUM_AMOUNT_MINOR, description="Minor units of `currency`.")]
Pd = Annotated[float, Field(gt=0, lt=1, description="Probability of default over 12 months.")]
FactDay = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31), description="The day that it speaks of.")]


class AssetAsked(Asked):
    """The machine that the facility is to pay for. Without it the obligor's own machines secure the facility."""

    value_new_minor: AmountMinor
    price_minor: AmountMinor
    age_years: Annotated[float, Field(ge=0, le=60)]
    hours: Annotated[float, Field(ge=0, le=500_000, description="Executing hours so far.")]
    hours_a_month: Annotated[float, Field(ge=1, le=744, description="Planned executing hours a month.")] | None = None

    def asset(self) -> FinancedAsset:
        """As the decision takes it."""
        return FinancedAsset(**self.model_dump())


class FactAsked(Asked):
    """Where a fact comes from, and the day of which it speaks."""

    source: FactSource
    dated: FactDay


class AmountFactAsked(FactAsked):
    """An amount of a year, or outstanding."""

    amount_minor: AmountOrNothing


class BureauFactAsked(FactAsked):
    """The worst days past due of any loan now, and whether a court enforces."""

    days_past_due: Annotated[int, Field(ge=0, le=36_500)]
    is_enforced: bool


class SanctionsFactAsked(FactAsked):
    """Whether the obligor, its owners or its controller are on a list."""

    is_listed: bool


class GuarantorFactAsked(FactAsked):
    """A guarantee offered."""

    amount_minor: AmountMinor
    pd_12m: Pd


class PdFactAsked(FactAsked):
    """The lender's own probability of default."""

    pd_12m: Pd


class FactsAsked(Asked):
    """Facts that knock out, cap or refer; none makes an answer better."""

    debt_service: AmountFactAsked | None = Field(None, description="debt service of a year, all lenders")
    revenue: AmountFactAsked | None = Field(None, description="revenue of a year")
    exposure: AmountFactAsked | None = Field(None, description="what this lender has outstanding with the obligor")
    bureau: BureauFactAsked | None = None
    sanctions: SanctionsFactAsked | None = None
    guarantor: GuarantorFactAsked | None = None
    lender_pd: PdFactAsked | None = None

    def facts(self) -> LenderFacts:
        """As the decision takes them."""
        given = {name: body for name, body in self.model_dump().items() if body is not None}
        return LenderFacts(**{name: FACT_KINDS[name](**body) for name, body in given.items()})


class Brought(Asked):
    """The file of `millgrade decide --facts`."""

    asset: AssetAsked | None = None
    facts: FactsAsked = FactsAsked()


def brought(file: Path | None) -> dict[str, Any]:
    """Asset and facts of a file, as a `CreditRequest` takes them; nothing without one.

    Raises InputError where it cannot be read, and MalformedBody and InvalidBody as an endpoint does.
    """
    if file is None:
        return {}
    told = parse_file(file, Brought)
    return {"asset": None if told.asset is None else told.asset.asset(), "facts": told.facts.facts()}
