"""Policies as they are asked for and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import MAXIMUM_AMOUNT_MINOR, Asked, Currency, MachineName, Told, Words
from scoring.insurance.idle_cover.settlement import PayoutOutcome, Referral
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


class AnnounceShutdownAsked(Asked):
    """Days, both inclusive, on which the insured of an idle cover will not work; told before they begin."""

    step: Literal["announce_shutdown"]
    starts: Day = Field(alias="from")
    ends: Day = Field(alias="to")
    reason: Words


class SettleSeasonAsked(Asked):
    """The season of an idle cover by its index, after its last day."""

    step: Literal["settle_season"]


class DecidePayoutAsked(Asked):
    """What a person decides of a payout that was referred: all of it, or nothing."""

    step: Literal["decide_payout"]
    is_paid: bool
    reason: Words


CoverStep = EndorseAsked | BillAsked | SettleAsked | ClaimAsked | LapseAsked | RenewAsked
SeasonStep = AnnounceShutdownAsked | SettleSeasonAsked | DecidePayoutAsked
StepAsked = Annotated[CoverStep | SeasonStep, Field(discriminator="step")]


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


class PayoutWords(Told):
    """The statement of a settled season, line by line, in both languages."""

    zh: list[str]
    en: list[str]


class PayoutTold(Told):
    """The settled season of an idle cover: what it came to, what is paid (null while a person is asked), and the
    statement in words; its figures are the facts of the record `payout_settled`."""

    outcome: PayoutOutcome
    referrals: list[Referral]
    paid_minor: int | None
    statement: PayoutWords


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
    payout: PayoutTold | None = Field(description="of an idle cover whose season was settled")
    records: list[RecordTold]


class PolicyAnswer(Told):
    """A policy."""

    policy: PolicyTold
    livemode: bool


class RenewalPairAsked(Asked):
    """A policy that ends, and the stored quote of what follows."""

    policy_id: QuoteName
    quote_id: QuoteName


class RenewalRoundAsked(Asked):
    """Policies of one product and currency; with `bind` each is renewed at the premium that the round charges."""

    renewals: Annotated[tuple[RenewalPairAsked, ...], Field(min_length=1, max_length=200)]
    bind: bool = False


class FleetRatioTold(Told):
    """How far a fleet's own claims count, what they were beside those expected, and the factor on its pure premium."""

    credibility: float
    own: float | None
    factor: float


class RenewalLineTold(Told):
    """One policy's step: what expires on the same cover, what was quoted, what its own claims make of it, and what is
    charged within the caps."""

    policy_id: str
    quote_id: str
    obligor_id: str
    expiring_minor: int
    quoted_minor: int
    fleet: FleetRatioTold
    technical_minor: int
    charged_minor: int
    change_ratio: float
    next_policy_id: str | None


class RenewalRoundTold(Told):
    """A round: `off_balance` multiplies every technical premium before its cap, `unbalanced_minor` is what the caps
    leave of the technical premiums for later renewals."""

    product: InsuranceProduct
    currency: str
    is_bound: bool
    lines: list[RenewalLineTold]
    collective: float
    off_balance: float
    capped_up: int
    capped_down: int
    unbalanced_minor: int


class RenewalRoundAnswer(Told):
    """A round of renewals."""

    round: RenewalRoundTold
    livemode: bool


class SitePeriodAsked(Asked):
    """Days, both inclusive, at a kind of site that is rated."""

    site: Words
    starts: Day = Field(alias="from")
    ends: Day = Field(alias="to")


class OnDemandAsked(Asked):
    """A quote of equipment cover, whose day of a machine is the rate, and where a machine is to be covered when."""

    quote_id: QuoteName
    periods: Annotated[tuple[SitePeriodAsked, ...], Field(min_length=1, max_length=100)]


class SitePeriodTold(Told):
    """A period and its premium."""

    site: str
    starts: date = Field(alias="from")
    ends: date = Field(alias="to")
    relativity: float
    premium_minor: int


class OnDemandTold(Told):
    """Cover of one machine by days and site: the rate of a day at its usual site, and each period's premium."""

    quote_id: str
    obligor_id: str
    currency: str
    daily_rate_minor: float
    minimum_minor: int
    periods: list[SitePeriodTold]
    premium_minor: int


class OnDemandAnswer(Told):
    """A price of cover on demand; it is kept nowhere."""

    on_demand: OnDemandTold
    livemode: bool
