"""One exposure under a loan and four covers, as it is asked about and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import AmountMinor, Asked, Currency, ObligorCode, Told, UtcInstant
from data_contracts.vocabulary import DataOrigin
from scoring.insurance.coherence import Peril
from scoring.insurance.offers.one_exposure import Bearer
from scoring.records import CreditProduct


class ExposurePricesAsked(Asked):
    """The loan, whose guarantee runs as long, and covers of all machines and of a season's fixed cost on the days given
    (both inclusive), all in one currency."""

    obligor_id: ObligorCode
    product: CreditProduct = CreditProduct.WORKING_CAPITAL
    amount_minor: AmountMinor
    tenor_months: Annotated[int, Field(ge=1, le=120)]
    sum_insured_minor: AmountMinor
    fixed_cost_minor: AmountMinor
    currency: Currency
    starts: date = Field(alias="from", description="first day of the covers")
    ends: date = Field(alias="to", description="last day of the covers, inclusive")
    as_of: UtcInstant | None = None


class GuaranteedLoanTold(Told):
    """The loan's rate alone and guaranteed, what the guarantee costs a year of what is owed, and the gap between that
    and what it saves; of what it saves `capital_saved_ratio` is the lender's capital."""

    annual_rate_ratio: float
    rate_guaranteed_ratio: float
    saved_ratio: float
    capital_saved_ratio: float
    guarantee_rate_ratio: float
    gap_ratio: float
    guarantee_covers_expected_loss: bool


class CoverPriceTold(Told):
    """A cover by its model, held with the others and held alone; what is charged is the filed tariff's."""

    bearer: Bearer
    expected_minor: int
    margin_minor: int
    premium_minor: int
    alone_expected_minor: int
    alone_premium_minor: int


class LossPartTold(Told):
    """A part of a peril's expected loss, and who bears it."""

    name: str
    bearer: Bearer
    expected_minor: int


class PerilLossTold(Told):
    """What a peril is expected to cost all its bearers together, part by part."""

    peril: Peril
    expected_minor: int
    parts: list[LossPartTold]


class WorkTold(Told):
    """Every price with that many times the work."""

    times: float
    pd_12m: float
    loan_rate_ratio: float
    claim_frequency_per_machine_year: float
    premiums_minor: dict[str, int]


class ExposurePricesTold(Told):
    """Prices of one exposure from one snapshot, each part of the loss with one bearer. Kept nowhere: it is no offer."""

    obligor_id: str
    as_of: datetime
    currency: str
    pd_12m: float
    lifetime_pd: float
    rating_grade: str
    lgd_ratio: float
    exposures_minor: list[int]
    claim_frequency_per_machine_year: float
    loan: GuaranteedLoanTold
    covers: list[CoverPriceTold]
    losses: list[PerilLossTold]
    borne_minor: dict[str, int]
    work: list[WorkTold]
    models: dict[str, str]
    parameters_version: str
    snapshot_id: str
    data_origin: DataOrigin
    livemode: bool


class ExposurePricesAnswer(Told):
    """Prices of one exposure."""

    exposure: ExposurePricesTold
    livemode: bool
