"""The rungs below a model, each fitted on its training months and asked about its test months."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss

from scoring.boosters import training_matrix
from scoring.credit.calibration import fit_logistic
from scoring.training.metrics import area_under_curve, calibration_slope
from scoring.training.rounds import growth_parameters
from scoring.training.scorecard import fit_scorecard
from scoring.training.validation.discrimination import area_gained
from scoring.training.validation.held_out import Examined

MODEL = "model"
NEVER_CERTAIN = 1e-6

Matrix = NDArray[np.float64]


def ladder(model: Examined, *, seed: int) -> list[dict[str, Any]]:
    """Every rung's figures on the test months, lowest first, and by how much the model's area exceeds it, on the same
    draws of firms. Empty where the test months lack defaults or others."""
    if not 0 < model.test.defaulted.mean() < 1:
        return []
    rungs: dict[str, Callable[[Examined, int], Matrix]] = {
        "intercept": _intercept,
        "one_feature": _one_feature,
        "scorecard": _scorecard,
        "free_trees": _free_trees,
    }
    said = {name: np.clip(rung(model, seed), NEVER_CERTAIN, 1 - NEVER_CERTAIN) for name, rung in rungs.items()}
    said[MODEL] = model.test.pd
    return [_line(model, name, pd, seed=seed) for name, pd in said.items()]


def _line(model: Examined, name: str, pd: Matrix, *, seed: int) -> dict[str, Any]:
    test = model.test
    log_odds = np.log(pd) - np.log1p(-pd)
    gained = None if name == MODEL else area_gained(test.pd, pd, test.defaulted, test.obligor_ids, seed=seed)
    return {
        "rung": name,
        "auc": area_under_curve(pd, test.defaulted).model_dump(),
        "brier": float(brier_score_loss(test.defaulted, pd)),
        "log_loss": float(log_loss(test.defaulted, pd, labels=[False, True])),
        "calibration_slope": None if np.ptp(pd) == 0 else calibration_slope(log_odds, test.defaulted).model_dump(),
        "model_gains": None if gained is None else gained.model_dump(),
    }


def _intercept(model: Examined, _: int) -> Matrix:
    return np.full(len(model.test.pd), float(model.train.defaulted.mean()))


def _one_feature(model: Examined, _: int) -> Matrix:
    """The input that alone tells the training months best, by its rank there (missing at its sign's worse end)."""
    train = model.train
    areas = {
        at: area_under_curve(_ranked(model, at, train.values), train.defaulted).value
        for at, feature in enumerate(model.artefact.card.features)
        if feature.sign
    }
    best = max(areas, key=lambda at: areas[at])
    before, after = (_ranked(model, best, rows.values) for rows in (train, model.test))
    intercept, slope = fit_logistic(before[:, None], train.defaulted)
    return np.asarray(expit(intercept + slope * after))


def _ranked(model: Examined, column: int, values: Matrix) -> Matrix:
    """Ranks among the training rows (0 to 1), the riskier the higher; missing is 1."""
    sign = model.artefact.card.features[column].sign
    known = np.sort(sign * model.train.values[:, column])
    known = known[~np.isnan(known)]
    place = np.searchsorted(known, sign * values[:, column], side="right") / max(1, len(known))
    return np.where(np.isnan(values[:, column]), 1.0, place)


def _scorecard(model: Examined, _: int) -> Matrix:
    return fit_scorecard(model.train.values, model.train.defaulted).pd(model.test.values)


def _free_trees(model: Examined, seed: int) -> Matrix:
    """One booster of as many rounds without monotone constraints."""
    card = model.artefact.card
    free = tuple(feature.model_copy(update={"sign": 0}) for feature in card.features)
    how = growth_parameters(
        free,
        model.parameters["credit_model"],
        objective="binary:logistic",
        base_score=float(model.train.defaulted.mean()),
        seed=seed,
    )
    matrix = training_matrix(model.train.values, model.train.defaulted.astype(np.float64))
    booster = xgb.train(how, matrix, num_boost_round=card.rounds)
    return np.asarray(booster.predict(xgb.DMatrix(model.test.values)), dtype=np.float64)
