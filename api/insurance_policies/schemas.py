"""Policies as they are asked for and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import MAXIMUM_AMOUNT_MINOR, Asked, Currency, MachineName, Told, Words
from scoring.insurance.policy_life import Step
from scoring.records import InsuranceProduct

Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]
QuoteName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
Machines = Annotated[tuple[MachineName, ...], Field(max_length=1000)]


class BindAsked(Asked):
    """The quote that becomes a policy."""

    quote_id: QuoteName


class EndorseAsked(Asked):
    """Machines in and out from a day on (a machine sold ends its cover)."""

    step: Literal["endorse"]
    effective: Day
    added: Machines = ()
    removed: Machines = ()
    reason: Words


class BillAsked(Asked):
    """A calendar month, named by any of its days, billed by the hours that telemetry tells of."""

    step: Literal["bill"]
    month: Day


class SettleAsked(Asked):
    """The hours of the whole term, after it."""

    step: Literal["true_up"]


class ClaimAsked(Asked):
    """First notice of a loss; without `machine_uid` of a cover of the firm."""

    step: Literal["claim"]
    day: Day
    machine_uid: MachineName | None = None
    amount_minor: Annotated[int, Field(ge=0, le=MAXIMUM_AMOUNT_MINOR)]
    currency: Currency


class LapseAsked(Asked):
    """The end of cover before a day."""

    step: Literal["lapse"]
    effective: Day
    reason: Words


class RenewAsked(Asked):
    """The quote of what follows."""

    step: Literal["renew"]
    quote_id: QuoteName


StepAsked = Annotated[
    EndorseAsked | BillAsked | SettleAsked | ClaimAsked | LapseAsked | RenewAsked, Field(discriminator="step")
]


class RecordAsked(Asked):
    """What is to be appended."""

    record: StepAsked


class CoverTold(Told):
    """A machine (null: the firm) and the days on which it is covered, both inclusive."""

    machine_uid: str | None
    starts: date = Field(alias="from")
    ends: date = Field(alias="to")


class RecordTold(Told):
    """One record, and what it says."""

    record_id: str
    step: Step
    recorded_time: datetime
    recorded_by: str
    facts: dict[str, Any]


class PolicyTold(Told):
    """What the records of a policy say together, and each of them in their order."""

    policy_id: str
    quote_id: str
    obligor_id: str
    partner: str
    product: InsuranceProduct
    starts: date = Field(alias="from")
    ends: date = Field(alias="to", description="last day of cover as it stands, inclusive")
    sum_insured_minor: int
    premium_minor: int = Field(description="everything charged so far")
    deposit_minor: int | None = Field(description="of a premium by use, what is paid at inception")
    currency: str
    covers: list[CoverTold]
    is_trued_up: bool
    is_lapsed: bool
    next_policy_id: str | None
    records: list[RecordTold]


class PolicyAnswer(Told):
    """A policy."""

    policy: PolicyTold
    livemode: bool
