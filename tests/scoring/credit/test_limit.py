"""Golden 17 and every way in which a capacity is known or is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, NAMES, OBLIGOR, make_snapshot, production, quantity

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot, FeatureValue
from features.trust import DataTrust, TrustGrade
from scoring.credit.collateral import collateral
from scoring.credit.limit import (
    DEBT_SERVICE_QUANTITY,
    LEAN_REVENUE_QUANTITIES,
    ORDERS_QUANTITY,
    RECEIVABLES_QUANTITY,
    REVENUE_QUANTITIES,
    STRONG_ORDERS_QUANTITY,
    WEAK_ORDERS_QUANTITY,
    Asked,
    annuity_factor,
    capacities,
    cash_flow_capacity,
    least,
    receivables_advance_rate,
)
from scoring.credit.loss import loss_terms
from scoring.credit.price import price_inputs, waterfall
from scoring.facts import AmountFact, FactSource, LenderFacts, PdFact
from scoring.records import Capacity, CreditProduct, CreditRequest, FinancedAsset
from scoring.stock import StockHeld

ROW = np.full(len(NAMES), 0.5)


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


def request_of(
    product: CreditProduct, *, tenor_months: int = 12, currency: str = "CNY", **brought: Any
) -> CreditRequest:
    return CreditRequest(
        obligor_id=OBLIGOR,
        product=product,
        amount_minor=1,
        currency=currency,
        tenor_months=tenor_months,
        as_of=AS_OF,
        **brought,
    )


def capacities_of(
    snapshot: FeatureSnapshot, request: CreditRequest, values: Mapping[str, Any], *, pd_12m_upper: float = 0.10
) -> tuple[Capacity, ...]:
    record: Any = SimpleNamespace(pd_12m_upper=pd_12m_upper)
    security = collateral(snapshot, request, values)
    loss = loss_terms(request.product, security, values)
    return capacities(Asked(snapshot=snapshot, request=request, record=record, security=security, loss=loss), values)


def known(
    parameters: ParameterBook,
    quantities: Mapping[str, FeatureValue],
    request: CreditRequest,
    *,
    pd_12m_upper: float = 0.10,
) -> dict[str, Capacity]:
    values = parameters.at(date(2026, 7, 1))
    found = capacities_of(make_snapshot(ROW, quantities=quantities), request, values, pd_12m_upper=pd_12m_upper)
    return {item.name: item for item in found}


REVENUE_MINOR = 730_000_000.0
PRODUCTION = production(revenue_minor=REVENUE_MINOR)


def test_a_year_of_production_carries_an_annuity(parameters: ParameterBook) -> None:
    # CNY 7,300,000 a year x 0.13 margin (C34) x 0.75 / 1.3 = CNY 547,500.00 a year, CNY 45,625.00 a month, repaid at the
    # rate of the upper end of the PD: 12.6123 % at 10 %, over 12 months 11.2182 times as much
    values = parameters.at(date(2026, 7, 1))
    rate, _ = waterfall(0.10, Decimal("0.40"), price_inputs(values["price_inputs"]))
    found = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL))
    for name in REVENUE_QUANTITIES:
        assert found[name].amount_minor == pytest.approx(
            4_562_500 * float(annuity_factor(annual_rate=rate, months=12)), abs=1
        )
        assert found[name].mandatory


def test_a_worse_upper_end_carries_less_from_the_same_production(parameters: ParameterBook) -> None:
    better, worse = (
        known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL), pd_12m_upper=pd)["cash_flow_units"]
        for pd in (0.02, 0.20)
    )
    assert better.amount_minor is not None
    assert worse.amount_minor is not None
    assert worse.amount_minor < better.amount_minor


def test_each_view_of_production_stands_alone(parameters: ParameterBook) -> None:
    less_energy = production(revenue_minor=REVENUE_MINOR, energy_revenue_minor=REVENUE_MINOR / 2)
    found = known(parameters, less_energy, request_of(CreditProduct.WORKING_CAPITAL))
    units, energy, hours = (found[name].amount_minor for name in REVENUE_QUANTITIES)
    assert units == hours
    assert units is not None
    assert energy == pytest.approx(units / 2, abs=1)
    assert least(tuple(found.values())).binding == "cash_flow_energy"


def test_without_orders_production_is_worth_nobody_knows_what(parameters: ParameterBook) -> None:
    found = known(parameters, production(revenue_minor=None), request_of(CreditProduct.WORKING_CAPITAL))
    assert {found[name].missing for name in REVENUE_QUANTITIES} == {"no_source"}


def test_production_counts_at_the_least_that_it_can_be(parameters: ParameterBook) -> None:
    name = LEAN_REVENUE_QUANTITIES["cash_flow_hours"]
    request = request_of(CreditProduct.WORKING_CAPITAL)
    half = known(parameters, PRODUCTION | {name: replace(PRODUCTION[name], adverse_value=REVENUE_MINOR / 2)}, request)
    units, hours = half["cash_flow_units"].amount_minor, half["cash_flow_hours"].amount_minor
    assert units is not None
    assert hours == pytest.approx(units / 2, abs=1)
    for least_value in (None, 0.0):
        none = known(parameters, PRODUCTION | {name: replace(PRODUCTION[name], adverse_value=least_value)}, request)
        assert (none["cash_flow_hours"].amount_minor, none["cash_flow_hours"].missing) == (None, "not_observed")


# A year's revenue of lean months and by the last 90 days, in CNY, of what `cash_flow` names (None: an early release,
# which named no year) -> the revenue that counts; None: nothing of such a year is told.
@pytest.mark.parametrize(
    ("lean", "recent", "year", "counts"),
    [
        (4_000_000, 7_300_000, "lean_months",  4_000_000),
        (7_300_000, 4_000_000, "lean_months",  7_300_000),
        (4_000_000, 7_300_000, "last_90_days", 7_300_000),
        (4_000_000, 7_300_000, None,           7_300_000),
        (None,      7_300_000, "lean_months",  None),
        (None,      7_300_000, None,           7_300_000),
        (0,         7_300_000, "lean_months",  0),
    ],
)  # fmt: skip
def test_the_year_that_counts_is_that_of_the_parameters(
    parameters: ParameterBook, lean: int | None, recent: int, year: str | None, counts: int | None
) -> None:
    values = parameters.at(TODAY)
    terms = {name: value for name, value in values["cash_flow"].items() if name != "year"}
    values = {**values, "cash_flow": terms if year is None else {**terms, "year": year}}
    quantities = production(revenue_minor=None if lean is None else lean * 100.0) | {
        name: quantity(recent * 100.0, "CNY_minor", 365) for name in REVENUE_QUANTITIES.values()
    }
    request = request_of(CreditProduct.WORKING_CAPITAL)
    found = {item.name: item for item in capacities_of(make_snapshot(ROW, quantities=quantities), request, values)}
    rate, _ = waterfall(0.10, Decimal("0.40"), price_inputs(values["price_inputs"]))
    factor = float(annuity_factor(annual_rate=rate, months=12))
    for name in REVENUE_QUANTITIES:
        assert found[name].missing == ("no_source" if counts is None else None)
        if counts is not None:
            assert found[name].amount_minor == pytest.approx(counts * 100 * 0.13 * 0.75 / 1.3 / 12 * factor, abs=1)


def test_an_unknown_division_earns_the_least_margin_of_all(parameters: ParameterBook) -> None:
    values = parameters.at(date(2026, 7, 1))

    def units(division: str | None) -> int:
        snapshot = make_snapshot(ROW, quantities=PRODUCTION, industry_division=division)
        found = capacities_of(snapshot, request_of(CreditProduct.WORKING_CAPITAL), values)
        return next(item.amount_minor or 0 for item in found if item.name == "cash_flow_units")

    assert units(None) == units("C18") < units("C99") < units("C40")


def test_distrust_takes_its_share_of_what_machines_tell_and_of_nothing_else(parameters: ParameterBook) -> None:
    request, values = request_of(CreditProduct.WORKING_CAPITAL), parameters.at(date(2026, 7, 1))

    def amounts(grade: TrustGrade) -> dict[str, int | None]:
        snapshot = replace(
            make_snapshot(ROW, quantities=PRODUCTION),
            data_trust=DataTrust(grade=grade, attested={AttestationLevel.SEALED: 1.0}),
        )
        return {item.name: item.amount_minor for item in capacities_of(snapshot, request, values)}

    best, worst = amounts(TrustGrade.T1), amounts(TrustGrade.T5)
    assert worst["cash_flow_units"] == pytest.approx((best["cash_flow_units"] or 0) / 2, abs=1)
    assert worst["single_name"] == best["single_name"]
    assert worst["expected_loss_budget"] == best["expected_loss_budget"]


def test_prices_in_another_currency_are_not_converted(parameters: ParameterBook) -> None:
    euros = production(revenue_minor=REVENUE_MINOR, currency="EUR")
    found = known(parameters, euros, request_of(CreditProduct.WORKING_CAPITAL))
    assert {found[name].missing for name in REVENUE_QUANTITIES} == {"currency_not_supported"}
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
        existing_debt_service_minor=Decimal(0),
        annuity=Decimal(11),
    )
    assert amount == 0


TODAY = date(2026, 6, 30)
BUREAU = FactSource.CREDIT_BUREAU


def told(amount_minor: int) -> AmountFact:
    return AmountFact(source=BUREAU, dated=TODAY, amount_minor=amount_minor)


# (a year's revenue, known debt service, told debt service, told revenue) in CNY -> what a month can serve, in CNY:
# min(revenue, told) x 0.13 x 0.75 / 1.3 / 12 - the greater debt service / 12
@pytest.mark.parametrize(
    ("revenue", "known_service", "told_service", "told_revenue", "a_month"),
    [
        (7_300_000, None, None, None, 45_625.00),
        (7_300_000, 240_000, None, None, 25_625.00),
        (7_300_000, 240_000, 120_000, None, 25_625.00),
        (7_300_000, 240_000, 360_000, None, 15_625.00),
        (7_300_000, None, 360_000, None, 15_625.00),
        (7_300_000, 600_000, None, None, 0.00),
        (7_300_000, None, None, 9_000_000, 45_625.00),
        (7_300_000, None, None, 3_650_000, 22_812.50),
        (7_300_000, 120_000, None, 3_650_000, 12_812.50),
    ],
)
def test_cash_flow_under_debts_and_facts(
    parameters: ParameterBook,
    revenue: int,
    known_service: int | None,
    told_service: int | None,
    told_revenue: int | None,
    a_month: float,
) -> None:
    facts = LenderFacts(
        debt_service=None if told_service is None else told(told_service * 100),
        revenue=None if told_revenue is None else told(told_revenue * 100),
    )
    service = {} if known_service is None else {
        DEBT_SERVICE_QUANTITY: quantity(known_service * 100.0, "CNY_minor", None)
    }  # fmt: skip
    quantities = production(revenue_minor=revenue * 100.0) | service
    found = known(parameters, quantities, request_of(CreditProduct.WORKING_CAPITAL, facts=facts))
    rate, _ = waterfall(0.10, Decimal("0.40"), price_inputs(parameters.at(TODAY)["price_inputs"]))
    factor = float(annuity_factor(annual_rate=rate, months=12))
    assert found["cash_flow_units"].amount_minor == pytest.approx(a_month * 100 * factor, abs=1)


@pytest.mark.parametrize(
    ("every", "strong", "weak", "advance"),
    [(1000, 0, 0, 700), (1000, 400, 0, 740), (1000, 0, 400, 620), (1000, 500, 500, 650), (1000, 1000, 0, 800)],
)
def test_orders_carry_by_the_strength_of_their_buyers(
    parameters: ParameterBook, every: int, strong: int, weak: int, advance: int
) -> None:
    amounts = {ORDERS_QUANTITY: every, STRONG_ORDERS_QUANTITY: strong, WEAK_ORDERS_QUANTITY: weak}
    orders = {name: quantity(float(amount), "CNY_minor", 365) for name, amount in amounts.items()}
    found = known(parameters, PRODUCTION | orders, request_of(CreditProduct.PURCHASE_ORDER))
    assert found["orders"].amount_minor == advance


@pytest.mark.parametrize(
    ("dilution", "rate"), [("0", "0.85"), ("0.05", "0.85"), ("0.10", "0.75"), ("0.30", "0.35"), ("0.60", "0")]
)
def test_diluted_receivables_carry_less(parameters: ParameterBook, dilution: str, rate: str) -> None:
    terms = parameters.at(TODAY)["advance_rates"]["receivables"]
    assert receivables_advance_rate(dilution=Decimal(dilution), terms=terms) == Decimal(rate)


def test_receivables_bind_the_product_that_they_repay_and_no_other(parameters: ParameterBook) -> None:
    owed = PRODUCTION | {RECEIVABLES_QUANTITY: quantity(1_000_000.0, "CNY_minor", 365)}
    found = known(parameters, owed, request_of(CreditProduct.RECEIVABLES, tenor_months=6))
    # the snapshot's dilution is 0.5: nothing may be lent against invoices half of which are taken back
    assert found["receivables"].amount_minor == 0
    assert "receivables" not in known(parameters, owed, request_of(CreditProduct.WORKING_CAPITAL))


def stock_of(lendable: int) -> StockHeld:
    return StockHeld(
        counted_on=TODAY,
        expected_units=1,
        counted_units=None,
        units_that_count=1,
        value_minor=2 * lendable,
        lendable_minor=lendable,
        contradictions=(),
    )


# What may be lent of the stock, in CNY (None: nobody counted it), and the grade of data trust -> the capacity and what
# binds; the loss budget carries CNY 1,250,000.00.
@pytest.mark.parametrize(
    ("product", "lendable", "grade", "amount", "binding"),
    [
        (CreditProduct.INVENTORY,         900_000, TrustGrade.T1, 900_000, "inventory"),
        (CreditProduct.INVENTORY,         900_000, TrustGrade.T5, 450_000, "inventory"),
        (CreditProduct.INVENTORY,               0, TrustGrade.T1,       0, "inventory"),
        (CreditProduct.INVENTORY,       1_300_000, TrustGrade.T1, 1_300_000, "expected_loss_budget"),
        (CreditProduct.INVENTORY,            None, TrustGrade.T1,    None, "expected_loss_budget"),
    ],
)  # fmt: skip
def test_counted_stock_carries_what_may_be_lent_of_it(
    parameters: ParameterBook,
    product: CreditProduct,
    lendable: int | None,
    grade: TrustGrade,
    amount: int | None,
    binding: str,
) -> None:
    stock = None if lendable is None else stock_of(lendable * 100)
    snapshot = replace(make_snapshot(ROW), data_trust=DataTrust(grade=grade, attested={AttestationLevel.SEALED: 1.0}))
    found = capacities_of(snapshot, request_of(product, tenor_months=6, stock=stock), parameters.at(TODAY))
    inventory = {item.name: item for item in found}["inventory"]
    assert inventory.amount_minor == (None if amount is None else amount * 100)
    assert inventory.missing == ("no_source" if amount is None else None)
    limit = least(found)
    assert limit.binding == binding
    assert (limit.limit_minor is None) is (amount is None)


def test_stock_binds_the_product_that_it_repays_and_no_other(parameters: ParameterBook) -> None:
    found = known(parameters, PRODUCTION, request_of(CreditProduct.WORKING_CAPITAL, stock=stock_of(1)))
    assert "inventory" not in found


def test_the_lenders_own_pd_caps_and_never_raises(parameters: ParameterBook) -> None:
    def budget(pd_12m: float | None) -> int | None:
        fact = None if pd_12m is None else PdFact(source=FactSource.LENDER, dated=TODAY, pd_12m=pd_12m)
        request = request_of(CreditProduct.WORKING_CAPITAL, facts=LenderFacts(lender_pd=fact))
        return known(parameters, PRODUCTION, request)["expected_loss_budget"].amount_minor

    assert budget(None) == budget(0.001) == budget(0.10) == 125_000_000
    assert budget(0.20) == 62_500_000


def test_what_is_outstanding_already_counts_under_the_single_name_cap(parameters: ParameterBook) -> None:
    request = request_of(CreditProduct.WORKING_CAPITAL, facts=LenderFacts(exposure=told(400_000_000)))
    assert known(parameters, PRODUCTION, request)["single_name"].amount_minor == 600_000_000


NEW_MACHINE = FinancedAsset(
    value_new_minor=100_000_000, price_minor=100_000_000, age_years=0.0, hours=0.0, hours_a_month=200.0
)


def test_machines_carry_a_loan_that_they_cover_in_every_month(parameters: ParameterBook) -> None:
    request = request_of(CreditProduct.EQUIPMENT_LOAN, tenor_months=36, asset=NEW_MACHINE)
    found = known(parameters, PRODUCTION, request)["collateral"].amount_minor
    # 70 % of the price at once; a machine loses 1.85 % in a month (0.15 / 12 + 0.03 x 0.2), which the loan outruns
    assert found == 70_000_000
    slow = replace(NEW_MACHINE, hours_a_month=700.0)
    worn = known(parameters, PRODUCTION, request_of(CreditProduct.EQUIPMENT_LOAN, tenor_months=60, asset=slow))
    assert worn["collateral"].amount_minor is not None
    assert worn["collateral"].amount_minor < 70_000_000


def test_a_fleet_secures_what_it_does_not_secure_already(parameters: ParameterBook) -> None:
    fleet = {
        "fleet_value_now_minor": quantity(200_000_000.0, "CNY_minor", None),
        "secured_debt_minor": quantity(50_000_000.0, "CNY_minor", None),
    }
    found = known(parameters, PRODUCTION | fleet, request_of(CreditProduct.FINANCE_LEASE, tenor_months=12))
    # nothing is known of the condition at its best: 0.85 of 2,000,000.00, less what goes before, at 80 %
    assert found["collateral"].amount_minor == 96_000_000
