"""Questions about loans, and recommendations as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.chain.schemas import FirmName, ReceivablesAsked, StockAsked
from api.credit_decisions.asked import AssetAsked, FactsAsked
from api.http.shapes import AmountMinor, Asked, Currency, ObligorCode, Told, UtcInstant
from api.scores.schemas import FullScoreTold, ReadingsTold
from scoring.records import CollateralBasis, CreditProduct, Layer, Outcome, Stage

MOST_SUPPLIERS = 200


class OrderAsked(Asked):
    """The order that purchase-order finance is asked for, what its buyer said of it, what the whole of it costs to make
    (nothing above it is advanced), and from whom its material is bought, as was agreed: the lender's word."""

    order_id: Annotated[str, Field(min_length=1, max_length=200)]
    is_accepted: bool = False
    inspected_units: Annotated[int, Field(ge=0)] | None = None
    cost_minor: AmountMinor | None = None
    material_suppliers: Annotated[tuple[FirmName, ...], Field(max_length=MOST_SUPPLIERS)] = ()


class CreditDecisionRequest(Asked):
    """What a lender asks. With `as_of` the answer rests on what was known then; otherwise on the latest stored
    snapshot, or on one taken now (`snapshot: fresh`). `facts` knock out, cap or refer, and never improve an answer."""

    obligor_id: ObligorCode
    product: CreditProduct
    amount_minor: AmountMinor
    currency: Currency
    tenor_months: Annotated[int, Field(ge=1, le=360)]
    asset: AssetAsked | None = None
    facts: FactsAsked = FactsAsked()
    order: OrderAsked | None = None
    stock: StockAsked | None = None
    receivables: ReceivablesAsked | None = None
    as_of: UtcInstant | None = None
    snapshot: Literal["latest", "fresh"] = "latest"


class FindingTold(Told):
    """What one policy rule found."""

    rule_id: str
    layer: Layer
    outcome: Outcome
    values: dict[str, Any]


class CapacityTold(Told):
    """One ceiling on the limit; `amount_minor` is null where it is not known, with the reason in `missing`."""

    name: str
    amount_minor: int | None
    mandatory: bool
    missing: str | None


class PriceLineTold(Told):
    """One step of the price waterfall; `amount_minor` is that of a year's interest on the amount asked for."""

    name: str
    annual_rate_ratio: float
    amount_minor: int


class SecurityTold(Told):
    """The machines behind the facility: their value now, the loan against it, and what their sale is expected to
    bring."""

    basis: CollateralBasis
    value_minor: int | None
    senior_minor: int
    condition_ratio: float
    live_ltv_ratio: float | None
    recovery_minor: int | None
    missing: str | None


class TenorBoundTold(Told):
    """One ceiling on the tenor, in months."""

    name: str
    months: int


class CovenantTold(Told):
    """A promise that machines can check."""

    name: str
    feature: str
    comparison: Literal["at_least", "at_most"]
    threshold: float
    observed: float | None
    unit: str


class InstalmentsTold(Told):
    """Level instalments over the advised tenor; with the last one they are the amount and the interest, exactly."""

    months: int
    instalment_minor: int
    last_instalment_minor: int
    interest_minor: int


class UsagePlanTold(Told):
    """Instalments by use: a floor a month and a price an hour; how long it takes as planned, and at the floor alone."""

    floor_minor: int
    per_hour_minor: int
    planned_hours_a_month: float
    months_if_planned: int
    months_at_floor: int
    owed_at_floor_minor: int
    longest_months: int


class ProvisionTold(Told):
    """What the exposure costs under IFRS 9; the stage is a hint."""

    stage_hint: Stage
    lifetime_pd: float = Field(ge=0, le=1)
    expected_credit_loss_12m_minor: int
    expected_credit_loss_lifetime_minor: int


class DecisionWordsTold(ReadingsTold):
    """The decision in sentences of one language."""

    findings: list[str]
    covenants: list[str]
    facts: list[str]


class DecisionNarrativeTold(Told):
    """The decision in sentences of both languages."""

    zh: DecisionWordsTold
    en: DecisionWordsTold


class CreditDecisionTold(FullScoreTold):
    """A recommendation: outcome, limit, price, tenor, every rule's finding, the score that it rests on, and why."""

    decision_id: str
    partner: str
    outcome: Outcome
    product: CreditProduct
    amount_minor: int
    currency: str
    asset: dict[str, Any] | None
    facts: dict[str, Any]
    requested_tenor_months: int
    tenor_months: int
    tenor_bounds: list[TenorBoundTold]
    limit_minor: int | None
    indicative_limit_minor: int | None
    binding_capacity: str | None
    capacities: list[CapacityTold]
    annual_rate_ratio: float
    price_lines: list[PriceLineTold]
    ceiling_ratio: float
    capital_ratio: float
    raroc_ratio: float
    lgd_ratio: float
    exposure_at_default_minor: int
    expected_loss_minor: int
    security: SecurityTold | None
    covenants: list[CovenantTold]
    instalments: InstalmentsTold
    usage_plan: UsagePlanTold | None
    provision: ProvisionTold
    valid_until: datetime
    findings: list[FindingTold]
    policy_version: str
    narrative: DecisionNarrativeTold
    wording_version: str
    livemode: bool


class CreditDecisionAnswer(Told):
    """A recommendation, and how old the snapshot was that it was made from.

    `terms` is what a product of the chain rests on: receivables line by line, an order's tranches, leased machines,
    stock. It is told from the ledgers as of the decision's time and kept beside the decision,
    which follows from none of it but the count of stock; what was told last is read with it.
    """

    decision: CreditDecisionTold
    terms: dict[str, Any] | None
    snapshot_age_seconds: int = Field(ge=0)
    livemode: bool
