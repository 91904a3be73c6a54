"""How many trees: the folds grow in step, and the mean loss over all held-back rows says where to end.

Round 0 is the start itself (the GLM): where trees say nothing of rows that they have not seen, there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One fold: which rows are its own (n), the rows that trees grow on without it, and its own rows."""

    held: Mask
    train: xgb.DMatrix
    test: xgb.DMatrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Mean Poisson log-loss over all held-back rows after 0, 1, ... rounds, and the boosters that the folds grew."""

    losses: Vector
    boosters: Sequence[xgb.Booster]

    @property
    def rounds(self) -> int:
        """The round of the lowest loss, the first of equals; 0 is no tree at all."""
        return int(np.argmin(self.losses))

    @property
    def lowest(self) -> float:
        """The loss there."""
        return float(self.losses.min())


def grown_in_step(sides: Sequence[Side], growth: Mapping[str, Any], *, maximum: int, patience: int) -> Curve:
    """Grow every fold round by round until the loss over all of them has not fallen for `patience` rounds.

    No fold ends for the others: one whose luck turns early is outvoted by the rows of the rest.
    """
    boosters = [xgb.Booster(dict(growth), cache=[side.train, side.test]) for side in sides]
    losses = [_loss(sides, boosters)]
    while len(losses) <= maximum and len(losses) - 1 - int(np.argmin(losses)) < patience:
        for side, booster in zip(sides, boosters, strict=True):
            booster.update(side.train, iteration=len(losses) - 1)
        losses.append(_loss(sides, boosters))
    return Curve(losses=np.array(losses), boosters=boosters)


def unseen_margins(sides: Sequence[Side], curve: Curve, rounds: int) -> Vector:
    """What the trees of so many rounds say of each row (n) that they had not seen; the start itself at round 0."""
    told: Vector = np.zeros(len(sides[0].held))
    for side, booster in zip(sides, curve.boosters, strict=True):
        told[side.held] = margins_at(booster, side.test, rounds)
    return told


def loses_more(counts: Vector, margins: Vector, better: Vector, groups: Sequence[str]) -> tuple[float, float]:
    """How much more `margins` (n) lose than `better` (n) on the mean of held-back rows with these claims, and the
    standard error of that: of the same rows, so that what is common to both is no error, and over `groups` (n), since
    rows of one group are right or wrong together."""
    more = np.exp(margins) - np.exp(better) - counts * (margins - better)
    mean = float(more.mean())
    place = np.unique(np.array(groups), return_inverse=True)[1]
    return mean, float(np.sqrt((np.bincount(place, weights=more - mean) ** 2).sum())) / len(more)


def margins_at(booster: xgb.Booster, matrix: xgb.DMatrix, rounds: int) -> Vector:
    """Margins after so many rounds. xgboost reads a range that ends at 0 as all rounds, so 0 is the start as it was."""
    if rounds == 0:
        return np.asarray(matrix.get_base_margin(), dtype=np.float64)
    told = booster.predict(matrix, output_margin=True, iteration_range=(0, rounds))
    return np.asarray(told, dtype=np.float64)


def _loss(sides: Sequence[Side], boosters: Sequence[xgb.Booster]) -> float:
    total, rows = 0.0, 0
    for side, booster in zip(sides, boosters, strict=True):
        margins = np.asarray(booster.predict(side.test, output_margin=True), dtype=np.float64)
        total += float((np.exp(margins) - side.test.get_label() * margins).sum())
        rows += side.test.num_row()
    return total / rows
