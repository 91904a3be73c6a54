"""The limit: the least of the capacities that count for a product, or no limit where one that it needs is unknown.

What production can repay is asked three times, of parts counted, of energy used and of hours executed, because each
can be forged or broken alone; the least stands. Debt service that is known, to the platform or to the lender, is
deducted; the greater of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from features.snapshot import FeatureSnapshot, Missing
from scoring.core_enterprises import tightest
from scoring.credit.capital import effective_maturity_years
from scoring.credit.collateral import Collateral, collateral_terms
from scoring.credit.loss import LossTerms
from scoring.credit.price import price_extras, price_inputs, waterfall
from scoring.credit.quantities import CURRENCY_NOT_SUPPORTED, known_money
from scoring.credit.schedule import balance_share
from scoring.credit.trust_terms import trust_terms
from scoring.errors import ProductNotOffered
from scoring.facts import AmountFact
from scoring.money import exact, to_minor
from scoring.records import Capacity, CreditProduct, CreditRequest, Limit, ScoreRecord

MONTHS_A_YEAR = 12

REVENUE_QUANTITIES = {
    "cash_flow_units": "revenue_by_counters_minor_365d",
    "cash_flow_energy": "revenue_by_energy_minor_365d",
    "cash_flow_hours": "revenue_by_hours_minor_365d",
}
"""The last 90 days, taken for a year: what a year is worth, in each view of production."""

LEAN_REVENUE_QUANTITIES = {name: f"lean_{quantity}" for name, quantity in REVENUE_QUANTITIES.items()}
"""A year of lean months: what a year surely brings."""

YEARS = {"last_90_days": REVENUE_QUANTITIES, "lean_months": LEAN_REVENUE_QUANTITIES}
"""Which revenue is asked what it can repay, by the `year` of parameter `cash_flow`."""

FIRST_YEAR = "last_90_days"
"""That of parameters of early releases, which name none."""

ORDERS_QUANTITY = "open_orders_amount_minor_365d"
STRONG_ORDERS_QUANTITY = "open_orders_strong_minor_365d"
WEAK_ORDERS_QUANTITY = "open_orders_weak_minor_365d"
RECEIVABLES_QUANTITY = "eligible_receivables_minor_365d"
DEBT_SERVICE_QUANTITY = "debt_service_due_minor"
DILUTION_FEATURE = "dilution_365d"

ALWAYS_MANDATORY = ("expected_loss_budget", "single_name")

Amount = int | str
"""Minor units, or the reason why they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTerms:
    """Terms of a credit product: the capacities that its limit is the least of, those of them without which it is
    unknown, and its longest tenor."""

    counts: tuple[str, ...]
    mandatory: tuple[str, ...]
    maximum_tenor_months: int


