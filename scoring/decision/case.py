"""All that the rules of the credit policy may look at, gathered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.snapshot import FeatureSnapshot
from scoring.credit.limit import ProductTerms
from scoring.credit.master_scale import MasterScale
from scoring.credit.trust_terms import TrustTerms
from scoring.governance import ModelMandate
from scoring.records import (
    CreditRequest,
    Limit,
    Outcome,
    Price,
    RatingGrade,
    ScoreRecord,
    TenorBound,
    UsagePlan,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffs:
    """The worst grade that is approved, and the worst that a person may still look at."""

    approve_to: RatingGrade
    refer_to: RatingGrade

    def outcome(self, grade: RatingGrade, scale: MasterScale) -> Outcome:
        """What a grade alone asks for."""
        if not scale.is_worse(grade, than=self.approve_to):
            return Outcome.APPROVE
        return Outcome.DECLINE if scale.is_worse(grade, than=self.refer_to) else Outcome.REFER


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request with everything that was concluded about it, before the rules.

    `mandate` is how far people answer for the model; None where nobody asked. `core_enterprise_cap_minor` is the limit
    of each core enterprise in the request's currency; None where none is set.
    """

    request: CreditRequest
    record: ScoreRecord
    snapshot: FeatureSnapshot
    limit: Limit
    price: Price
    terms: ProductTerms
    tenor_bounds: Sequence[TenorBound]
    usage_plan: UsagePlan | None
    scale: MasterScale
    cut_offs: CutOffs
    trust: TrustTerms
    mandate: ModelMandate | None
    core_enterprise_cap_minor: int | None


Values = Mapping[str, Any]
"""What a rule looked at, as plain values for the notice."""
