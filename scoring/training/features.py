"""What training takes from the feature catalogue: inputs with a settled sign, and what peers showed in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.catalogue import CATALOGUE
from features.declaration import FeatureDefinition
from scoring.cards import ModelFeature

Matrix = NDArray[np.float64]


def credit_sign(definition: FeatureDefinition) -> int:
    """Sign of the feature's effect on the probability of default."""
    return definition.credit_risk


def insurance_sign(definition: FeatureDefinition) -> int:
    """Sign of the feature's effect on the claim frequency."""
    return definition.insurance_risk


def input_columns(names: Sequence[str], seen: Matrix, sign: Callable[[FeatureDefinition], int]) -> list[int]:
    """Positions of a model's inputs: the features whose sign is settled and of which the training rows `seen` (n, k)
    say anything.

    Without a sign a reason could point either way; what training never saw, a model cannot speak of.
    """
    said: NDArray[np.bool_] = np.asarray((~np.isnan(seen)).any(axis=0))
    return [position for position, name in enumerate(names) if said[position] and sign(CATALOGUE[name]) != 0]


def model_features(
    names: Sequence[str], rows: Matrix, *, sign: Callable[[FeatureDefinition], int], adverse_percentile: float
) -> tuple[ModelFeature, ...]:
    """The card's entry for each column of `rows` (n, k), NaN where missing."""
    return tuple(
        _model_feature(CATALOGUE[name], rows[:, column], sign(CATALOGUE[name]), adverse_percentile)
        for column, name in enumerate(names)
    )


def with_medians(features: Sequence[ModelFeature], peers: Matrix) -> tuple[ModelFeature, ...]:
    """The same entries with the medians of these peers (m, k), NaN where missing."""
    known = [column[~np.isnan(column)] for column in peers.T]
    return tuple(
        feature.model_copy(update={"peer_median": float(np.median(values)) if values.size else None})
        for feature, values in zip(features, known, strict=True)
    )


def constraints(features: Sequence[ModelFeature]) -> tuple[int, ...]:
    """xgboost's `monotone_constraints`."""
    return tuple(int(feature.sign) for feature in features)


def fold_of(obligor_ids: Sequence[str], folds: int, *, seed: int) -> NDArray[np.int64]:
    """Fold of each row's obligor, by hash of seed and obligor: the same in whatever order rows stand."""
    fold = {
        obligor: int.from_bytes(hashlib.sha256(f"{seed}:{obligor}".encode()).digest()[:8], "big") % folds
        for obligor in set(obligor_ids)
    }
    return np.array([fold[obligor] for obligor in obligor_ids], dtype=np.int64)


def _model_feature(definition: FeatureDefinition, seen: Matrix, sign: int, percentile: float) -> ModelFeature:
    known = seen[~np.isnan(seen)]
    worst = percentile if sign > 0 else 100 - percentile
    has_worst = sign != 0 and known.size > 0
    return ModelFeature(
        key=definition.key,
        name=definition.name,
        family=definition.family,
        unit=definition.unit,
        window_days=definition.window_days,
        sign=sign,
        adverse_value=float(np.percentile(known, worst)) if has_worst else None,
        peer_median=float(np.median(known)) if known.size else None,
    )
