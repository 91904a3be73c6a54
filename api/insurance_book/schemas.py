"""Reports of an insurer's book as they are asked for and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import Asked, Currency, Told, UtcInstant
from data_contracts.vocabulary import DataOrigin
from scoring.insurance.book.accumulation import Accumulation


class InsuranceBookAsked(Asked):
    """Policies of which currency, as of when, what was earned and claimed over how many months before, and how many of
    the largest exposures are told."""

    currency: Currency = "CNY"
    as_of: UtcInstant | None = None
    months: Annotated[int, Field(ge=1, le=60)] = 12
    largest: Annotated[int, Field(ge=1, le=100)] = 10


class ActualToExpectedTold(Told):
    """Claims notified over claims expected, with the exact Poisson interval (95 %)."""

    value: float
    lower: float
    upper: float


class InsuranceLineTold(Told):
    """One line of a table of the book; lines of a table add up to the whole."""

    key: str
    policies: int
    obligors: int
    sum_insured_minor: int
    share: float
    cover_days: int
    exposure_years: float
    written_minor: int
    earned_minor: int
    unearned_minor: int
    claims: int
    claimed_minor: int
    loss_ratio: float | None
    expected_claims: float
    model_claims: float
    to_filed: ActualToExpectedTold | None
    to_model: ActualToExpectedTold | None


class AccumulationRoomTold(Told):
    """What of a limit is used under a name on the day from the report's day on that holds most, by what is bound."""

    kind: Accumulation
    name: str
    used_minor: int
    limit_minor: int | None
    left_minor: int | None
    over_minor: int
    limit_utilization_ratio: float | None


class ClusterLossTold(Told):
    """An industry's idle covers in the joint simulation; `in_tail_minor` sum to the book's mean loss in the tail."""

    industry: str
    policies: int
    sum_insured_minor: int
    expected_minor: float
    value_at_risk_minor: float
    in_tail_minor: float


class SlumpLossTold(Told):
    """All idle covers as one book: expected payout, 99.5 % loss, and mean loss beyond it."""

    paths: int
    common_share: float
    expected_minor: float
    value_at_risk_minor: float
    tail_value_at_risk_minor: float
    clusters: list[ClusterLossTold]


class ObligorExposureTold(Told):
    """All that is insured of one obligor, by product."""

    obligor_id: str
    industry: str
    region: str
    products: dict[str, int]
    sum_insured_minor: int
    share: float


class LargePolicyTold(Told):
    """One of the policies that insure most."""

    policy_id: str
    obligor_id: str
    product: str
    sum_insured_minor: int
    share: float


class InsuranceBookTold(Told):
    """An insurer's book on a day, and what was earned and claimed from `begins` to it. `findings` are limits that are
    passed; `rests_on` counts policies of firms whose consent ended, of which nothing else is told."""

    as_of: datetime
    partner_id: str
    day: date
    begins: date
    currency: str
    whole: InsuranceLineTold
    by_product: list[InsuranceLineTold]
    by_industry: list[InsuranceLineTold]
    by_region: list[InsuranceLineTold]
    not_begun: int
    slump: SlumpLossTold | None
    idle_industries: list[AccumulationRoomTold]
    idle_tail: list[AccumulationRoomTold]
    regions: list[AccumulationRoomTold]
    obligors: list[AccumulationRoomTold]
    largest_obligors: list[ObligorExposureTold]
    largest_policies: list[LargePolicyTold]
    guarantee_core_enterprises: list[AccumulationRoomTold]
    guarantee_industries: list[AccumulationRoomTold]
    findings: list[AccumulationRoomTold]
    data_origin: DataOrigin
    policies_in_other_currencies: int
    rests_on: dict[str, int]
    parameters_version: str


class InsuranceBookAnswer(Told):
    """A report of an insurer's book."""

    portfolio: InsuranceBookTold
    livemode: bool
