"""How many rounds to grow: as many as later months of other obligors ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.boosters import THREADS
from scoring.cards import ModelFeature
from scoring.training.features import constraints, fold_of

LATER_SHARE = 1 / 3
"""Share of the training months, the last ones, that rounds are judged by."""

GROWTH = ("max_depth", "eta", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda")

Mask = NDArray[np.bool_]


def growth_parameters(
    features: Sequence[ModelFeature], settings: Mapping[str, Any], *, objective: str, base_score: float, seed: int
) -> dict[str, Any]:
    """xgboost's parameters: constrained by the features' signs, on a fixed number of threads, without re-weighting."""
    return {
        "objective": objective,
        "tree_method": "hist",
        "base_score": base_score,
        "monotone_constraints": constraints(features),
        "nthread": THREADS,
        "seed": seed,
        **{name: settings[name] for name in GROWTH},
    }


def folds_in_time(
    as_of: NDArray[np.datetime64], obligor_ids: Sequence[str], *, folds: int, seed: int
) -> list[tuple[Mask, Mask]]:
    """For each fold of obligors: rows to grow on (the others' earlier months) and to judge by (its own later ones)."""
    instants = as_of.astype("datetime64[us]").astype(np.int64)
    is_later = instants >= np.quantile(np.unique(instants), 1 - LATER_SHARE)
    own = fold_of(obligor_ids, folds, seed=seed)
    return [((own != fold) & ~is_later, (own == fold) & is_later) for fold in range(folds)]


def best_rounds(parameters: Mapping[str, Any], folds: Sequence[tuple[Any, Any]], settings: Mapping[str, Any]) -> int:
    """Rounds with the least loss over all folds, between the settings' bounds.

    `folds` are pairs of matrices, grown on and judged by; one alone would decide by too few events.
    """
    total = np.zeros(settings["maximum_rounds"])
    for grown_on, judged_by in folds:
        losses: dict[str, dict[str, list[float]]] = {}
        xgb.train(
            dict(parameters),
            grown_on,
            num_boost_round=settings["maximum_rounds"],
            evals=[(judged_by, "later")],
            evals_result=losses,
            verbose_eval=False,
        )
        (curve,) = losses["later"].values()
        total += judged_by.num_row() * np.array(curve)
    return max(int(settings["minimum_rounds"]), int(np.argmin(total)) + 1)
