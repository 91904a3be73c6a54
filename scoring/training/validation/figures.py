"""All figures of a validation pack, as plain values: computed when a model is trained and kept beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from scoring.credit.artefact import CreditArtefact
from scoring.monitoring.stability import bins_of, stability
from scoring.training.split import rows_at
from scoring.training.validation.calibration import calibration, cohorts
from scoring.training.validation.discrimination import discrimination
from scoring.training.validation.groups import Segments, fairness
from scoring.training.validation.held_out import Examined, HeldOut, examined
from scoring.training.validation.ladder import ladder
from scoring.training.validation.membership import membership
from scoring.training.validation.robustness import explanations, monotonicity, outage, shocks

FORMAT = 1
SIZE_FEATURE = "log_energy_90d"
"""By which firms are parted into small, middle and large: the energy of their machines."""


def validation_figures(
    artefact: CreditArtefact, data: CreditTrainingSet, parameters: ParameterBook, *, segments: Segments
) -> dict[str, Any]:
    """What a validator asks of the model, on the months that its card names. `segments` part obligors, as by region.

    The same model, data and parameters give the same figures.
    """
    model, seed = examined(artefact, data, parameters), artefact.card.seed
    return {
        "format": FORMAT,
        "model_version": artefact.version,
        "parameters_version": parameters.version,
        "statement": artefact.card.statement,
        "discrimination": discrimination(model.test, _held_back(model), seed=seed),
        "calibration": calibration(model.test, seed=seed),
        "cohorts": cohorts((model.train, model.calibrate, model.test)),
        "stability": _stability(model),
        "ladder": ladder(model, seed=seed),
        "monotonicity": monotonicity(model, seed=seed),
        "shocks": shocks(model),
        "outage": outage(model, seed=seed),
        "explanations": explanations(model, seed=seed),
        "fairness": fairness(model, segments, _sizes(model, data)),
        "membership": membership(model),
        "bins": _bins(model),
    }


def _held_back(model: Examined) -> HeldOut:
    """The months on which no tree was grown."""
    parts = (model.calibrate, model.test)
    return HeldOut(
        values=np.concatenate([part.values for part in parts]),
        pd=np.concatenate([part.pd for part in parts]),
        defaulted=np.concatenate([part.defaulted for part in parts]),
        obligor_ids=np.concatenate([part.obligor_ids for part in parts]),
        as_of=np.concatenate([part.as_of for part in parts]),
    )


def _stability(model: Examined) -> dict[str, Any]:
    """The test months against the training months: the score, and each input, the one that moved most first."""
    settings = model.parameters["drift_alarms"]

    def told(then: Any, now: Any) -> dict[str, Any]:
        """One index."""
        found = stability(bins_of(then, count=settings["bins"]), now, settings)
        return {"psi": found.psi, "expected_by_chance": found.expected_by_chance, "drift": found.drift.value}

    features = [
        {"feature": feature.key, **told(model.train.values[:, at], model.test.values[:, at])}
        for at, feature in enumerate(model.artefact.card.features)
    ]
    return {
        "score": told(model.train.log_odds, model.test.log_odds),
        "features": sorted(features, key=lambda item: (-item["psi"], item["feature"])),
    }


def _bins(model: Examined) -> dict[str, Any]:
    """What monitoring compares later populations with: the score and the inputs of the test months."""
    count = model.parameters["drift_alarms"]["bins"]
    return {
        "log_odds": bins_of(model.test.log_odds, count=count).plain(),
        "features": {
            feature.key: bins_of(model.test.values[:, at], count=count).plain()
            for at, feature in enumerate(model.artefact.card.features)
        },
    }


def _sizes(model: Examined, data: CreditTrainingSet) -> Any:
    """The size feature of the test rows, whether the model reads it or not; None where the data lack it."""
    names = list(data.names)
    if SIZE_FEATURE not in names:
        return None
    rows = rows_at(data.as_of, data.obligor_ids, model.artefact.card.test.as_ofs)
    return data.values[rows, names.index(SIZE_FEATURE)]
