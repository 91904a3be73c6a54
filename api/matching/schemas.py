"""Applications, criteria and matches as they are asked for and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.shapes import AmountMinor, Asked, Currency, ObligorCode, PartnerName, Told, UtcInstant
from scoring.matching.criteria import Criterion
from scoring.records import CreditProduct, Outcome

LONGEST_TENOR = 360
MOST_LENDERS = 20

Tenor = Annotated[int, Field(ge=1, le=LONGEST_TENOR)]
Grade = Annotated[str, StringConstraints(pattern=r"^(R[1-9][0-9]?|D)$"), Field(examples=["R7"])]
Division = Annotated[
    str, StringConstraints(pattern=r"^[A-T][0-9]{2}$"), Field(description="of GB/T 4754", examples=["C34"])
]
Share = Annotated[float, Field(gt=0, le=1)]


class ApplicationAsked(Asked):
    """What the manufacturer would borrow, until when that is open, and the lenders that it may be shown to."""

    obligor_id: ObligorCode
    product: CreditProduct
    amount_minor: AmountMinor
    currency: Currency
    tenor_months: Tenor
    shown_to: Annotated[tuple[PartnerName, ...], Field(min_length=1, max_length=MOST_LENDERS)]
    expires_time: UtcInstant


class LenderTold(Told):
    """A lender that an application may be shown to; it is, while the manufacturer's consent to it is in force."""

    partner_id: str
    has_consent: bool


class ApplicationTold(Told):
    """An application. `shown_to` is null for lenders: whom else it is shown to is the manufacturer's own business."""

    application_id: str
    obligor_id: str
    product: CreditProduct
    amount_minor: int
    currency: str
    tenor_months: int
    filed_time: datetime
    expires_time: datetime
    withdrawn_time: datetime | None
    is_open: bool
    shown_to: list[LenderTold] | None


class ApplicationAnswer(Told):
    """One application."""

    application: ApplicationTold
    livemode: bool


class ApplicationList(Told):
    """A page of applications, in the order of their filing."""

    data: list[ApplicationTold]
    next_cursor: str | None
    livemode: bool


class CriteriaAsked(Asked):
    """What the lender would finance. Each manufacturer gets between the smallest and the largest amount; what is null
    or empty asks nothing. `takes_referred` looks also at those whom a person would have to look at."""

    product: CreditProduct
    currency: Currency
    tenor_months: Tenor
    smallest_minor: AmountMinor
    largest_minor: AmountMinor
    worst_grade: Grade | None = None
    greatest_pd_12m_upper: Annotated[float, Field(ge=0, le=1)] | None = None
    industries: Annotated[tuple[Division, ...], Field(max_length=100)] = ()
    takes_referred: bool = False
    as_of: UtcInstant | None = None


class FundsAsked(CriteriaAsked):
    """The same with what the lender has for all of them together, and the most of it that it would have on one industry
    and, by the shares of their sales, on one core enterprise."""

    funds_minor: AmountMinor
    most_per_industry: Share = 1.0
    most_per_core_enterprise: Share = 1.0


class UnmetTold(Told):
    """A criterion that is not met: what the manufacturer has (null where unknown), and what was asked."""

    criterion: Criterion
    value: str | float | None
    bound: str | float


class BoundTold(Told):
    """What left less than was possible: the funds, or what one industry or core enterprise may have of them."""

    kind: str
    name: str | None


class ScreenedTold(Told):
    """A manufacturer: the most that the policy would lend it, whether it fits, and what there is for it."""

    obligor_id: str
    amount_minor: int
    wanted_minor: int
    lendable_minor: int | None
    outcome: Outcome
    rating_grade: str
    pd_12m: float
    pd_12m_upper: float
    annual_rate_ratio: float
    expected_loss_ratio: float
    industry: str | None
    unmet: list[UnmetTold]
    bound_by: BoundTold | None


class ApplicantTold(ScreenedTold):
    """The same of one that applied."""

    application_id: str


class NamedAmount(Told):
    """What lies on one name; `unknown` is what no ledger tells."""

    name: str
    amount_minor: int


class MatchedTold(Told):
    """Manufacturers that fit, the safest first, and after them the others. Nothing of it is kept or decided."""

    as_of: datetime
    partner_id: str
    product: CreditProduct
    currency: str
    screened: int
    eligible: int
    without_recent_snapshot: list[str]
    placed_minor: int
    expected_loss_ratio: float | None
    by_industry: list[NamedAmount]
    by_core_enterprise: list[NamedAmount]
    data_origin: str
    model_version: str
    parameters_version: str


class PrescreenTold(MatchedTold):
    """A whole cluster, screened at once."""

    lines: list[ScreenedTold]


class MatchTold(MatchedTold):
    """A lender's funds on those who applied."""

    lines: list[ApplicantTold]


class PrescreenAnswer(Told):
    """A prescreening."""

    prescreen: PrescreenTold
    livemode: bool


class MatchAnswer(Told):
    """A match."""

    match: MatchTold
    livemode: bool
