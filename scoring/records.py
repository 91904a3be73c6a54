"""What we conclude and what we advise: frozen values that carry the versions of what they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, NewType

from data_contracts.identifiers import MachineUid, ModelVersion, ObligorId, ParametersVersion, SnapshotId
from data_contracts.vocabulary import DataOrigin
from scoring.core_enterprises import OnCoreEnterprises
from scoring.cover_basis import DecidedFacility, HeldWarranty
from scoring.facts import NO_FACTS, LenderFacts
from scoring.stock import StockHeld
from scoring.unfamiliar import Familiarity

RatingGrade = NewType("RatingGrade", str)
"""R1 (best) to R13, and D."""

ReasonCode = NewType("ReasonCode", str)
RuleId = NewType("RuleId", str)


class ScoreSource(StrEnum):
    """What a probability of default rests on."""

    MODEL = "model"
    THIN_HISTORY = "thin_history"
    POLICY_FLOOR = "policy_floor"
    OVERRIDE = "override"


class Outcome(StrEnum):
    """Outcome of a credit decision, from mild to severe."""

    APPROVE = "approve"
    REFER = "refer"
    DECLINE = "decline"

    @property
    def severity(self) -> int:
        """0 for the mildest."""
        return list(Outcome).index(self)


class CreditProduct(StrEnum):
    """Facilities that a lender may ask about."""

    WORKING_CAPITAL = "working_capital"
    EQUIPMENT_LOAN = "equipment_loan"
    FINANCE_LEASE = "finance_lease"
    USAGE_INSTALMENT = "usage_instalment"
    RECEIVABLES = "receivables"
    PURCHASE_ORDER = "purchase_order"
    INVENTORY = "inventory"


class CollateralBasis(StrEnum):
    """Which machines secure a facility."""

    FLEET = "fleet"
    ASSET = "asset"


class Layer(StrEnum):
    """Which part of the policy a rule belongs to, in order of precedence. Knock-outs owe nothing to the model."""

    KNOCK_OUT = "knock_out"
    DATA = "data"
    FACTS = "facts"
    SCORE = "score"
    LIMIT = "limit"
    PRICE = "price"
    TERMS = "terms"


class InsuranceProduct(StrEnum):
    """Covers that an insurer may ask about."""

    EQUIPMENT_UBI = "equipment_ubi"
    EXTENDED_WARRANTY = "extended_warranty"
    IDLE_COVER = "idle_cover"
    GUARANTEE = "guarantee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """How far one feature moved the margin, in log-odds (credit) or log-frequency (insurance)."""

    feature: str
    family: str
    value: float | None
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A family's pull on the score, led by its most telling feature. The sentence is made in risk_reports.wording.

    `contribution` is the family's sum; `direction` is "adverse" or "favourable"; `feature` the named feature with its
    `value` and `unit`; `reference_value` the median of the reference group; `change` by how much the value exceeds the
    obligor's own over the longest window of that feature (None for the longest itself, and where one is not known).
    """

    code: ReasonCode
    family: str
    direction: str
    contribution: float
    feature: str
    value: float | None
    reference_value: float | None
    unit: str
    window_days: int | None
    change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PdStep:
    """The probability of default after one named step on its way from the margin to `pd_12m`."""

    name: str
    pd_12m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TermStructure:
    """When a default comes: `cumulative_pd[s - 1]` is the probability of default by the end of month s after `as_of`.

    Month 12 is the record's `pd_12m`. `observed_months` says over how many months outcomes were watched when the shape
    was fitted: later months are extrapolated; 0 means that no shape is known and the hazard is taken as constant.
    `scoring.credit.term_structure.moved_to` gives the curve of the same shape for another PD, such as the upper end.
    """

    cumulative_pd: Sequence[float]
    observed_months: int

    def pd(self, months: int) -> float:
        """The probability of default within so many months."""
        assert 0 <= months <= len(self.cumulative_pd), f"the curve has {len(self.cumulative_pd)} months, not {months}"
        return self.cumulative_pd[months - 1] if months else 0.0

    @property
    def monthly_pd(self) -> tuple[float, ...]:
        """The probability that the default falls in each month; all of them sum to the last cumulative one."""
        return tuple(after - before for before, after in pairwise((0.0, *self.cumulative_pd)))

    @property
    def hazards(self) -> tuple[float, ...]:
        """The probability of default in each month of those who have come so far.

        Where default is certain by the end of a month its hazard is 1, and it is the last one: nobody comes to a later
        month, of whom a hazard could speak.
        """
        months = pairwise((0.0, *self.cumulative_pd))
        return tuple((after - before) / (1 - before) for before, after in months if before < 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """A probability of default with everything needed to check and replay it.

    `pd_model` is the calibrated margin; `pd_steps` lead from it (or from an industry's prior) to `pd_12m`;
    `term_structure` spreads it over the months. `familiarity` says whether the model was taught on anything like it
    (None where no model was asked, or it does not know); the finding of rule K06 tells of it.
    """

    obligor_id: ObligorId
    as_of: datetime
    source: ScoreSource
    base_log_odds: float | None
    margin: float | None
    contributions: Sequence[Contribution]
    pd_model: float | None
    pd_steps: Sequence[PdStep]
    pd_12m: float
    pd_12m_lower: float
    pd_12m_upper: float
    term_structure: TermStructure
    rating_grade: RatingGrade
    score_points: float
    reasons: Sequence[Reason]
    snapshot_id: SnapshotId
    model_version: ModelVersion | None
    parameters_version: ParametersVersion
    data_origin: DataOrigin
    familiarity: Familiarity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancedAsset:
    """The machine that a facility is to pay for: its value when new, the price asked for it, its age and hours, and the
    hours a month that it will work (None: as many as the obligor's machines do)."""

    value_new_minor: int
    price_minor: int
    age_years: float
    hours: float
    hours_a_month: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRequest:
    """What a lender asks for, and what it brings: the asset to be financed, facts of its own, what it has on the
    applicant's buyers (None where nobody told under which name it stands in the ledgers), and the stock that it counted
    (None where it did not)."""

    obligor_id: ObligorId
    product: CreditProduct
    amount_minor: int
    currency: str
    tenor_months: int
    as_of: datetime
    asset: FinancedAsset | None = None
    facts: LenderFacts = NO_FACTS
    on_core_enterprises: OnCoreEnterprises | None = None
    stock: StockHeld | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one policy rule found: its stable id, its layer, the outcome it asks for, and the values it looked at."""

    rule_id: RuleId
    layer: Layer
    outcome: Outcome
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """One ceiling on the limit. `amount_minor` is None where it is not known, with the reason in `missing`."""

    name: str
    amount_minor: int | None
    mandatory: bool
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The least of the named capacities, or None where a mandatory one is unknown, with an indication beside it."""

    limit_minor: int | None
    indicative_limit_minor: int | None
    binding: str | None
    capacities: Sequence[Capacity]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One step of the price waterfall, as a share of the drawn amount a year; and of the amount asked for, in minor
    units a year."""

    name: str
    annual_rate_ratio: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A nominal annual rate and the lines that sum to it exactly, as rates and as minor units of a year's interest.

    `ceiling_ratio` is the legal one. `lgd_ratio` is that of the amount asked for, `lgd_at_ceiling_ratio` the loss given
    default at which the rate would be the ceiling (None where none would do, not even 0), `raroc_ratio` the return on
    capital after tax.
    """

    annual_rate_ratio: Decimal
    lines: Sequence[PriceLine]
    ceiling_ratio: Decimal
    lgd_ratio: Decimal
    lgd_at_ceiling_ratio: Decimal | None
    capital_ratio: Decimal
    raroc_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The machines behind a facility: what they are worth now, the amount asked for (and what goes before it) against
    that, and what is expected of their sale. Amounts are None where the value is not known, for the reason
    `missing`."""

    basis: CollateralBasis
    value_minor: int | None
    senior_minor: int
    condition_ratio: float
    live_ltv_ratio: float | None
    recovery_minor: int | None
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenorBound:
    """One ceiling on the tenor, in months."""

    name: str
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covenant:
    """A promise that machines can check: the feature must stay on the right side of the threshold (`at_least` or
    `at_most`); `observed` is what it is now."""

    name: str
    feature: str
    comparison: str
    threshold: float
    observed: float | None
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalments:
    """How the amount is repaid at the price over the advised tenor: so many payments, all but the last alike, whose sum
    is the amount and the interest to the minor unit."""

    months: int
    instalment_minor: int
    last_instalment_minor: int
    interest_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlan:
    """Instalments by use: a floor a month and a price an hour, which at the planned hours are the level instalment.

    `months_if_planned` at the planned hours; at the floor alone, the months until it is repaid, or (with what is then
    still owed) the longest that is waited for.
    """

    floor_minor: int
    per_hour_minor: int
    planned_hours_a_month: float
    months_if_planned: int
    months_at_floor: int
    owed_at_floor_minor: int
    longest_months: int


class Stage(StrEnum):
    """IFRS 9 stages. A hint: the lender's own process decides."""

    STAGE_1 = "stage_1"
    STAGE_2 = "stage_2"
    STAGE_3 = "stage_3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What an exposure costs under IFRS 9: the probability of default within its life, and the expected credit loss of
    twelve months and of its life, over scenarios, in minor units."""

    stage_hint: Stage
    lifetime_pd: float
    expected_credit_loss_12m_minor: int
    expected_credit_loss_lifetime_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditDecision:
    """A lending recommendation: outcome, findings, limit, price, terms, and the score it rests on. It is good until
    `valid_until`."""

    request: CreditRequest
    outcome: Outcome
    findings: Sequence[Finding]
    limit: Limit
    price: Price
    security: Security | None
    tenor_months: int
    tenor_bounds: Sequence[TenorBound]
    covenants: Sequence[Covenant]
    instalments: Instalments
    usage_plan: UsagePlan | None
    provision: Provision
    valid_until: datetime
    score: ScoreRecord
    policy_version: ParametersVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """What an insurer asks for. Cover runs from `starts` to `ends`, both days inclusive.

    `sum_insured_minor` is the whole sum over the machines covered; an empty `machines` means all that are owned.
    `facility` is what a guarantee is of, where a decision stands behind it; `warranties` are those in force beside
    equipment cover, which pay a repair first.
    """

    obligor_id: ObligorId
    product: InsuranceProduct
    sum_insured_minor: int
    currency: str
    starts: date
    ends: date
    machines: Sequence[MachineUid]
    as_of: datetime
    facility: DecidedFacility | None = None
    warranties: tuple[HeldWarranty, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relativity:
    """One factor of the bill: a family's exp(contribution) on the base frequency, averaged over the machines."""

    name: str
    relativity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One loading of the premium; pure premium and loadings sum to the gross premium to the minor unit."""

    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFrequency:
    """Expected claims of one machine a year of cover, and why."""

    machine_uid: MachineUid
    claim_frequency_per_machine_year: float
    contributions: Sequence[Contribution]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledPrice:
    """The quoted rate beside the model's: what was filed, under which number, and what its bounds made of it.

    `product` is that of the relativities as held by the bounds and by `trust_floor`, the least that the data's
    `trust_grade` allows (the mean over machines where there are several); `filed_rate` the rate that is charged;
    `model_rate` what the model says, which is shown and not charged. `cost_share` is what a claim costs as a share of
    what is insured. `distilled_from` names the model that the table says in short, `is_of_model` whether that is the
    one that answers: a promoted model does not move what was filed. Both are None where people set the table.
    """

    filing_number: str
    tariff_version: str
    effective: str
    distilled_from: str | None
    is_of_model: bool | None
    lowest: float
    highest: float
    trust_grade: str
    trust_floor: float
    cost_share: float
    product: float
    filed_rate: float
    model_rate: float

    @property
    def difference_ratio(self) -> float:
        """What the model says beyond the filed rate, as a share of it."""
        return self.model_rate / self.filed_rate - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumQuote:
    """A premium: exposure x frequency x severity = pure premium, plus loadings = gross premium, line by line. The lines
    of `risk` (attritional claims, trend, what a warranty pays first, large losses) sum to the pure premium.

    `claim_frequency_per_machine_year` is the filed rate, base x factors: claims a machine-year; for idle cover the
    chance of a payout and for a guarantee of a default, a year of cover. `valid_until` is when it can last be bound.
    """

    request: QuoteRequest
    earned_exposure_machine_years: float
    claim_frequency_per_machine_year: float
    claim_severity_minor: int
    pure_premium_minor: int
    gross_premium_minor: int
    base_frequency: float
    factors: Sequence[Relativity]
    risk: Sequence[BillLine]
    loadings: Sequence[BillLine]
    reasons: Sequence[Reason]
    machines: Sequence[MachineFrequency]
    filed: FiledPrice
    valid_until: datetime
    snapshot_id: SnapshotId
    model_version: ModelVersion
    parameters_version: ParametersVersion
    data_origin: DataOrigin
