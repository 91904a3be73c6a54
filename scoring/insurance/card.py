"""The card of a model of claims."""

from __future__ import annotations

from typing import Literal

from data_contracts.vocabulary import DataOrigin
from scoring.cards import DataCut, Estimate, Frozen, Libraries, ModelFeature, Slice


class InsuranceMetrics(Frozen):
    """How the claim frequency did on months that nothing was fitted on; the deviance is Poisson, a machine-year."""

    actual_to_expected_train: float
    actual_to_expected_test: Estimate | None
    deviance: float
    deviance_of_portfolio_rate: float


class InsuranceCard(Frozen):
    """Card of a model of claim frequency a machine-year and of the mean claim's share of the sum insured.

    A machine's frequency is exp(margin) x `balance_factor`, the margin started at ln `portfolio_rate`.
    """

    format: Literal[1] = 1
    kind: Literal["insurance"] = "insurance"
    data_origin: DataOrigin
    statement: str | None
    features: tuple[ModelFeature, ...]
    portfolio_rate: float
    balance_factor: float
    damage_ratio: float
    train: Slice
    test: Slice
    exposure_machine_years: float
    embargo_months: int
    metrics: InsuranceMetrics
    rounds: int
    hyperparameters: dict[str, float]
    seed: int
    libraries: Libraries
    catalogue_version: str
    parameters_version: str
    data_cut: DataCut | None
