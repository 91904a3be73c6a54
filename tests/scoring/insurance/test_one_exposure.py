"""A loan and four covers of one firm: each loss is borne once, and what moves one price moves the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot, FeatureValue
from scoring.credit.artefact import CreditArtefact
from scoring.errors import InvalidRequest
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.coherence import PAYS_FIRST, CoverInForce, Loss, Peril, shared_out
from scoring.insurance.filed import equipment_filing
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.offers.guarantee import guarantee_quote
from scoring.insurance.offers.idle import RATES, idle_quote
from scoring.insurance.offers.one_exposure import Bearer, ExposurePrices, OneExposure, price_exposure
from scoring.insurance.offers.warranty import FAILURES, HOURS, warranty_quote
from scoring.insurance.offers.work import WORK, with_work
from scoring.records import CreditProduct, CreditRequest, InsuranceProduct

LOAN = CreditRequest(
    obligor_id=OBLIGOR, product=CreditProduct.WORKING_CAPITAL, amount_minor=200_000_000, currency="CNY",
    tenor_months=12, as_of=AS_OF,
)  # fmt: skip
ASKED = OneExposure(
    loan=LOAN, equipment_minor=120_000_000, fixed_cost_minor=60_000_000, starts=date(2026, 7, 1), ends=date(2027, 6, 30)
)


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    machines = measured(np.array([1.5, 0.0, -1.5]), signs=insurance_signs(), seed=9)
    told = {HOURS: 6.0, FAILURES: 1.5, "industry_yoy_90d": 0.0, **dict.fromkeys(RATES, 0.6)}
    changed = {
        key: FeatureValue(value=value, unit=CATALOGUE[key].unit, window_days=90, missing=None, adverse_value=value)
        for key, value in told.items()
    }
    made = make_snapshot(rows[20], machines=machines)
    each = {uid: {**values, **changed} for uid, values in made.machines.items()}
    return replace(made, values={**made.values, **changed}, machines=each)


@pytest.fixture
def priced(credit_model: CreditArtefact, insurance_model: InsuranceArtefact, parameters: ParameterBook) -> Any:
    def call(snapshot: FeatureSnapshot, asked: OneExposure = ASKED) -> ExposurePrices:
        return price_exposure(snapshot, asked, credit=credit_model, insurance=insurance_model, parameters=parameters)

    return call


LEDGER = [
    # part                    peril             bearer
    ("default_guaranteed",    Peril.DEFAULT,    Bearer.GUARANTEE),
    ("default_kept",          Peril.DEFAULT,    Bearer.LOAN),
    ("repairs",               Peril.BREAKDOWN,  Bearer.EXTENDED_WARRANTY),
    ("repair_within_damage",  Peril.BREAKDOWN,  Bearer.EXTENDED_WARRANTY),
    ("damage_beyond_repair",  Peril.BREAKDOWN,  Bearer.EQUIPMENT_UBI),
    ("slump",                 Peril.SLUMP,      Bearer.IDLE_COVER),
]  # fmt: skip


def test_each_part_of_a_loss_has_one_bearer(snapshot: FeatureSnapshot, priced: Any) -> None:
    found = priced(snapshot)
    assert [(part.name, part.peril, part.bearer) for part in found.parts] == LEDGER
    assert all(part.expected_minor > 0 for part in found.parts)
    for part in found.parts:
        pays = {product.value for product in PAYS_FIRST[part.peril]}
        assert part.bearer.value in pays or (part.peril, part.bearer) == (Peril.DEFAULT, Bearer.LOAN)


def test_what_all_bear_is_what_is_lost(snapshot: FeatureSnapshot, priced: Any) -> None:
    """Default: PD x LGD x what is owed, month by month. Failures: every repair, and of damage what is beyond one."""
    found = priced(snapshot)
    monthly = zip(found.record.term_structure.monthly_pd, found.exposures_minor, strict=False)
    default = sum(pd * float(found.lgd) * owed * 1.03 ** (-month / 12) for month, (pd, owed) in enumerate(monthly, 1))
    assert found.loss_minor(Peril.DEFAULT) == round(default)
    covers = {cover.bearer: cover for cover in found.covers}
    ubi, warranty = covers[Bearer.EQUIPMENT_UBI], covers[Bearer.EXTENDED_WARRANTY]
    twice = next(part.expected_minor for part in found.parts if part.name == "repair_within_damage")
    alone = ubi.alone_expected_minor + warranty.alone_expected_minor
    assert found.loss_minor(Peril.BREAKDOWN) == pytest.approx(alone - twice, abs=1)
    held = sum(cover.expected_minor for cover in found.covers)
    kept = next(part.expected_minor for part in found.parts if part.bearer is Bearer.LOAN)
    assert held + kept == sum(part.expected_minor for part in found.parts)


def test_held_alone_each_cover_costs_what_its_own_quote_expects(
    snapshot: FeatureSnapshot, priced: Any, credit_model: Any, insurance_model: Any, parameters: ParameterBook
) -> None:
    found = {cover.bearer: cover for cover in priced(snapshot).covers}
    quotes = {
        Bearer.EQUIPMENT_UBI: equipment_quote(
            snapshot, ASKED.cover(InsuranceProduct.EQUIPMENT_UBI), insurance_model, parameters
        ),
        Bearer.EXTENDED_WARRANTY: warranty_quote(
            snapshot, ASKED.cover(InsuranceProduct.EXTENDED_WARRANTY), insurance_model, parameters
        ),
        Bearer.IDLE_COVER: idle_quote(snapshot, ASKED.cover(InsuranceProduct.IDLE_COVER), parameters),
        Bearer.GUARANTEE: guarantee_quote(
            snapshot,
            replace(ASKED.cover(InsuranceProduct.GUARANTEE), sum_insured_minor=LOAN.amount_minor),
            credit_model,
            parameters,
        ),
    }
    for bearer, told in quotes.items():
        modelled = told.earned_exposure_machine_years * told.filed.model_rate * told.claim_severity_minor
        cover = found[bearer]
        assert cover.alone_expected_minor + cover.margin_minor == pytest.approx(modelled, rel=1e-4), bearer
        assert cover.premium_minor <= cover.alone_premium_minor


def test_damage_grows_by_the_trend_of_the_table_in_force(
    snapshot: FeatureSnapshot, credit_model: Any, insurance_model: Any, parameters: ParameterBook
) -> None:
    """A later experience has less trend left up to the same cover, and none moves what is no damage."""
    own = equipment_filing(insurance_model, parameters.at(AS_OF), filing_number="F", effective=AS_OF.date())
    later = own.model_copy(update={"experience_middle": own.experience_middle + timedelta(days=365)})
    told = [
        {
            cover.bearer: cover
            for cover in price_exposure(
                snapshot, ASKED, credit=credit_model, insurance=insurance_model, parameters=parameters, filed=filed
            ).covers
        }
        for filed in (None, own, later)
    ]
    assert told[0] == told[1]
    damage, less = (each[Bearer.EQUIPMENT_UBI].alone_expected_minor for each in told[1:])
    assert damage == pytest.approx((1 + own.annual_trend) * less, abs=1)
    for bearer in (Bearer.GUARANTEE, Bearer.IDLE_COVER):
        assert told[1][bearer] == told[2][bearer]
    assert (
        told[1][Bearer.EXTENDED_WARRANTY].alone_expected_minor == told[2][Bearer.EXTENDED_WARRANTY].alone_expected_minor
    )


def test_the_parts_are_what_the_order_of_covers_pays_of_drawn_failures(snapshot: FeatureSnapshot, priced: Any) -> None:
    """Failures drawn one by one and shared out as claims are, at costs that give the same expected sums."""
    found = priced(snapshot)
    covers = {cover.bearer: cover for cover in found.covers}
    repairs, damage = (
        covers[bearer].alone_expected_minor for bearer in (Bearer.EXTENDED_WARRANTY, Bearer.EQUIPMENT_UBI)
    )
    failures, each_third = 3_000, 3
    repair, harm = repairs // failures, damage // (failures // each_third)
    in_force = [
        CoverInForce(product=product, machine_uid=None, starts=ASKED.starts, ends=ASKED.ends, deductible_minor=0, limit_minor=limit)
        for product, limit in ((InsuranceProduct.EXTENDED_WARRANTY, repair), (InsuranceProduct.EQUIPMENT_UBI, harm))
    ]  # fmt: skip
    paid = dict.fromkeys(InsuranceProduct, 0)
    for failure in range(failures):
        cost = harm if failure % each_third == 0 else repair
        loss = Loss(peril=Peril.BREAKDOWN, machine_uid=None, day=ASKED.starts, amount_minor=cost)
        for share in shared_out(loss, in_force):
            paid[share.product] += share.paid_minor
    for bearer in (Bearer.EXTENDED_WARRANTY, Bearer.EQUIPMENT_UBI):
        assert covers[bearer].expected_minor == pytest.approx(paid[InsuranceProduct(bearer.value)], rel=1e-3)


def test_more_work_lowers_the_chance_of_default_and_raises_wear(snapshot: FeatureSnapshot, priced: Any) -> None:
    told = [priced(with_work(snapshot, times)) for times in (0.6, 0.9, 1.0, 1.1, 1.4)]
    costs = {
        bearer: [next(cover.premium_minor for cover in each.covers if cover.bearer is bearer) for each in told]
        for bearer in (Bearer.GUARANTEE, Bearer.EXTENDED_WARRANTY, Bearer.EQUIPMENT_UBI, Bearer.IDLE_COVER)
    }
    chances, rates = [each.record.pd_12m for each in told], [each.loan_rate for each in told]
    frequencies = [each.claim_frequency for each in told]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[-1]
    assert rates == sorted(rates, reverse=True)
    assert costs[Bearer.GUARANTEE] == sorted(costs[Bearer.GUARANTEE], reverse=True)
    assert frequencies == sorted(frequencies)
    assert frequencies[0] < frequencies[-1]
    assert costs[Bearer.EXTENDED_WARRANTY] == sorted(costs[Bearer.EXTENDED_WARRANTY])
    assert costs[Bearer.IDLE_COVER] == sorted(costs[Bearer.IDLE_COVER], reverse=True)


def test_work_is_the_hours_and_the_time_in_use_and_never_beyond_the_day(snapshot: FeatureSnapshot) -> None:
    assert {HOURS, "operating_rate_90d", "utilisation_90d", "shift_depth_90d"} <= WORK
    assert "failure_rate_90d" not in WORK
    busy = with_work(snapshot, 10.0)
    for values in (busy.values, *busy.machines.values()):
        assert values[HOURS].value == 24.0
        assert values[RATES[0]].value == 1.0
    assert with_work(snapshot, 1.0).values == snapshot.values


def test_the_guarantee_against_the_loans_price(snapshot: FeatureSnapshot, priced: Any) -> None:
    found = priced(snapshot)
    checked = found.no_arbitrage
    assert checked.rate_alone == found.loan_rate
    assert checked.rate_guaranteed < checked.rate_alone
    assert checked.covers_expected_loss
    assert checked.gap == checked.premium_rate - (checked.rate_alone - checked.rate_guaranteed)
    assert 0 < checked.capital_saved < checked.saved
    assert checked.gap > 0  # a guarantor whose capital costs what the lender's does earns nothing by lending it cheaper


def test_a_loan_beyond_the_curve_is_refused(snapshot: FeatureSnapshot, priced: Any) -> None:
    with pytest.raises(InvalidRequest, match="61 months"):
        priced(snapshot, replace(ASKED, loan=replace(LOAN, tenor_months=61)))
