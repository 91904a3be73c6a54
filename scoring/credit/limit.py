"""The limit: the least of named capacities, or no limit where one that the product needs is unknown.

What production can repay is asked three times, of parts counted, of energy used and of hours executed, because each can
be forged or broken alone; the least stands. Service of debt that this platform does not know of is not deducted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from features.snapshot import FeatureSnapshot, Missing
from scoring.credit.price import price_inputs, waterfall
from scoring.credit.trust_terms import trust_terms
from scoring.errors import ProductNotOffered
from scoring.money import exact, to_minor
from scoring.records import Capacity, CreditProduct, CreditRequest, Limit, ScoreRecord

MONTHS_A_YEAR = 12
CURRENCY_NOT_SUPPORTED = "currency_not_supported"

REVENUE_QUANTITIES = {
    "cash_flow_units": "revenue_by_counters_minor_365d",
    "cash_flow_energy": "revenue_by_energy_minor_365d",
    "cash_flow_hours": "revenue_by_hours_minor_365d",
}
ORDERS_QUANTITY = "open_orders_amount_minor_365d"
UNSOURCED = ("receivables", "collateral", "inventory")
"""Capacities that no source tells yet: always unknown, so that products resting on them are referred. What a machine
was worth when it was declared is not what it would fetch."""

ALWAYS_MANDATORY = ("expected_loss_budget", "single_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A quantity with a value: the least that it can be."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTerms:
    """Terms of a credit product: capacities without which its limit is unknown, and its longest tenor."""

    mandatory: tuple[str, ...]
    maximum_tenor_months: int


def product_terms(product: CreditProduct, values: Mapping[str, Any]) -> ProductTerms:
    """Terms of parameter `products`. Raises ProductNotOffered where it has none."""
    terms = values["products"].get(product.value)
    if terms is None:
        raise ProductNotOffered(f"No terms are set for {product.value}.", hint="Add it to parameters/products.yaml.")
    return ProductTerms(
        mandatory=(*terms["mandatory"], *ALWAYS_MANDATORY), maximum_tenor_months=terms["maximum_tenor_months"]
    )


def limit(snapshot: FeatureSnapshot, request: CreditRequest, record: ScoreRecord, values: Mapping[str, Any]) -> Limit:
    """The limit of one request: the least of its capacities. `values` are the parameters in force."""
    return least(capacities(snapshot, request, record, values))


def least(capacities_: Sequence[Capacity]) -> Limit:
    """The least known capacity, as limit where every mandatory one is known, else as an indication only."""
    known = [(capacity.amount_minor, capacity.name) for capacity in capacities_ if capacity.amount_minor is not None]
    amount, binding = min(known, key=lambda item: item[0], default=(None, None))
    is_complete = all(capacity.amount_minor is not None for capacity in capacities_ if capacity.mandatory)
    return Limit(
        limit_minor=amount if is_complete else None,
        indicative_limit_minor=amount,
        binding=binding,
        capacities=tuple(capacities_),
    )


def capacities(
    snapshot: FeatureSnapshot, request: CreditRequest, record: ScoreRecord, values: Mapping[str, Any]
) -> tuple[Capacity, ...]:
    """Every capacity by name, in minor units of the request's currency, known or with the reason why not.

    The upper end of the PD interval decides the loss budget and the rate at which debt is repaid; what production tells
    counts at the least that it can be, less the haircut of its trust. Amounts in another currency than the parameters'
    are unknown rather than converted.
    """
    terms = product_terms(request.product, values)
    rate, _ = waterfall(
        record.pd_12m_upper, exact(values["lgd"][request.product.value]), price_inputs(values["price_inputs"])
    )
    annuity = annuity_factor(annual_rate=rate, months=min(request.tenor_months, terms.maximum_tenor_months))
    told = {
        **_production(snapshot, request.currency, annuity, values),
        "orders": _advance_on_orders(snapshot, request.currency, values),
    }
    amounts: dict[str, int | str] = {
        **_less(trust_terms(snapshot.data_trust, values).haircut, told),
        **dict.fromkeys(UNSOURCED, Missing.NO_SOURCE.value),
        **_caps(request, record, values),
    }
    return tuple(
        Capacity(
            name=name,
            amount_minor=amount if isinstance(amount, int) else None,
            mandatory=name in terms.mandatory,
            missing=amount if isinstance(amount, str) else None,
        )
        for name, amount in amounts.items()
    )


def annuity_factor(*, annual_rate: Decimal, months: int) -> Decimal:
    """Amount that one unit a month repays over `months` at a nominal annual rate with monthly interest."""
    monthly = annual_rate / MONTHS_A_YEAR
    if monthly == 0:
        return Decimal(months)
    return (1 - (1 + monthly) ** -months) / monthly


def cash_flow_capacity(
    *, annual_revenue_minor: Decimal, margin_share: Decimal, stress_haircut: Decimal, cover: Decimal, annuity: Decimal
) -> int:
    """Debt, in minor units, that a year of production can carry.

    revenue x margin x (1 - stress) / cover is a year's debt service; a twelfth of it a month repays `annuity` times.
    """
    debt_service = annual_revenue_minor * margin_share * (1 - stress_haircut) / cover
    return max(0, to_minor(debt_service / MONTHS_A_YEAR * annuity))


def _production(
    snapshot: FeatureSnapshot, currency: str, annuity: Decimal, values: Mapping[str, Any]
) -> dict[str, int | str]:
    terms = values["cash_flow"]

    def capacity(quantity: str) -> int | str:
        revenue = _money(snapshot, quantity, currency)
        if isinstance(revenue, str):
            return revenue
        return cash_flow_capacity(
            annual_revenue_minor=revenue,
            margin_share=exact(_margin_share(snapshot.industry_division, terms["margin_share"])),
            stress_haircut=exact(terms["stress_haircut"]),
            cover=exact(terms["debt_service_cover"]),
            annuity=annuity,
        )

    return {name: capacity(quantity) for name, quantity in REVENUE_QUANTITIES.items()}


def _less(haircut: Decimal, amounts: Mapping[str, int | str]) -> dict[str, int | str]:
    """Known amounts less the haircut."""
    return {
        name: amount if isinstance(amount, str) else to_minor(amount * (1 - haircut))
        for name, amount in amounts.items()
    }


def _margin_share(division: str | None, shares: Mapping[str, float]) -> float:
    """The division's share; where it is not known which, the least of all."""
    return min(shares.values()) if division is None else shares.get(division, shares["default"])


