"""Fixtures of the scoring room: one small book, trained once."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from scoring_book import SEED, credit_signs, credit_training_set, insurance_training_set, make_world, measured, month

from data_contracts.reference.dated import ParameterBook, load_book
from features.as_of import CreditTrainingSet, InsuranceTrainingSet
from scoring.credit.artefact import CreditArtefact
from scoring.insurance.artefact import InsuranceArtefact
from scoring.training.credit import train_credit
from scoring.training.insurance import train_insurance
from scoring.training.split import TimeSplit, time_split


@pytest.fixture(scope="session")
def parameters() -> ParameterBook:
    return load_book(files("scoring") / "parameters")


@pytest.fixture(scope="session")
def split() -> TimeSplit:
    return time_split([month(index) for index in range(3, 36)])


@pytest.fixture(scope="session")
def credit_data() -> CreditTrainingSet:
    return credit_training_set(make_world(obligors=900, seed=11), range(3, 36))


@pytest.fixture(scope="session")
def credit_model(credit_data: CreditTrainingSet, split: TimeSplit, parameters: ParameterBook) -> CreditArtefact:
    return train_credit(credit_data, split=split, parameters=parameters, seed=SEED)


@pytest.fixture(scope="session")
def insurance_data() -> InsuranceTrainingSet:
    return insurance_training_set(machines=900, months=range(3, 36, 6), seed=13)


@pytest.fixture(scope="session")
def insurance_model(insurance_data: InsuranceTrainingSet, parameters: ParameterBook) -> InsuranceArtefact:
    return train_insurance(insurance_data, parameters=parameters, seed=SEED)


@pytest.fixture(scope="session")
def rows() -> np.ndarray:
    """Forty obligors' features, from sound to sick."""
    return measured(np.linspace(2, -2, 40), signs=credit_signs(), seed=5)