def product_terms(product: CreditProduct, values: Mapping[str, Any]) -> ProductTerms:
    """Terms of parameter `products`. Raises ProductNotOffered where it has none."""
    terms = values["products"].get(product.value)
    if terms is None:
        raise ProductNotOffered(f"No terms are set for {product.value}.", hint="Add it to parameters/products.yaml.")
    return ProductTerms(
        counts=(*terms["mandatory"], *terms["also"], *ALWAYS_MANDATORY),
        mandatory=(*terms["mandatory"], *ALWAYS_MANDATORY),
        maximum_tenor_months=terms["maximum_tenor_months"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What capacities are reckoned for: a request with its score, what secures it, and what a default would cost."""

    snapshot: FeatureSnapshot
    request: CreditRequest
    record: ScoreRecord
    security: Collateral | None
    loss: LossTerms

    @property
    def pd_12m(self) -> float:
        """The PD that decides limits: the upper end of the interval, or the lender's own where that is worse."""
        own = self.request.facts.lender_pd
        return self.record.pd_12m_upper if own is None else max(self.record.pd_12m_upper, own.pd_12m)

    def money(self, quantity: str) -> Decimal | str:
        """An amount of the snapshot in the request's currency, at its least, or why it is not known."""
        return known_money(self.snapshot, quantity, self.request.currency)


def limit(asked: Asked, values: Mapping[str, Any]) -> Limit:
    """The limit of one request: the least of its capacities. `values` are the parameters in force."""
    return least(capacities(asked, values))


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


def capacities(asked: Asked, values: Mapping[str, Any]) -> tuple[Capacity, ...]:
    """Every capacity that counts for the product by name, in minor units of the request's currency, known or with the
    reason why not.

    What production, orders and stock tell counts at the least that it can be, less the haircut of its trust.
    """
    terms = product_terms(asked.request.product, values)
    months = min(asked.request.tenor_months, terms.maximum_tenor_months)
    inputs = price_inputs(values["price_inputs"], maturity_years=effective_maturity_years(months))
    trust = trust_terms(asked.snapshot.data_trust, values)
    # Repaid at the rate that the worst PD asks for; a discount for data makes nobody able to repay more.
    extras = replace(price_extras(trust, values), data_discount=Decimal(0))
    rate, _ = waterfall(asked.pd_12m, asked.loss.lgd(asked.request.amount_minor), inputs, extras)
    amounts: dict[str, Amount] = {
        **_production(asked, annuity_factor(annual_rate=rate, months=months), trust.haircut, values),
        "orders": _advance_on_orders(asked, trust.haircut, values),
        "receivables": _advance_on_receivables(asked, values),
        "inventory": _advance_on_stock(asked.request, trust.haircut),
        "collateral": _advance_on_machines(asked, rate=float(rate), months=months, values=values),
        "core_enterprise": _on_core_enterprises(asked.request, values),
        **_caps(asked, values),
    }
    return tuple(
        Capacity(
            name=name,
            amount_minor=amount if isinstance(amount, int) else None,
            mandatory=name in terms.mandatory,
            missing=amount if isinstance(amount, str) else None,
        )
        for name, amount in amounts.items()
        if name in terms.counts
    )


def annuity_factor(*, annual_rate: Decimal, months: int) -> Decimal:
    """Amount that one unit a month repays over `months` at a nominal annual rate with monthly interest."""
    monthly = annual_rate / MONTHS_A_YEAR
    if monthly == 0:
        return Decimal(months)
    return (1 - (1 + monthly) ** -months) / monthly


def cash_flow_capacity(
    *,
    annual_revenue_minor: Decimal,
    margin_share: Decimal,
    stress_haircut: Decimal,
    cover: Decimal,
    existing_debt_service_minor: Decimal,
    annuity: Decimal,
) -> int:
    """Debt, in minor units, that a year of production can carry.

    revenue x margin x (1 - stress) / cover - debt service that exists is what a year can serve; a twelfth of it a month
    repays `annuity` times.
    """
    free = annual_revenue_minor * margin_share * (1 - stress_haircut) / cover - existing_debt_service_minor
    return max(0, to_minor(free / MONTHS_A_YEAR * annuity))


def existing_debt_service(asked: Asked) -> Decimal:
    """Debt service of a year in minor units: the greater of what the platform and what the lender know; 0 where neither
    knows any."""
    known = asked.money(DEBT_SERVICE_QUANTITY)
    told = asked.request.facts.debt_service
    platform = Decimal(0) if isinstance(known, str) else known
    return platform if told is None else max(platform, Decimal(told.amount_minor))


def receivables_advance_rate(*, dilution: Decimal, terms: Mapping[str, Any]) -> Decimal:
    """min(cap, 1 - (2 x dilution + reserve)) of parameter `advance_rates`, and never below 0."""
    return max(min(exact(terms["cap"]), 1 - (2 * dilution + exact(terms["reserve"]))), Decimal(0))


def _production(asked: Asked, annuity: Decimal, haircut: Decimal, values: Mapping[str, Any]) -> dict[str, Amount]:
    terms, told = values["cash_flow"], asked.request.facts.revenue
    margin = exact(_margin_share(asked.snapshot.industry_division, terms["margin_share"]))
    existing = existing_debt_service(asked)

    def capacity(quantity: str) -> Amount:
        """Of one view of production."""
        revenue = asked.money(quantity)
        if isinstance(revenue, str):
            return revenue
        return cash_flow_capacity(
            annual_revenue_minor=_capped(revenue * (1 - haircut), told),
            margin_share=margin,
            stress_haircut=exact(terms["stress_haircut"]),
            cover=exact(terms["debt_service_cover"]),
            existing_debt_service_minor=existing,
            annuity=annuity,
        )

    return {name: capacity(quantity) for name, quantity in YEARS[terms.get("year", FIRST_YEAR)].items()}


def _capped(revenue: Decimal, told: AmountFact | None) -> Decimal:
    """Revenue that machines tell, at most what the lender was told of it."""
    return revenue if told is None else min(revenue, Decimal(told.amount_minor))


def _margin_share(division: str | None, shares: Mapping[str, float]) -> float:
    """The division's share; where it is not known which, the least of all."""
    return min(shares.values()) if division is None else shares.get(division, shares["default"])


def _advance_on_orders(asked: Asked, haircut: Decimal, values: Mapping[str, Any]) -> Amount:
    """By the strength of the buyers; an order of a buyer that nobody rated is of neither kind."""
    every = asked.money(ORDERS_QUANTITY)
    if isinstance(every, str):
        return every
    rates = values["advance_rates"]["orders"]
    strong, weak = (
        Decimal(0) if isinstance(part, str) else part
        for part in (asked.money(STRONG_ORDERS_QUANTITY), asked.money(WEAK_ORDERS_QUANTITY))
    )
    rest = every - strong - weak
    advance = strong * exact(rates["strong"]) + rest * exact(rates["other"]) + weak * exact(rates["weak"])
    return to_minor(advance * (1 - haircut))


def _advance_on_receivables(asked: Asked, values: Mapping[str, Any]) -> Amount:
    eligible = asked.money(RECEIVABLES_QUANTITY)
    if isinstance(eligible, str):
        return eligible
    terms = values["advance_rates"]["receivables"]
    diluted = asked.snapshot.values.get(DILUTION_FEATURE)
    known = None if diluted is None else diluted.value
    dilution = exact(terms["unknown_dilution"] if known is None else known)
    return to_minor(eligible * receivables_advance_rate(dilution=dilution, terms=terms))


def _advance_on_stock(request: CreditRequest, haircut: Decimal) -> Amount:
    """What may be lent of the stock that was counted; machines tell what came to it since, no ledger what lay there."""
    stock = request.stock
    return Missing.NO_SOURCE.value if stock is None else to_minor(stock.lendable_minor * (1 - haircut))


def _advance_on_machines(asked: Asked, *, rate: float, months: int, values: Mapping[str, Any]) -> Amount:
    """The largest loan that the machines' worth covers, at the cap of loan to value, in every month of the tenor."""
    security = asked.security
    if security is None:
        return Missing.NO_BASIS.value
    if security.free_minor is None:
        assert security.missing is not None
        return security.missing
    terms = collateral_terms(values)
    cap = terms.ltv_cap[asked.request.product.value]
    covers = [
        terms.later(security.free_minor, months=month, hours_a_month=security.hours_a_month)
        / balance_share(annual_rate=rate, months=months, paid=month)
        for month in range(months)
    ]
    return to_minor(exact(cap * min(covers)))


def core_enterprise_cap(request: CreditRequest, values: Mapping[str, Any]) -> int | None:
    """The most that may lie on one core enterprise, looked through, in minor units of the request's currency; None
    where the parameters in force set none (those of early releases set none at all)."""
    cap = values.get("core_enterprise_cap", {}).get(request.currency)
    return None if cap is None else int(cap)


def _on_core_enterprises(request: CreditRequest, values: Mapping[str, Any]) -> Amount:
    """What may still be lent until the first of the applicant's buyers reaches its limit."""
    cap, known = core_enterprise_cap(request, values), request.on_core_enterprises
    if cap is None:
        return CURRENCY_NOT_SUPPORTED
    if known is None:
        return Missing.NO_SOURCE.value
    room = tightest(known, cap_minor=cap, amount_minor=request.amount_minor)
    return Missing.NO_BASIS.value if room is None else room.lendable_minor


def _caps(asked: Asked, values: Mapping[str, Any]) -> dict[str, Amount]:
    budgets, caps, currency = values["expected_loss_budget"], values["single_name_cap"], asked.request.currency
    if currency not in budgets or currency not in caps:
        return dict.fromkeys(ALWAYS_MANDATORY, CURRENCY_NOT_SUPPORTED)
    carried = asked.loss.largest_exposure_minor(exact(budgets[currency]) / exact(asked.pd_12m))
    drawn = asked.request.facts.exposure
    return {
        "expected_loss_budget": to_minor(carried),
        "single_name": max(int(caps[currency]) - (0 if drawn is None else drawn.amount_minor), 0),
    }
