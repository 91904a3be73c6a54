"""Portfolio reports as they are asked for and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.shapes import Asked, Currency, Told, UtcInstant
from data_contracts.vocabulary import DataOrigin

LenderName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PortfolioAsked(Asked):
    """Which facilities (of a lender as ledgers name it, or null for whatever consenting borrowers owe to anybody), in
    which currency, as of when, and over how many months that are over."""

    lender_id: LenderName | None = None
    currency: Currency = "CNY"
    as_of: UtcInstant | None = None
    months: Annotated[int, Field(ge=2, le=60)] = 12


class BookLineTold(Told):
    """One line of a table of the book; lines of a table add up to the whole."""

    key: str
    facilities: int
    obligors: int
    outstanding_minor: int
    overdue_minor: int
    expected_loss_minor: int
    unrated_minor: int
    mean_pd: float | None
    share: float


class HoldingTold(Told):
    """What one name has of the book; `others` and `unknown` stand for the rest of it."""

    name: str
    outstanding_minor: int
    share: float


class ConcentrationTold(Told):
    """Herfindahl's index of the names, how many equal names it is worth, and the largest."""

    hhi: float | None
    equal_names: float | None
    names: int
    largest: list[HoldingTold]


class VintageTold(Told):
    """Loans of a quarter, and how many of them had defaulted by each month of their life."""

    quarter: str
    loans: int
    amount_minor: int
    defaulted_loans: list[int]
    defaulted_minor: list[int]
    cumulative_rates: list[float]


class MonthEndTold(Told):
    """The book at a month's end; the amounts by stage of impairment add up to what is outstanding."""

    day: date
    facilities: int
    outstanding_minor: int
    stage_minor: list[int]
    overdue_minor: int
    expected_loss_minor: int
    unrated_minor: int


class RollTold(Told):
    """Where what stood in one stage of arrears stood a month later, in the order of `roll_to`."""

    stage: str
    loans: int
    outstanding_minor: int
    to_loans: list[int]
    to_minor: list[int]
    to_rates: list[float]


class LimitUseTold(Told):
    """What a borrower has of a product against the limit of the partner's latest approval."""

    obligor_id: str
    product: str
    limit_minor: int | None
    outstanding_minor: int
    limit_utilization_ratio: float | None
    over_minor: int


class ClusterMonthTold(Told):
    """How a cluster's machines worked in a month; `index` is chained over firms that are in both months."""

    month: str
    firms: int
    machines: int
    observed_hours: float
    operating_rate: float | None
    index: float | None
    matched_firms: int


class PortfolioTold(Told):
    """A lender's book. `rests_on` says of how many borrowers each source tells, how many of them consented after the
    instant (`consented_since`), and how many limits were decided after it (`limits_decided_since`)."""

    as_of: datetime
    partner_id: str
    lender_id: str | None
    day: date
    currency: str
    whole: BookLineTold
    by_product: list[BookLineTold]
    by_grade: list[BookLineTold]
    by_industry: list[BookLineTold]
    core_enterprises: ConcentrationTold
    obligors: ConcentrationTold
    vintages: list[VintageTold]
    months: list[MonthEndTold]
    rolls: list[RollTold]
    roll_to: list[str]
    limits: list[LimitUseTold]
    clusters: dict[str, list[ClusterMonthTold]]
    data_origin: DataOrigin
    facilities_in_other_currencies: int
    rests_on: dict[str, int]
    parameters_version: str


class PortfolioAnswer(Told):
    """A portfolio report."""

    portfolio: PortfolioTold
    livemode: bool
