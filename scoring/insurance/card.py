"""The card of a model of claims."""

from __future__ import annotations

from datetime import date
from typing import Literal

from data_contracts.vocabulary import DataOrigin
from scoring.cards import DataCut, Estimate, Frozen, Libraries, ModelFeature, Slice
from scoring.insurance.tariff import FiledFactor


class InsuranceMetrics(Frozen):
    """How the claim frequency did on months that nothing was fitted on; the deviance is Poisson, a machine-year."""

    actual_to_expected_train: float
    actual_to_expected_test: Estimate | None
    deviance: float
    deviance_of_portfolio_rate: float


class EquipmentTable(Frozen):
    """The model as base x relativities of few features, rounded as printed, to be filed.

    Inside `lowest` and `highest` the table expects on the training rows the claims observed there
    (`actual_to_expected`, 1 but for the base's rounding). `cost_share` is what a claim costs as a share of the
    machine's sum insured, each capped at `large_loss_from` of it; what lies above is pooled over the book as
    `large_loss_share` of that, so that both together cost what was paid. `experience_middle` is the day that the
    claims stand around. `difference` is the mean absolute difference of table and model, by exposure, as a share of the
    model's mean.
    """

    base_rate: float
    lowest: float
    highest: float
    factors: tuple[FiledFactor, ...]
    cost_share: float
    large_loss_from: float
    large_loss_share: float
    experience_middle: date
    actual_to_expected: float
    difference: float


class InsuranceCard(Frozen):
    """Card of a model of claim frequency a machine-year and of the mean claim's share of the sum insured.

    A machine's frequency is exp(margin) x `balance_factor`, the margin started at ln `portfolio_rate`. `table` is what
    can be filed of it; models of before have none.
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
    table: EquipmentTable | None = None