def _advance_on_orders(snapshot: FeatureSnapshot, currency: str, values: Mapping[str, Any]) -> int | str:
    open_orders = _money(snapshot, ORDERS_QUANTITY, currency)
    return open_orders if isinstance(open_orders, str) else to_minor(open_orders * exact(values["advance_rate_orders"]))


def _caps(request: CreditRequest, record: ScoreRecord, values: Mapping[str, Any]) -> dict[str, int | str]:
    budgets, caps = values["expected_loss_budget"], values["single_name_cap"]
    if request.currency not in budgets or request.currency not in caps:
        return dict.fromkeys(ALWAYS_MANDATORY, CURRENCY_NOT_SUPPORTED)
    loss_share = exact(record.pd_12m_upper) * exact(values["lgd"][request.product.value])
    return {
        "expected_loss_budget": to_minor(exact(budgets[request.currency]) / loss_share),
        "single_name": int(caps[request.currency]),
    }


def _money(snapshot: FeatureSnapshot, name: str, currency: str) -> Decimal | str:
    """An amount in minor units of `currency`, or the reason why it is not known in it."""
    quantity = _known(snapshot, name)
    if isinstance(quantity, str):
        return quantity
    return exact(quantity.value) if quantity.unit == f"{currency}_minor" else CURRENCY_NOT_SUPPORTED


def _known(snapshot: FeatureSnapshot, name: str) -> _Known | str:
    """A quantity of the snapshot that has a value, or the reason why there is none."""
    quantity = snapshot.quantities.get(name)
    if quantity is None:
        return Missing.NO_SOURCE.value
    if quantity.value is None:
        assert quantity.missing is not None
        return quantity.missing.value
    if quantity.adverse_value is None or (quantity.value > 0 and quantity.adverse_value == 0):
        # What was not observed could have been nothing: there is no telling.
        return Missing.NOT_OBSERVED.value
    return _Known(value=quantity.adverse_value, unit=quantity.unit)
