"""Questions about cover, and quotes as they are answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import AmountMinor, Asked, Currency, MachineName, ObligorCode, Told, UtcInstant
from api.scores.schemas import ContributionTold, NarrativeTold, ReasonTold
from data_contracts.vocabulary import DataOrigin
from features.trust import TrustGrade
from scoring.records import InsuranceProduct

DecisionName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PremiumQuoteRequest(Asked):
    """What an insurer asks. Both days are insured; without `machines` the cover is for all that the obligor owns."""

    obligor_id: ObligorCode
    product: InsuranceProduct
    sum_insured_minor: AmountMinor
    currency: Currency
    starts: date = Field(alias="from", description="first day of cover")
    ends: date = Field(alias="to", description="last day of cover, inclusive")
    machines: Annotated[tuple[MachineName, ...], Field(max_length=1000)] = ()
    as_of: UtcInstant | None = None
    snapshot: Literal["latest", "fresh"] = "latest"
    decision_id: DecisionName | None = Field(
        default=None, description="of a guarantee: the own decision that stands behind the facility"
    )


class FactorTold(Told):
    """One factor of the bill."""

    name: str
    relativity: float


class BillLineTold(Told):
    """One line of the premium; the lines sum to the gross premium."""

    name: str
    amount_minor: int


class MachineFrequencyTold(Told):
    """Expected claims of one machine a year of cover, and why."""

    machine_uid: str
    claim_frequency_per_machine_year: float
    contributions: list[ContributionTold]


class FiledPriceTold(Told):
    """The filed rate that is charged beside the model's, which is shown: bounds as filed, and the least product of
    relativities that the trust in the data allows. `distilled_from` is the model that the table was filed of and
    `is_of_model` whether it is the one that answers; both null where people set the table."""

    filing_number: str
    tariff_version: str
    effective: date
    distilled_from: str | None
    is_of_model: bool | None
    lowest: float
    highest: float
    trust_grade: TrustGrade
    trust_floor: float
    cost_share: float
    product: float
    filed_rate: float
    model_rate: float
    difference_ratio: float


class DecidedFacilityTold(Told):
    """What a guarantee is of, as a decision of the same partner priced it."""

    decision_id: str
    lgd_ratio: float
    exposure_at_default_minor: int
    currency: str
    tenor_months: int


class HeldWarrantyTold(Told):
    """A machine under a warranty of the same insurer, which pays a repair first, and the days on which it answers."""

    policy_id: str
    machine_uid: str
    starts: date = Field(alias="from")
    ends: date = Field(alias="to")


class PremiumQuoteTold(Told):
    """A premium: base times factors is the filed frequency; the loadings lead to the gross premium."""

    quote_id: str
    partner: str
    obligor_id: str
    as_of: datetime
    product: InsuranceProduct
    sum_insured_minor: int
    currency: str
    starts: date = Field(alias="from")
    ends: date = Field(alias="to")
    facility: DecidedFacilityTold | None
    warranties: list[HeldWarrantyTold]
    gross_premium_minor: int
    pure_premium_minor: int
    earned_exposure_machine_years: float
    claim_frequency_per_machine_year: float
    claim_severity_minor: int
    base_frequency: float
    factors: list[FactorTold]
    risk: list[BillLineTold] = Field(description="lines that sum to the pure premium")
    loadings: list[BillLineTold]
    reasons: list[ReasonTold]
    machines: list[MachineFrequencyTold]
    filed: FiledPriceTold
    valid_until: datetime
    snapshot_id: str
    model_version: str
    parameters_version: str
    data_origin: DataOrigin
    statement: str | None
    narrative: NarrativeTold
    wording_version: str
    livemode: bool


class PremiumQuoteAnswer(Told):
    """A quote, and how old the snapshot was that it was made from."""

    quote: PremiumQuoteTold
    snapshot_age_seconds: int = Field(ge=0)
    livemode: bool
