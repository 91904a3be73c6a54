"""Questions about loans, and recommendations as they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.http.shapes import AmountMinor, Asked, Currency, ObligorCode, Told, UtcInstant
from api.scores.schemas import FullScoreTold
from scoring.records import CreditProduct, Outcome


class CreditDecisionRequest(Asked):
    """What a lender asks. With `as_of` the answer rests on what was known then; otherwise on the latest stored
    snapshot, or on one taken now (`snapshot: fresh`)."""

    obligor_id: ObligorCode
    product: CreditProduct
    amount_minor: AmountMinor
    currency: Currency
    tenor_months: Annotated[int, Field(ge=1, le=360)]
    as_of: UtcInstant | None = None
    snapshot: Literal["latest", "fresh"] = "latest"


class FindingTold(Told):
    """What one policy rule found."""

    rule_id: str
    outcome: Outcome
    values: dict[str, Any]


class CapacityTold(Told):
    """One ceiling on the limit; `amount_minor` is null where it is not known, with the reason in `missing`."""

    name: str
    amount_minor: int | None
    mandatory: bool
    missing: str | None


class PriceLineTold(Told):
    """One step of the price waterfall."""

    name: str
    annual_rate_ratio: float


class DecisionWordsTold(Told):
    """The decision in sentences of one language."""

    reasons: list[str]
    findings: list[str]
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
    requested_tenor_months: int
    tenor_months: int
    limit_minor: int | None
    indicative_limit_minor: int | None
    binding_capacity: str | None
    capacities: list[CapacityTold]
    annual_rate_ratio: float
    price_lines: list[PriceLineTold]
    ceiling_ratio: float
    lgd_ratio: float
    expected_loss_minor: int
    findings: list[FindingTold]
    policy_version: str
    narrative: DecisionNarrativeTold
    wording_version: str
    livemode: bool


class CreditDecisionAnswer(Told):
    """A recommendation, and how old the snapshot was that it was made from."""

    decision: CreditDecisionTold
    snapshot_age_seconds: int = Field(ge=0)
    livemode: bool
