"""What machines are worth to a lender: now by age, hours and condition, later by the hours they will work, and when
sold in a hurry after a default.

V(t) = V0 x brand x exp(-a x years - h x hours / 1000) x q x index, with the condition q = exp(-k1 x excess failure
rate - k2 x overload share) held above its worst. Age and hours of an obligor's fleet are in the snapshot's
`fleet_value_now_minor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from scoring.credit.quantities import known_money
from scoring.records import CollateralBasis, CreditProduct, CreditRequest, FinancedAsset

DAYS_A_MONTH = 365.0 / 12
HOURS_A_DAY = 24.0
FLEET_QUANTITY = "fleet_value_now_minor"
SECURED_QUANTITY = "secured_debt_minor"
FAILURE_FEATURE = "failure_rate_90d"
HOURS_FEATURE = "executing_hours_per_day_90d"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralTerms:
    """Parameter `collateral`: rates of wear a year and per 1,000 hours, brand and index ratios, what a failure per
    1,000 hours above the expected and a share of overload take, and how a repossessed machine is turned into
    money."""

    per_year: float
    per_1000_hours: float
    brand_ratio: float
    index_ratio: float
    expected_failures_per_1000_hours: float
    per_excess_failure: float
    per_overload_share: float
    overload_from_hours_a_day: float
    worst_condition: float
    repossession_probability: float
    forced_sale_discount: float
    sale_cost_ratio: float
    months_to_sale: int
    discount_rate: float
    stressed_index_ratio: float
    economic_life_hours: float
    ltv_cap: Mapping[str, float]

    def later(self, value: float, *, months: float, hours_a_month: float) -> float:
        """A value after so many months of work."""
        return value * math.exp(-(self.per_year / 12 + self.per_1000_hours * hours_a_month / 1000) * months)

    def value(self, asset: FinancedAsset) -> float:
        """What the asset to be financed is worth by its age and hours, from its value when new."""
        wear = self.per_year * asset.age_years + self.per_1000_hours * asset.hours / 1000
        return asset.value_new_minor * self.brand_ratio * self.index_ratio * math.exp(-wear)

    def condition(self, *, failures_per_1000_hours: float | None, hours_a_day: float | None) -> float:
        """The ratio q, at its worst where one of them is not known."""
        if failures_per_1000_hours is None or hours_a_day is None:
            return self.worst_condition
        excess = max(failures_per_1000_hours - self.expected_failures_per_1000_hours, 0.0)
        overload = max(hours_a_day - self.overload_from_hours_a_day, 0.0) / (
            HOURS_A_DAY - self.overload_from_hours_a_day
        )
        return max(
            math.exp(-self.per_excess_failure * excess - self.per_overload_share * overload), self.worst_condition
        )

    def recovery(self, value: float, *, hours_a_month: float) -> float:
        """What is expected of a machine worth `value` at default: present value of its forced sale under stress."""
        sold = self.later(value, months=self.months_to_sale, hours_a_month=hours_a_month) * self.stressed_index_ratio
        proceeds = sold * (1 - self.forced_sale_discount) * (1 - self.sale_cost_ratio)
        return self.repossession_probability * proceeds / math.pow(1 + self.discount_rate, self.months_to_sale / 12)


def collateral_terms(values: Mapping[str, Any]) -> CollateralTerms:
    """The terms of parameter `collateral`."""
    return CollateralTerms(**values["collateral"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """The machines that secure a facility: their value now, the hours a month that each may work and is planned to, and
    claims that go before.

    `missing` says why the value is not known.
    """

    basis: CollateralBasis
    value_minor: float | None
    condition: float
    hours_a_month: float
    planned_hours_a_month: float
    senior_minor: float
    missing: str | None

    @property
    def free_minor(self) -> float | None:
        """What is left of the value after the claims that go before."""
        return None if self.value_minor is None else max(self.value_minor - self.senior_minor, 0.0)


def collateral(snapshot: FeatureSnapshot, request: CreditRequest, values: Mapping[str, Any]) -> Collateral | None:
    """What secures the request: the asset to be financed, else the obligor's fleet less what it secures already; None
    for a product that takes no security. Everything counts at the least that it can be worth, no gap excused."""
    terms = collateral_terms(values)
    if request.product.value not in terms.ltv_cap:
        return None
    most, planned = _hours_a_month(snapshot, request.asset, values)
    if request.asset is not None:
        return Collateral(
            basis=CollateralBasis.ASSET,
            value_minor=min(terms.value(request.asset), float(request.asset.price_minor)),
            condition=1.0,
            hours_a_month=most,
            planned_hours_a_month=planned,
            senior_minor=0.0,
            missing=None,
        )
    failures = snapshot.values.get(FAILURE_FEATURE)
    condition = terms.condition(
        failures_per_1000_hours=None if failures is None else failures.unexcused_value,
        hours_a_day=highest(snapshot.values.get(HOURS_FEATURE)),
    )
    value = known_money(snapshot, FLEET_QUANTITY, request.currency)
    senior = known_money(snapshot, SECURED_QUANTITY, request.currency)
    worth = None if isinstance(value, str) else float(value) * condition * terms.brand_ratio * terms.index_ratio
    return Collateral(
        basis=CollateralBasis.FLEET,
        value_minor=worth,
        condition=condition,
        hours_a_month=most,
        planned_hours_a_month=planned,
        senior_minor=0.0 if isinstance(senior, str) else float(senior),
        missing=value if isinstance(value, str) else None,
    )


def _hours_a_month(
    snapshot: FeatureSnapshot, asset: FinancedAsset | None, values: Mapping[str, Any]
) -> tuple[float, float]:
    """The most that a machine may work a month, for its wear, and what it is planned to: as said of the asset, else
    as the obligor's machines do; where that is not known, around the clock and as parameter `usage_terms` says."""
    if asset is not None and asset.hours_a_month is not None:
        return asset.hours_a_month, asset.hours_a_month
    known = snapshot.values.get(HOURS_FEATURE)
    most = highest(known)
    observed = None if known is None else known.value
    planned = values["usage_terms"]["unknown_hours_a_month"] if observed is None else observed * DAYS_A_MONTH
    return (HOURS_A_DAY if most is None else most) * DAYS_A_MONTH, max(float(planned), 1.0)


def secures(product: CreditProduct, values: Mapping[str, Any]) -> bool:
    """Whether machines secure the product."""
    return product.value in values["collateral"]["ltv_cap"]


def highest(feature: FeatureValue | None) -> float | None:
    """The highest that a feature of which less is worse can be; None where nothing is ruled out."""
    return None if feature is None else feature.favourable_value
