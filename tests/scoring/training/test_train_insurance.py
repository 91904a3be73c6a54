"""Claim frequency: balanced on what was seen, better than one rate for all, and saying what it did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb
from scoring_book import SEED, month

from data_contracts.reference.dated import ParameterBook
from features.as_of import InsuranceTrainingSet
from features.catalogue import CATALOGUE
from scoring.errors import EmbargoViolated, NotEnoughEvents
from scoring.insurance.artefact import InsuranceArtefact
from scoring.training.insurance import damage_ratio, train_insurance


def columns_of(model: InsuranceArtefact, data: InsuranceTrainingSet) -> list[int]:
    return [list(data.names).index(item.key) for item in model.card.features]


def test_expected_claims_equal_observed_ones_in_training(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet
) -> None:
    card = insurance_model.card
    assert card.metrics.actual_to_expected_train == pytest.approx(1, abs=1e-12)
    last = np.datetime64(max(card.train.as_ofs).replace(tzinfo=None))
    seen = insurance_data.as_of <= last
    values = insurance_data.values[np.ix_(seen, columns_of(insurance_model, insurance_data))]
    margins = insurance_model.bag.margins(values, base_margin=np.log(card.portfolio_rate))[0]
    expected = (insurance_data.exposure_years[seen] * np.exp(margins) * card.balance_factor).sum()
    assert insurance_data.claim_counts[seen].sum() == pytest.approx(expected, rel=1e-6)
    assert card.balance_factor == pytest.approx(1, abs=0.03)


def test_the_model_beats_one_rate_for_all(insurance_model: InsuranceArtefact) -> None:
    metrics = insurance_model.card.metrics
    assert metrics.deviance < metrics.deviance_of_portfolio_rate
    assert metrics.actual_to_expected_test is not None
    assert metrics.actual_to_expected_test.lower < 1 < metrics.actual_to_expected_test.upper


def test_a_years_exposure_is_two_halves(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet
) -> None:
    """Exposure as offset: a row of one year expects what two half-year rows expect together."""
    row = insurance_data.values[:1, columns_of(insurance_model, insurance_data)]
    booster = insurance_model.bag.boosters[0]
    margins = [
        booster.predict(xgb.DMatrix(row, base_margin=np.log([years * insurance_model.card.portfolio_rate])))[0]
        for years in (1.0, 0.5)
    ]
    assert margins[0] == pytest.approx(2 * margins[1], rel=1e-6)


def test_the_last_year_is_kept_for_the_test(insurance_model: InsuranceArtefact) -> None:
    assert insurance_model.card.train.as_ofs == tuple(month(index) for index in (3, 9, 15, 21))
    assert insurance_model.card.test.as_ofs == (month(33),)


def test_inputs_are_the_catalogues_signed_features(insurance_model: InsuranceArtefact) -> None:
    expected = {key: item.insurance_risk for key, item in CATALOGUE.items() if item.insurance_risk != 0}
    assert {item.key: item.sign for item in insurance_model.card.features} == expected


def test_the_damage_ratio_weighs_each_claim_with_its_sum_insured() -> None:
    # two claims of 30 and 10 on machines insured for 200, none on a third: 40 / 400
    ratio = damage_ratio(np.array([40.0, 0.0]), np.array([2.0, 0.0]), np.array([200.0, 900.0]))
    assert ratio == pytest.approx(0.10)


def test_severity_is_that_of_the_training_slice(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet
) -> None:
    assert insurance_model.card.damage_ratio == pytest.approx(0.06, abs=0.004)  # gamma(2, 0.03) has mean 0.06
    last = np.datetime64(max(insurance_model.card.train.as_ofs).replace(tzinfo=None))
    claims = insurance_data.claim_counts[insurance_data.as_of <= last].sum()
    assert insurance_model.card.train.events == claims


def test_the_same_data_in_any_order_gives_the_same_model(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet, parameters: ParameterBook
) -> None:
    order = np.random.default_rng(2).permutation(len(insurance_data.machine_uids))
    arrays = (
        "as_of",
        "observed_until",
        "values",
        "exposure_years",
        "claim_counts",
        "claim_amounts_minor",
        "sums_insured_minor",
    )
    lists = ("machine_uids", "obligor_ids", "currencies")
    shuffled = replace(
        insurance_data,
        **{name: getattr(insurance_data, name)[order] for name in arrays},
        **{name: [getattr(insurance_data, name)[row] for row in order] for name in lists},
    )
    assert train_insurance(shuffled, parameters=parameters, seed=SEED).version == insurance_model.version


def test_rows_without_exposure_change_nothing(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet, parameters: ParameterBook
) -> None:
    kept = np.arange(len(insurance_data.machine_uids)) % 50 != 0
    uncovered = replace(insurance_data, exposure_years=np.where(kept, insurance_data.exposure_years, 0.0))
    card = train_insurance(uncovered, parameters=parameters, seed=SEED).card
    assert card.train.rows < insurance_model.card.train.rows
    assert card.metrics.actual_to_expected_train == pytest.approx(1, abs=1e-12)


def test_too_few_claims_are_named(insurance_data: InsuranceTrainingSet, parameters: ParameterBook) -> None:
    quiet = replace(insurance_data, claim_counts=np.zeros_like(insurance_data.claim_counts))
    with pytest.raises(NotEnoughEvents, match="0 claims"):
        train_insurance(quiet, parameters=parameters, seed=SEED)


def test_less_than_a_year_is_named(insurance_data: InsuranceTrainingSet, parameters: ParameterBook) -> None:
    first = insurance_data.as_of == insurance_data.as_of.min()
    short = replace(insurance_data, as_of=np.where(first, insurance_data.as_of, insurance_data.as_of.min()))
    with pytest.raises(EmbargoViolated):
        train_insurance(short, parameters=parameters, seed=SEED)
