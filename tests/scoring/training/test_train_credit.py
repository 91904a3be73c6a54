"""Training finds what the book holds, says what it did, and gives the same model again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scoring_book import NAMES, SEED, credit_training_set, make_world, month

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.as_of import CreditTrainingSet
from features.bounded import is_bounded
from features.catalogue import CATALOGUE
from scoring.cards import ModelFeature
from scoring.credit.artefact import CreditArtefact
from scoring.errors import EmbargoViolated, NotEnoughEvents
from scoring.training.credit import train_credit
from scoring.training.split import TimeSplit


def test_the_model_orders_and_is_calibrated(credit_model: CreditArtefact) -> None:
    metrics = credit_model.card.metrics
    assert metrics.auc is not None
    assert metrics.auc.value > 0.65  # health itself reaches about 0.76 on this book
    assert metrics.log_loss < metrics.log_loss_of_base_rate
    assert metrics.calibration_in_the_large is not None
    assert metrics.calibration_in_the_large.lower < 0 < metrics.calibration_in_the_large.upper
    assert metrics.calibration_slope is not None
    assert metrics.calibration_slope.lower < 1 < metrics.calibration_slope.upper


def without_peers(model: CreditArtefact) -> list[ModelFeature]:
    """The card's features but for the figures of the reference group, which the calibration months give."""
    return [feature.model_copy(update={"peer_median": None}) for feature in model.card.features]


def test_the_card_says_what_was_done(
    credit_model: CreditArtefact, credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    card = credit_model.card
    assert (card.kind, card.data_origin, card.seed) == ("credit", DataOrigin.SYNTHETIC, SEED)
    assert card.statement == "synthetic; effect sizes are inputs, not findings"
    assert (card.train.as_ofs, card.calibrate.as_ofs, card.test.as_ofs) == (split.train, split.calibrate, split.test)
    last = np.datetime64(split.test[0].replace(tzinfo=None))
    assert card.test.events == int(credit_data.defaulted[credit_data.as_of == last].sum())
    assert card.test.rows == card.test.obligors == int((credit_data.as_of == last).sum())
    assert card.pd_steps == ("calibrated_beta", "central_tendency", "floor", "ceiling")
    assert card.calibrator.method == "beta"
    assert card.calibrate.events >= 60
    assert len(credit_model.bag.members) == 30
    assert card.parameters_version == parameters.version


def _is_input(key: str) -> bool:
    return CATALOGUE[key].credit_risk != 0 and (is_bounded(CATALOGUE[key]) or CATALOGUE[key].name == "scrap_ratio")


def test_inputs_are_the_catalogues_signed_features_that_are_bounded_or_named(credit_model: CreditArtefact) -> None:
    features = credit_model.card.features
    assert [item.key for item in features] == [key for key in CATALOGUE if _is_input(key)]
    assert all(item.sign == CATALOGUE[item.key].credit_risk for item in features)
    for item in features:
        assert item.peer_median is not None
        assert item.adverse_value is not None
        assert (item.adverse_value - item.peer_median) * item.sign > 0


def test_the_same_data_in_any_order_gives_the_same_model(
    credit_data: CreditTrainingSet, credit_model: CreditArtefact, split: TimeSplit, parameters: ParameterBook
) -> None:
    shuffled = np.random.default_rng(1).permutation(len(credit_data.obligor_ids))
    data = credit_data.at(shuffled)
    assert train_credit(data, split=split, parameters=parameters, seed=SEED).version == credit_model.version


def test_the_shape_of_hazards_is_of_training_obligors_up_to_the_test_months(
    credit_model: CreditArtefact, credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    hazard = credit_model.card.hazard
    assert hazard is not None
    assert hazard.observed_months == 35 - 3  # from the first training month to the test month
    assert hazard.first_slope > hazard.last_slope > 0  # what is known today says less and less
    assert 0 < hazard.defaults < hazard.months_at_risk
    bare = train_credit(replace(credit_data, lives=None), split=split, parameters=parameters, seed=SEED)
    assert bare.card.hazard is None
    assert bare.bag.members == credit_model.bag.members


def test_another_seed_gives_another_model(
    credit_data: CreditTrainingSet, credit_model: CreditArtefact, split: TimeSplit, parameters: ParameterBook
) -> None:
    other = train_credit(credit_data, split=split, parameters=parameters, seed=SEED + 1)
    assert other.bag.members != credit_model.bag.members


def test_months_under_embargo_are_never_seen(
    credit_data: CreditTrainingSet, credit_model: CreditArtefact, split: TimeSplit, parameters: ParameterBook
) -> None:
    used = np.array([instant.replace(tzinfo=None) for instant in split.as_ofs], dtype="datetime64[us]")
    between = ~np.isin(credit_data.as_of, used)
    assert between.any()
    spoilt = np.where(between[:, None], 999.0, credit_data.values)
    data = replace(credit_data, values=spoilt, defaulted=credit_data.defaulted ^ between)
    assert train_credit(data, split=split, parameters=parameters, seed=SEED).version == credit_model.version


def test_later_slices_do_not_touch_the_trees(
    credit_data: CreditTrainingSet, credit_model: CreditArtefact, split: TimeSplit, parameters: ParameterBook
) -> None:
    last_of_train = np.datetime64(max(split.train).replace(tzinfo=None))
    later = credit_data.as_of > last_of_train
    data = replace(credit_data, values=np.where(later[:, None], credit_data.values + 0.1, credit_data.values))
    other = train_credit(data, split=split, parameters=parameters, seed=SEED)
    assert other.bag.members == credit_model.bag.members
    assert without_peers(other) == without_peers(credit_model)
    assert other.card.calibrator != credit_model.card.calibrator


def test_a_book_without_signal_finds_none(split: TimeSplit, parameters: ParameterBook) -> None:
    null_world = credit_training_set(make_world(obligors=900, seed=21, base_log_odds=-5.5, slope=0.0), range(3, 36))
    metrics = train_credit(null_world, split=split, parameters=parameters, seed=SEED).card.metrics
    assert metrics.auc is not None
    assert metrics.auc.lower <= 0.5 <= metrics.auc.upper


def test_too_few_defaults_are_named(
    credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    no_defaults = replace(credit_data, defaulted=np.zeros_like(credit_data.defaulted))
    with pytest.raises(NotEnoughEvents, match="Slice train has 0 defaults"):
        train_credit(no_defaults, split=split, parameters=parameters, seed=SEED)


def test_a_test_month_without_rows_is_named(
    credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    unseen = replace(split, test=(month(47),))
    with pytest.raises(NotEnoughEvents, match="Slice test has 0 defaults among 0 rows"):
        train_credit(credit_data, split=unseen, parameters=parameters, seed=SEED)


def test_an_overlapping_split_is_refused(credit_data: CreditTrainingSet, parameters: ParameterBook) -> None:
    overlapping = TimeSplit(train=(month(3),), calibrate=(month(10),), test=(month(30),))
    with pytest.raises(EmbargoViolated):
        train_credit(credit_data, split=overlapping, parameters=parameters, seed=SEED)


def test_the_features_of_the_set_may_stand_in_any_order(
    credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook
) -> None:
    turned = replace(credit_data, names=list(reversed(NAMES)), values=credit_data.values[:, ::-1])
    card = train_credit(turned, split=split, parameters=parameters, seed=SEED).card
    assert all(item.sign == CATALOGUE[item.key].credit_risk for item in card.features)
    assert [item.key for item in card.features] == [key for key in reversed(NAMES) if _is_input(key)]
