"""Warranty, idle cover and guarantee: exposure x filed rate x mean cost, inside what was filed, beside the model."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.identifiers import DecisionId, ModelVersion
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from features.trust import DataTrust, TrustGrade
from scoring.cover_basis import DecidedFacility
from scoring.credit.artefact import CreditArtefact
from scoring.credit.capital import capital_requirement
from scoring.credit.score import score
from scoring.errors import HourMeterMissing, InvalidRequest, NothingToCover
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.bulk import bills_of_book
from scoring.insurance.filed import TrustFloor, charged, equipment_filing, filed_cover
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.offers.guarantee import guarantee_quote
from scoring.insurance.offers.idle import RATES, idle_quote
from scoring.insurance.offers.warranty import FAILURES, HOURS, warranty_quote
from scoring.insurance.premium import loadings
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest

HOURS_A_DAY, FAILURES_A_1000 = 6.0, 1.5
OFFERED = tuple(InsuranceProduct)


def known(value: float) -> FeatureValue:
    return FeatureValue(value=value, unit="1", window_days=90, missing=None, adverse_value=value)


def unknown(why: Missing) -> FeatureValue:
    return FeatureValue(value=None, unit="1", window_days=90, missing=why, adverse_value=None)


def with_values(snapshot: FeatureSnapshot, told: dict[str, float]) -> FeatureSnapshot:
    changed = {key: known(value) for key, value in told.items()}
    machines = {uid: {**values, **changed} for uid, values in snapshot.machines.items()}
    return replace(snapshot, values={**snapshot.values, **changed}, machines=machines)


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    machines = measured(np.array([1.5, 0.0, -1.5]), signs=insurance_signs(), seed=9)
    told = {HOURS: HOURS_A_DAY, FAILURES: FAILURES_A_1000, "industry_yoy_90d": 0.0, **dict.fromkeys(RATES, 0.6)}
    return with_values(make_snapshot(rows[0], machines=machines), told)


def request(product: InsuranceProduct, **changes: Any) -> QuoteRequest:
    asked: dict[str, Any] = {
        "obligor_id": OBLIGOR, "product": product, "sum_insured_minor": 120_000_000, "currency": "CNY",
        "starts": date(2026, 7, 1), "ends": date(2027, 6, 30), "machines": (), "as_of": AS_OF,
    }  # fmt: skip
    return QuoteRequest(**{**asked, **changes})


@pytest.fixture
def ask(insurance_model: InsuranceArtefact, credit_model: CreditArtefact, parameters: ParameterBook) -> Any:
    def asked(snapshot: FeatureSnapshot, product: InsuranceProduct, **changes: Any) -> PremiumQuote:
        question = request(product, **changes)
        if product is InsuranceProduct.IDLE_COVER:
            return idle_quote(snapshot, question, parameters)
        if product is InsuranceProduct.GUARANTEE:
            return guarantee_quote(snapshot, question, credit_model, parameters)
        model = warranty_quote if product is InsuranceProduct.EXTENDED_WARRANTY else equipment_quote
        return model(snapshot, question, insurance_model, parameters)

    return asked


@pytest.mark.parametrize("product", OFFERED)
def test_every_offer_is_base_times_filed_factors_inside_the_bounds(
    product: InsuranceProduct, snapshot: FeatureSnapshot, ask: Any
) -> None:
    found = ask(snapshot, product)
    product_of_factors = np.prod([factor.relativity for factor in found.factors])
    assert found.base_frequency * product_of_factors == pytest.approx(found.claim_frequency_per_machine_year, rel=1e-12)
    assert found.filed.lowest <= found.filed.filed_rate / found.base_frequency <= found.filed.highest
    assert found.filed.filed_rate == found.claim_frequency_per_machine_year
    assert found.filed.difference_ratio == pytest.approx(found.filed.model_rate / found.filed.filed_rate - 1)
    told = found.earned_exposure_machine_years * found.claim_frequency_per_machine_year * found.claim_severity_minor
    assert found.pure_premium_minor == pytest.approx(told, rel=1e-3)
    assert found.gross_premium_minor == found.pure_premium_minor + sum(line.amount_minor for line in found.loadings)
    assert found.valid_until == AS_OF + timedelta(days=30)
    assert found == ask(snapshot, product)


@pytest.mark.parametrize("product", OFFERED)
def test_the_premium_follows_the_sum_insured(product: InsuranceProduct, snapshot: FeatureSnapshot, ask: Any) -> None:
    once, twice = (ask(snapshot, product, sum_insured_minor=amount) for amount in (120_000_000, 240_000_000))
    assert twice.pure_premium_minor == pytest.approx(2 * once.pure_premium_minor, rel=1e-4)


def test_a_warranty_costs_more_where_machines_work_and_fail_more(snapshot: FeatureSnapshot, ask: Any) -> None:
    product = InsuranceProduct.EXTENDED_WARRANTY
    premiums = [
        ask(with_values(snapshot, {HOURS: hours, FAILURES: failures}), product).claim_frequency_per_machine_year
        for hours, failures in ((2.0, 0.1), (6.0, 1.5), (6.0, 9.0), (12.0, 9.0), (20.0, 9.0))
    ]
    assert premiums == sorted(premiums)
    assert premiums[-1] > 2 * premiums[0]


def test_a_longer_warranty_costs_more_than_its_share_of_time(snapshot: FeatureSnapshot, ask: Any) -> None:
    """Failures grow with hours, and the waiting month weighs less."""
    product = InsuranceProduct.EXTENDED_WARRANTY
    one, three = (ask(snapshot, product, ends=date(2026 + years, 6, 30)) for years in (1, 3))
    assert three.pure_premium_minor > 3 * one.pure_premium_minor


def test_a_warranty_without_hours_is_refused_by_name(snapshot: FeatureSnapshot, ask: Any) -> None:
    uid = next(iter(snapshot.machines))
    untold = {HOURS: unknown(Missing.NO_COUNTER)}
    silent = replace(snapshot, machines={**snapshot.machines, uid: {**snapshot.machines[uid], **untold}})
    with pytest.raises(HourMeterMissing, match="nobody told the hours"):
        ask(silent, InsuranceProduct.EXTENDED_WARRANTY)


def test_withheld_failures_are_priced_as_the_dearest(snapshot: FeatureSnapshot, ask: Any) -> None:
    untold = unknown(Missing.NO_COUNTER)
    silent = replace(
        snapshot, machines={uid: {**values, FAILURES: untold} for uid, values in snapshot.machines.items()}
    )
    worst = with_values(snapshot, {FAILURES: 1_000.0})
    product = InsuranceProduct.EXTENDED_WARRANTY
    factors = [
        {factor.name: factor.relativity for factor in ask(each, product).factors}["failures_a_1000_hours"]
        for each in (silent, worst)
    ]
    assert factors[0] == factors[1] == pytest.approx(2.25)


def test_idle_cover_costs_more_in_a_slump(snapshot: FeatureSnapshot, ask: Any) -> None:
    product = InsuranceProduct.IDLE_COVER
    good, usual, slump = (
        ask(with_values(snapshot, {"industry_yoy_90d": moved}), product) for moved in (0.15, 0.0, -0.3)
    )
    assert good.gross_premium_minor < usual.gross_premium_minor < slump.gross_premium_minor
    assert good.filed.model_rate < usual.filed.model_rate < slump.filed.model_rate


def test_reasons_are_what_moved_the_filed_price(snapshot: FeatureSnapshot, ask: Any) -> None:
    warranty = ask(with_values(snapshot, {HOURS: 12.0, FAILURES: 0.1}), InsuranceProduct.EXTENDED_WARRANTY)
    factors = {factor.name: factor.relativity for factor in warranty.factors}
    told = {reason.feature: reason for reason in warranty.reasons}
    assert told.keys() == {HOURS, FAILURES}
    assert told[HOURS].contribution == pytest.approx(np.log(factors["hours_a_year"]))
    assert (told[HOURS].direction, told[FAILURES].direction) == ("adverse", "favourable")
    slump = ask(with_values(snapshot, {"industry_yoy_90d": -0.3}), InsuranceProduct.IDLE_COVER)
    assert [(reason.feature, reason.value) for reason in slump.reasons] == [("industry_yoy_90d", -0.3)]


def test_idle_cover_needs_an_index(snapshot: FeatureSnapshot, ask: Any) -> None:
    untold = unknown(Missing.NOT_ENOUGH_HISTORY)
    silent = replace(snapshot, values={**snapshot.values, **dict.fromkeys(RATES, untold)})
    with pytest.raises(NothingToCover, match="no operating rate"):
        ask(silent, InsuranceProduct.IDLE_COVER)


def test_a_guarantee_rests_on_the_obligors_own_score(
    snapshot: FeatureSnapshot, ask: Any, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    found, record = ask(snapshot, InsuranceProduct.GUARANTEE), score(snapshot, credit_model, parameters)
    assert tuple(found.reasons) == tuple(record.reasons)
    assert found.model_version == credit_model.version
    mid = parameters.at(AS_OF)["master_scale"][record.rating_grade]
    assert found.filed.filed_rate == pytest.approx(mid, rel=0.005)
    loss = 0.4 * 0.8  # loss given default, covered share
    capital = 12.5 * capital_requirement(record.pd_12m, loss, maturity_years=1.0, turnover_eur_million=5) * 0.105
    a_year = record.pd_12m * loss * 1.15 + capital * (0.12 / 0.75 - 0.024)  # risk margin; hurdle before tax over funds
    assert found.filed.model_rate * found.filed.cost_share == pytest.approx(a_year, rel=0.05)


def test_a_guarantee_of_a_decided_facility_takes_what_was_decided(snapshot: FeatureSnapshot, ask: Any) -> None:
    decided = DecidedFacility(
        decision_id=DecisionId("d1"),
        lgd_ratio=0.8,
        exposure_at_default_minor=120_000_000,
        currency="CNY",
        tenor_months=12,
    )
    asked: dict[str, Any] = {"sum_insured_minor": 120_000_000}
    alone = ask(snapshot, InsuranceProduct.GUARANTEE, **asked)
    found = ask(snapshot, InsuranceProduct.GUARANTEE, **asked, facility=decided)
    assert found.filed.model_rate == pytest.approx(2 * alone.filed.model_rate, rel=1e-5)  # of twice 0.4
    assert found.gross_premium_minor == alone.gross_premium_minor  # the filed table charges
    for changes in ({"tenor_months": 11}, {"exposure_at_default_minor": 1}, {"currency": "EUR"}):
        with pytest.raises(InvalidRequest, match="Decision d1 is about"):
            ask(snapshot, InsuranceProduct.GUARANTEE, **asked, facility=replace(decided, **changes))


@pytest.mark.parametrize("product", OFFERED)
def test_the_models_rate_is_the_one_that_its_own_premium_takes(
    product: InsuranceProduct, snapshot: FeatureSnapshot, ask: Any
) -> None:
    """Twice the sum, or another number of machines, moves the premium and not the rates."""
    found, larger = ask(snapshot, product), ask(snapshot, product, sum_insured_minor=240_000_000)
    assert larger.filed.model_rate == pytest.approx(found.filed.model_rate, rel=1e-5)
    by_model = found.pure_premium_minor * (1 + found.filed.difference_ratio)
    assert larger.pure_premium_minor * (1 + larger.filed.difference_ratio) == pytest.approx(2 * by_model, rel=1e-4)


@pytest.mark.parametrize("product", OFFERED)
def test_data_that_earns_less_trust_earns_less_of_a_discount(
    product: InsuranceProduct, snapshot: FeatureSnapshot, ask: Any
) -> None:
    quiet = with_values(snapshot, {HOURS: 0.5, FAILURES: 0.1, "industry_yoy_90d": 0.2})
    told = [
        ask(replace(quiet, data_trust=DataTrust(grade=grade, attested=snapshot.data_trust.attested)), product)
        for grade in TrustGrade
    ]
    products = [found.filed.product for found in told]
    assert products == sorted(products)
    assert all(found.filed.product >= found.filed.trust_floor for found in told)
    assert (told[-1].filed.trust_grade, products[-1] >= 1) == ("T5", True)
    assert told[-1].filed.model_rate == told[0].filed.model_rate  # what the model says does not move


def test_filed_grades_are_those_of_the_master_scale(parameters: ParameterBook) -> None:
    values = parameters.at(AS_OF)
    tariff = filed_cover(InsuranceProduct.GUARANTEE, values)
    ranks = np.arange(1, 14, dtype=float)
    mids = np.array([values["master_scale"][f"R{rank:.0f}"] for rank in ranks])
    assert tariff.rates(ranks[:, None]) == pytest.approx(mids, rel=0.005)


def test_a_filed_share_is_part_of_the_locked_table(parameters: ParameterBook) -> None:
    tariff = filed_cover(InsuranceProduct.IDLE_COVER, parameters.at(AS_OF))
    assert tariff.model_copy(update={"cost_share": 0.06}).version != tariff.version


def test_bounds_hold_units_one_by_one(parameters: ParameterBook) -> None:
    values = parameters.at(AS_OF)
    tariff = filed_cover(InsuranceProduct.EXTENDED_WARRANTY, values)
    rows = np.array([[100.0, 0.1, 12.0], [8_000.0, 50.0, 12.0], [2_500.0, 1.5, 12.0]])
    floor, rates = TrustFloor(grade=TrustGrade.T1, least=0.3), np.array([0.1, 2.0, 0.4])
    found = charged(tariff, floor, rows, rates, model_version=ModelVersion("m"))
    assert (found.filed.distilled_from, found.filed.is_of_model) == (None, None)  # people set it
    each = [tariff.base_rate * factor for factor in (0.3, 5.0, 1.25)]
    assert found.rate == pytest.approx(np.mean(each))
    assert found.base * np.prod([factor.relativity for factor in found.factors]) == pytest.approx(found.rate)
    assert found.filed.model_rate == pytest.approx(2.5 / 3)


def test_what_cannot_be_covered_is_refused(snapshot: FeatureSnapshot, ask: Any) -> None:
    with pytest.raises(InvalidRequest, match="waiting"):
        ask(snapshot, InsuranceProduct.EXTENDED_WARRANTY, ends=date(2026, 7, 20))
    with pytest.raises(InvalidRequest, match="days, not 1 to"):
        ask(snapshot, InsuranceProduct.IDLE_COVER, ends=date(2028, 6, 30))
    with pytest.raises(InvalidRequest, match="days, not 1 to"):
        ask(snapshot, InsuranceProduct.GUARANTEE, starts=date(2027, 7, 1))


@pytest.mark.parametrize("product", OFFERED)
def test_a_million_random_quotes_stay_inside_the_bounds_and_reconcile(
    product: InsuranceProduct, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    values = parameters.at(AS_OF)
    is_equipment = product is InsuranceProduct.EQUIPMENT_UBI
    own = equipment_filing(insurance_model, parameters.at(AS_OF), filing_number="F-1", effective=date(2026, 1, 1))
    tariff = own if is_equipment else filed_cover(product, values)
    drawn = np.random.default_rng(5)
    edges = [np.array([-1.0, *factor.factor.banding.edges, 1e6]) for factor in tariff.factors]
    rows = np.column_stack([drawn.choice(column, 1_000_000) + drawn.normal(size=1_000_000) for column in edges])
    rows[drawn.random(rows.shape) < 0.05] = np.nan
    rates = tariff.rates(rows)
    assert ((rates >= tariff.base_rate * tariff.lowest) & (rates <= tariff.base_rate * tariff.highest)).all()
    insured = drawn.integers(1_000_000, 10**10, len(rates))
    bills = bills_of_book(rates * tariff.cost_share * insured, loadings=loadings("CNY", values))
    lines = sum(bills.loadings.values())
    assert (bills.pure_premium_minor + lines == bills.gross_premium_minor).all()
