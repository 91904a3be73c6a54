"""Golden 17 and every way in which a capacity is known or is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, NAMES, OBLIGOR, make_snapshot, production, quantity

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureValue
from scoring.credit.limit import (
    ORDERS_QUANTITY,
    OUTPUT_QUANTITIES,
    annuity_factor,
    capacities,
    cash_flow_capacity,
    least,
)
from scoring.records import Capacity, CreditProduct, CreditRequest, Price

ROW = np.full(len(NAMES), 0.5)
PRICE = Price(annual_rate_ratio=Decimal("0.06"), lines=(), ceiling_ratio=Decimal("0.24"), lgd_ratio=Decimal("0.40"))


def capacity(name: str, amount_minor: int | None, *, mandatory: bool = True) -> Capacity:
    missing = "no_source" if amount_minor is None else None
    return Capacity(name=name, amount_minor=amount_minor, mandatory=mandatory, missing=missing)


GOLDEN_17 = [
    capacity("cash_flow_units", 185_000_000),
    capacity("cash_flow_energy", 172_000_000),
    capacity("cash_flow_hours", 191_000_000),
    capacity("orders", 240_000_000, mandatory=False),
    capacity("receivables", None, mandatory=False),
    capacity("single_name", 300_000_000),
]


def test_golden_17_the_least_capacity_is_the_limit() -> None:
    found = least(GOLDEN_17)
    assert (found.limit_minor, found.indicative_limit_minor) == (172_000_000, 172_000_000)
    assert found.binding == "cash_flow_energy"


def test_golden_17_without_energy_there_is_an_indication_only() -> None:
    without = [capacity("cash_flow_energy", None) if item.name == "cash_flow_energy" else item for item in GOLDEN_17]
    found = least(without)
    assert (found.limit_minor, found.indicative_limit_minor) == (None, 185_000_000)
    assert found.binding == "cash_flow_units"


def test_nothing_known_indicates_nothing() -> None:
    found = least([capacity("single_name", None)])
    assert (found.limit_minor, found.indicative_limit_minor, found.binding) == (None, None, None)


def request_of(product: CreditProduct, *, tenor_months: int = 12, currency: str = "CNY") -> CreditRequest:
    return CreditRequest(
        obligor_id=OBLIGOR,
        product=product,
        amount_minor=1,
        currency=currency,
        tenor_months=tenor_months,
        as_of=AS_OF,
    )


def known(
    parameters: ParameterBook,
    quantities: Mapping[str, FeatureValue],
    request: CreditRequest,
    *,
    pd_12m_upper: float = 0.10,
) -> dict[str, Capacity]:
    record: Any = SimpleNamespace(pd_12m_upper=pd_12m_upper)
    values = parameters.at(date(2026, 7, 1))
    found = capacities(make_snapshot(ROW, quantities=quantities), request, record, PRICE, values)
    return {item.name: item for item in found}


PRODUCTION = production(parts_90d=90_000.0, price_minor=2_000.0)


def test_a_year_of_production_carries_an_annuity(parameters: ParameterBook) -> None:
    # 90,000 parts in 90 days are 365,000 a year; x CNY 20.00 = CNY 7,300,000; x 0.13 margin (C34) x 0.75 / 1.3
    # = CNY 547,500.00 a year, CNY 45,625.00 a month; at 6 % over 12 months that repays 11.6189321 times as much
    found = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL))
    for name in OUTPUT_QUANTITIES:
        assert found[name].amount_minor == pytest.approx(4_562_500 * 11.6189321, abs=1)
        assert found[name].mandatory


def test_each_view_of_production_stands_alone(parameters: ParameterBook) -> None:
    less_energy = production(parts_90d=90_000.0, price_minor=2_000.0, energy_parts_90d=45_000.0)
    found = known(parameters, less_energy, request_of(CreditProduct.WORKING_CAPITAL))
    units, energy, hours = (found[name].amount_minor for name in OUTPUT_QUANTITIES)
    assert units == hours
    assert units is not None
    assert energy == pytest.approx(units / 2, abs=1)
    assert least(tuple(found.values())).binding == "cash_flow_energy"


def test_without_a_price_production_is_worth_nobody_knows_what(parameters: ParameterBook) -> None:
    unpriced = production(parts_90d=90_000.0, price_minor=None)
    found = known(parameters, unpriced, request_of(CreditProduct.WORKING_CAPITAL))
    assert {found[name].missing for name in OUTPUT_QUANTITIES} == {"no_source"}


def test_prices_in_another_currency_are_not_converted(parameters: ParameterBook) -> None:
    euros = production(parts_90d=90_000.0, price_minor=2_000.0, currency="EUR")
    found = known(parameters, euros, request_of(CreditProduct.WORKING_CAPITAL))
    assert {found[name].missing for name in OUTPUT_QUANTITIES} == {"currency_not_supported"}
    assert found["single_name"].amount_minor == 1_000_000_000


def test_open_orders_carry_their_share(parameters: ParameterBook) -> None:
    orders = {ORDERS_QUANTITY: quantity(10_000_000.0, "CNY_minor", 365)}
    found = known(parameters, {**PRODUCTION, **orders}, request_of(CreditProduct.PURCHASE_ORDER))
    assert (found["orders"].amount_minor, found["orders"].mandatory) == (7_000_000, True)
    assert least(tuple(found.values())).binding == "orders"


def test_a_tenor_beyond_the_products_longest_carries_no_more(parameters: ParameterBook) -> None:
    longest = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL, tenor_months=12))
    beyond = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL, tenor_months=48))
    assert beyond == longest


def test_the_upper_end_of_the_interval_decides_the_loss_budget(parameters: ParameterBook) -> None:
    request = request_of(CreditProduct.WORKING_CAPITAL)
    # CNY 200,000.00 of expected loss over 10 % x 40 %
    assert known(parameters, {}, request, pd_12m_upper=0.10)["expected_loss_budget"].amount_minor == 125_000_000
    assert known(parameters, {}, request, pd_12m_upper=0.22)["expected_loss_budget"].amount_minor == 56_818_182


@pytest.mark.parametrize(
    ("product", "unknown"),
    [
        (CreditProduct.WORKING_CAPITAL, set()),
        (CreditProduct.EQUIPMENT_LOAN, {"collateral"}),
        (CreditProduct.FINANCE_LEASE, {"collateral"}),
        (CreditProduct.USAGE_INSTALMENT, {"collateral"}),
        (CreditProduct.RECEIVABLES, {"receivables"}),
        (CreditProduct.PURCHASE_ORDER, {"orders"}),
        (CreditProduct.INVENTORY, {"inventory"}),
    ],
)
def test_a_product_needs_to_know_what_it_is_repaid_from(
    parameters: ParameterBook, product: CreditProduct, unknown: set[str]
) -> None:
    found = known(parameters, PRODUCTION, request_of(product))
    assert {item.name for item in found.values() if item.mandatory and item.missing} == unknown
    assert (least(tuple(found.values())).limit_minor is None) == bool(unknown)


def test_a_request_in_another_currency_leaves_nothing_known(parameters: ParameterBook) -> None:
    found = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL, currency="EUR"))
    assert least(tuple(found.values())).indicative_limit_minor is None
    assert found["single_name"].missing == "currency_not_supported"


@pytest.mark.parametrize(
    ("rate", "months", "factor"), [("0", 12, 12), ("0.06", 12, 11.618932), ("0.12", 24, 21.243387)]
)
def test_annuity_factors(rate: str, months: int, factor: float) -> None:
    assert float(annuity_factor(annual_rate=Decimal(rate), months=months)) == pytest.approx(factor, abs=5e-7)


def test_a_loss_making_firm_has_no_capacity_rather_than_a_negative_one() -> None:
    amount = cash_flow_capacity(
        annual_revenue_minor=Decimal(1_000_000),
        margin_share=Decimal("-0.05"),
        stress_haircut=Decimal("0.25"),
        cover=Decimal("1.3"),
        annuity=Decimal(11),
    )
    assert amount == 0
