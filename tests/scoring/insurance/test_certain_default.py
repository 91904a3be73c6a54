"""A life in which default is certain, as a shape of hazards that rises without end makes it: every price stays one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot, FeatureValue
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.coherence import Peril
from scoring.insurance.offers.guarantee import guarantee_quote
from scoring.insurance.offers.idle import RATES
from scoring.insurance.offers.one_exposure import Bearer, OneExposure, price_exposure
from scoring.insurance.offers.warranty import FAILURES, HOURS
from scoring.records import CreditProduct, CreditRequest, InsuranceProduct, QuoteRequest

MONTHS = 60
RISING = {"intercept": -4.0, "month_slope": 60.0, "first_slope": 1.0, "last_slope": 1.0}
OWED_MINOR = 120_000_000


@pytest.fixture
def certain(credit_model: CreditArtefact) -> CreditArtefact:
    """The model with hazards that reach 1 within five years."""
    hazard = credit_model.card.hazard
    assert hazard is not None
    card = credit_model.card.model_copy(update={"hazard": hazard.model_copy(update=RISING)})
    return replace(credit_model, card=card)


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    made = make_snapshot(rows[20], machines=measured(np.array([0.5, -0.5]), signs=insurance_signs(), seed=9))
    told = {HOURS: 6.0, FAILURES: 1.5, "industry_yoy_90d": 0.0, **dict.fromkeys(RATES, 0.6)}
    changed = {
        key: FeatureValue(value=value, unit="1", window_days=90, missing=None, adverse_value=value)
        for key, value in told.items()
    }
    machines = {uid: {**values, **changed} for uid, values in made.machines.items()}
    return replace(made, values={**made.values, **changed}, machines=machines)


def test_a_guarantee_of_a_certain_default_costs_no_more_than_is_owed(
    snapshot: FeatureSnapshot, certain: CreditArtefact, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    curve = score(snapshot, certain, parameters).term_structure
    assert curve.pd(MONTHS) == 1.0
    assert 0 < curve.pd(12) < 1
    asked = QuoteRequest(
        obligor_id=OBLIGOR, product=InsuranceProduct.GUARANTEE, sum_insured_minor=OWED_MINOR, currency="CNY",
        starts=date(2026, 7, 1), ends=date(2031, 6, 30), machines=(), as_of=AS_OF,
    )  # fmt: skip
    found, usual = (guarantee_quote(snapshot, asked, model, parameters) for model in (certain, credit_model))
    assert found.gross_premium_minor == usual.gross_premium_minor  # by the filed table of the grade
    assert usual.filed.model_rate < found.filed.model_rate
    # every default loses 0.4 x 0.8 of what is owed then, with the margin and five years of capital at most
    most = 5 * 0.36 * OWED_MINOR * 61 / 120
    assert found.filed.model_rate * most < 0.4 * 0.8 * OWED_MINOR * 1.15 + 5 * 0.05 * OWED_MINOR


def test_one_exposure_adds_up_when_its_default_is_certain(
    snapshot: FeatureSnapshot, certain: CreditArtefact, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    loan = CreditRequest(
        obligor_id=OBLIGOR, product=CreditProduct.WORKING_CAPITAL, amount_minor=OWED_MINOR, currency="CNY",
        tenor_months=MONTHS, as_of=AS_OF,
    )  # fmt: skip
    asked = OneExposure(
        loan=loan,
        equipment_minor=80_000_000,
        fixed_cost_minor=30_000_000,
        starts=date(2026, 7, 1),
        ends=date(2027, 6, 30),
    )
    found = price_exposure(snapshot, asked, credit=certain, insurance=insurance_model, parameters=parameters)
    steps = np.diff([0.0, *found.record.term_structure.cumulative_pd])
    owed = np.array(found.exposures_minor)
    discount = 1.03 ** (-np.arange(1, MONTHS + 1) / 12)
    assert steps.sum() == pytest.approx(1)
    assert found.loss_minor(Peril.DEFAULT) == pytest.approx(float(found.lgd) * (steps * owed * discount).sum(), abs=1)
    guarantee = next(cover for cover in found.covers if cover.bearer is Bearer.GUARANTEE)
    assert guarantee.expected_minor == pytest.approx(0.8 * found.loss_minor(Peril.DEFAULT), abs=1)
    assert found.no_arbitrage.covers_expected_loss
