"""Claim frequency: a GLM, monotone trees grown from its linear predictor, and the balance that trees lose, restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.boosters import to_bytes
from scoring.insurance.balance import Autocalibration, fit_autocalibration, global_factor
from scoring.insurance.linear import LinearPredictor
from scoring.table.card import TableFeature
from scoring.training.claims.glm import bandings_of, fit_linear
from scoring.training.claims.monotone import with_signs
from scoring.training.claims.sample import ClaimsSample, matrix_of
from scoring.training.features import fold_of

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

CLAIMS_A_LEVEL = 200
"""The balance at one level rests on so many claims or more: seven per cent of chance at most."""

SHARED = ("eta", "subsample", "colsample_bytree", "reg_lambda", "min_child_weight")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedFrequency:
    """The model as it is asked: `logs` of the frequency from the GLM, the trees on top, then the balance.

    `depth` and `rounds` are those that folds inside the training rows chose; `deviances` the Poisson log-losses of each
    depth's best round there, so that the choice can be read.
    """

    features: tuple[TableFeature, ...]
    linear: LinearPredictor
    member: bytes
    booster: Any
    balance: Autocalibration
    depth: int
    rounds: int
    deviances: Mapping[int, float]

    def logs(self, rows: Matrix) -> Vector:
        """The logarithm of the balanced claim frequency a unit of exposure, of encoded rows (n, k)."""
        return self.balance.logs(self.raw_logs(rows))

    def raw_logs(self, rows: Matrix) -> Vector:
        """The same before the balance: what the trees say."""
        matrix = matrix_of(rows, self.features, start=self.linear.logs(rows))
        return np.asarray(self.booster.predict(matrix, output_margin=True), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One fold: what was grown without it, and its own rows."""

    held: NDArray[np.bool_]
    train: xgb.DMatrix
    test: xgb.DMatrix


def fit_frequency(sample: ClaimsSample, *, settings: Mapping[str, Any], seed: int) -> FittedFrequency:
    """Fit on a sample; the same one, settings and seed give the same model.

    Folds of whole groups choose depth and rounds by Poisson log-loss, each fold with a GLM of its own; what the chosen
    trees say of rows that they had not seen fits the balance at every level, and the sum is then that of the claims.
    """
    sides = _sides(sample, settings, seed)
    tried = {depth: _curves(sides, _growth(sample, settings, depth, seed), settings) for depth in settings["depths"]}
    depth = min(tried, key=lambda name: float(tried[name][0].min()))
    losses, boosters = tried[depth]
    rounds = int(np.argmin(losses)) + 1
    unseen = np.zeros(len(sample.rows))
    for side, booster in zip(sides, boosters, strict=True):
        unseen[side.held] = booster.predict(side.test, output_margin=True, iteration_range=(0, rounds))
    unseen -= np.log(sample.exposure)
    raw = grow(sample, depth=depth, rounds=rounds, settings=settings, seed=seed)
    bands = max(1, min(settings["balance_bands"], int(sample.counts.sum() / CLAIMS_A_LEVEL)))
    balance = fit_autocalibration(unseen, sample.counts, sample.exposure, bands=bands)
    deviances = {name: float(curve.min()) for name, (curve, _) in tried.items()}
    return _balanced(replace(raw, balance=balance, deviances=deviances), sample)


def grow(sample: ClaimsSample, *, depth: int, rounds: int, settings: Mapping[str, Any], seed: int) -> FittedFrequency:
    """GLM and trees of known depth and rounds, balanced in sum alone: for splits whose settings were chosen before."""
    linear = fit_glm(sample, bands=settings["bands"])
    growth = _growth(sample, settings, depth, seed)
    booster = xgb.train(growth, sample.matrix(linear.logs(sample.rows)), num_boost_round=rounds)
    grown = FittedFrequency(
        features=sample.features,
        linear=linear,
        member=to_bytes(booster),
        booster=booster,
        balance=Autocalibration(),
        depth=depth,
        rounds=rounds,
        deviances={},
    )
    return _balanced(grown, sample)


def fit_glm(sample: ClaimsSample, *, bands: int) -> LinearPredictor:
    """The Poisson GLM of a sample: claim counts with exposure as offset over banded factors, signed ones monotone."""
    bandings = bandings_of(
        sample.rows, sample.features, sample.exposure, bands=bands, claims=float(sample.counts.sum())
    )
    ones = np.ones(len(sample.counts))
    free = fit_linear(sample.rows, sample.counts, ones, bandings, family="poisson", offset=np.log(sample.exposure))
    return with_signs(free, sample.rows, sample.counts, sample.exposure, sample.features)


def _balanced(fitted: FittedFrequency, sample: ClaimsSample) -> FittedFrequency:
    """The same model, its expected claims on the training rows those that were observed."""
    expected = sample.exposure * np.exp(fitted.logs(sample.rows))
    factor = fitted.balance.factor * global_factor(sample.counts, expected)
    return replace(fitted, balance=fitted.balance.model_copy(update={"factor": factor}))


def _sides(sample: ClaimsSample, settings: Mapping[str, Any], seed: int) -> list[_Side]:
    own = fold_of(sample.groups, settings["folds"], seed=seed)
    made = []
    for fold in np.unique(own):
        held = own == fold
        grown, judged = sample.part(~held), sample.part(held)
        linear = fit_glm(grown, bands=settings["bands"])
        made.append(
            _Side(held=held, train=grown.matrix(linear.logs(grown.rows)), test=judged.matrix(linear.logs(judged.rows)))
        )
    return made


def _growth(sample: ClaimsSample, settings: Mapping[str, Any], depth: int, seed: int) -> dict[str, Any]:
    return {
        "objective": "count:poisson",
        "tree_method": "hist",
        "base_score": 1.0,
        "monotone_constraints": tuple(int(feature.sign) for feature in sample.features),
        "max_depth": depth,
        "nthread": settings["threads"],
        "seed": seed,
        **{name: settings[name] for name in SHARED},
    }


def _curves(sides: Sequence[_Side], growth: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Vector, list[Any]]:
    """Mean log-loss over all held-back rows after each round, and the boosters of the folds.

    Growing stops once the first fold's loss has not fallen for a while; the others grow as long.
    """
    total: Vector = np.zeros(settings["maximum_rounds"])
    boosters: list[Any] = []
    rows = 0
    for side in sides:
        told: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            dict(growth),
            side.train,
            num_boost_round=len(total),
            evals=[(side.test, "held")],
            evals_result=told,
            verbose_eval=False,
            early_stopping_rounds=settings["patience"] if not boosters else None,
        )
        (curve,) = told["held"].values()
        total = total[: len(curve)] + side.test.num_row() * np.array(curve)
        rows += side.test.num_row()
        boosters.append(booster)
    return total / rows, boosters
