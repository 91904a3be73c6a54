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
from scoring.training.claims.rounds import Curve, Side, grown_in_step, loses_more, unseen_margins
from scoring.training.claims.sample import ClaimsSample, matrix_of
from scoring.training.features import fold_of

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

CLAIMS_A_LEVEL = 200
"""The balance at one level rests on so many claims or more: seven per cent of chance at most."""

SHARED = ("eta", "subsample", "colsample_bytree", "reg_lambda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How trees grow: their depth, and xgboost's least sum of hessians in a leaf (`min_child_weight`): expected claims,
    twice over, since `count:poisson` takes its hessian at a step of 0.7."""

    depth: int
    leaf: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedFrequency:
    """The model as it is asked: `logs` of the frequency from the GLM, the trees on top, then the balance.

    `growth` and `rounds` are those that folds inside the training rows chose, 0 rounds where trees say nothing beyond
    the GLM; `losses` the Poisson log-losses there of the GLM and of each growth's best round, so that the choice can
    be read; `lowest` the growth and rounds that lose least there, whether or not by more than chance.
    """

    features: tuple[TableFeature, ...]
    linear: LinearPredictor
    member: bytes
    booster: Any
    balance: Autocalibration
    growth: Growth
    rounds: int
    losses: Mapping[str, float]
    lowest: tuple[Growth, int]

    def logs(self, rows: Matrix) -> Vector:
        """The logarithm of the balanced claim frequency a unit of exposure, of encoded rows (n, k)."""
        return self.balance.logs(self.raw_logs(rows))

    def raw_logs(self, rows: Matrix) -> Vector:
        """The same before the balance: what the trees say."""
        matrix = matrix_of(rows, self.features, start=self.linear.logs(rows))
        return np.asarray(self.booster.predict(matrix, output_margin=True), dtype=np.float64)


def fit_frequency(
    sample: ClaimsSample, *, settings: Mapping[str, Any], seed: int, folds: Places | None = None
) -> FittedFrequency:
    """Fit on a sample; the same one, settings and seed give the same model.

    Folds choose the growth among the settings' and its rounds by Poisson log-loss over all held-back rows, each fold
    with a GLM of its own: the simplest that loses no more than one standard error. What it says of rows that it had not
    seen fits the balance at every level, of the GLM alone too, and the sum is then that of the claims. `folds` (n) is
    the fold of each row, drawn as the rows will be that the model is to price; without it, folds are of whole groups.
    """
    sides = _sides(sample, settings, fold_of(sample.groups, settings["folds"], seed=seed) if folds is None else folds)
    tried = {
        growth: grown_in_step(
            sides,
            _growth(sample, settings, growth, seed),
            maximum=settings["maximum_rounds"],
            patience=settings["patience"],
        )
        for growth in growths(settings)
    }
    lowest = min(tried, key=lambda growth: tried[growth].lowest)
    growth, rounds, unseen = _simplest(sides, tried, lowest, sample)
    raw = grow(sample, growth=growth, rounds=rounds, settings=settings, seed=seed)
    balance = _balance(sample, unseen - np.log(sample.exposure), [side.held for side in sides], settings)
    losses = {"glm": float(tried[growth].losses[0])}
    losses |= {f"depth {one.depth}, leaf {one.leaf:g}": found.lowest for one, found in tried.items()}
    told = replace(raw, balance=balance, losses=losses, lowest=(lowest, tried[lowest].rounds))
    return _balanced(told, sample)


def growths(settings: Mapping[str, Any]) -> tuple[Growth, ...]:
    """What the settings have folds choose among: each depth with the least claims of its leaves."""
    return tuple(Growth(depth=depth, leaf=leaf) for depth, leaf in settings["growths"])


def _simplest(
    sides: Sequence[Side], tried: Mapping[Growth, Curve], lowest: Growth, sample: ClaimsSample
) -> tuple[Growth, int, Vector]:
    """The simplest growth, its rounds, and what it says of rows that it had not seen, that loses no more than one
    standard error beside the `lowest`: no trees at all, then the shallowest.

    A deeper growth is taken where it gains more than chance does, and not because of one group's luck
    (docs/decisions/0014).
    """
    by_depth = sorted(tried, key=lambda growth: (growth.depth, -growth.leaf))
    best = unseen_margins(sides, tried[lowest], tried[lowest].rounds)
    for growth, rounds in ((by_depth[0], 0), *((growth, tried[growth].rounds) for growth in by_depth)):
        unseen = unseen_margins(sides, tried[growth], rounds)
        more, error = loses_more(sample.counts, unseen, best, sample.groups)
        if more <= error:
            return growth, rounds, unseen
    return lowest, tried[lowest].rounds, best


def grow(
    sample: ClaimsSample, *, growth: Growth, rounds: int, settings: Mapping[str, Any], seed: int
) -> FittedFrequency:
    """GLM and trees of known growth and rounds, balanced in sum alone: for splits whose settings were chosen before."""
    linear = fit_glm(sample, bands=settings["bands"])
    start = sample.matrix(linear.logs(sample.rows))
    booster = xgb.train(_growth(sample, settings, growth, seed), start, num_boost_round=rounds)
    grown = FittedFrequency(
        features=sample.features,
        linear=linear,
        member=to_bytes(booster),
        booster=booster,
        balance=Autocalibration(),
        growth=growth,
        rounds=rounds,
        losses={},
        lowest=(growth, rounds),
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


def _balance(
    sample: ClaimsSample, unseen: Vector, folds: Sequence[Mask], settings: Mapping[str, Any]
) -> Autocalibration:
    """The balance at every level, where it tells more of the folds that it was not fitted on than a factor does."""
    bands = max(1, min(settings["balance_bands"], int(sample.counts.sum() / CLAIMS_A_LEVEL)))
    fitted = fit_autocalibration(unseen, sample.counts, sample.exposure, bands=bands)
    gains = 0.0
    for held in folds:
        level = fit_autocalibration(unseen[~held], sample.counts[~held], sample.exposure[~held], bands=bands)
        factor = global_factor(sample.counts[~held], (sample.exposure * np.exp(unseen))[~held])
        plain, moved = unseen[held] + np.log(factor), level.logs(unseen[held])
        mass = sample.exposure[held] * (np.exp(plain) - np.exp(moved))
        gains += float((mass + sample.counts[held] * (moved - plain)).sum())
    return fitted if gains > 0 else Autocalibration()


def _sides(sample: ClaimsSample, settings: Mapping[str, Any], folds: Places) -> list[Side]:
    made = []
    for fold in np.unique(folds):
        held = folds == fold
        grown, judged = sample.part(~held), sample.part(held)
        linear = fit_glm(grown, bands=settings["bands"])
        made.append(
            Side(held=held, train=grown.matrix(linear.logs(grown.rows)), test=judged.matrix(linear.logs(judged.rows)))
        )
    return made


def _growth(sample: ClaimsSample, settings: Mapping[str, Any], growth: Growth, seed: int) -> dict[str, Any]:
    return {
        "objective": "count:poisson",
        "tree_method": "hist",
        "base_score": 1.0,
        "monotone_constraints": tuple(int(feature.sign) for feature in sample.features),
        "max_depth": growth.depth,
        "min_child_weight": growth.leaf,
        "nthread": settings["threads"],
        "seed": seed,
        **{name: settings[name] for name in SHARED},
    }
