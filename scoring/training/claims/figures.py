"""What an actuary asks of a model of claims: computed on the groups that nothing was fitted on, and kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.insurance.claims_model import ClaimsArtefact
from scoring.insurance.tariff import dislocation
from scoring.table.encoding import encoded
from scoring.training.claims.book import ClaimsBook
from scoring.training.claims.diagnostics import concentration_gap, double_lift, murphy, ordered_lorenz
from scoring.training.claims.train import TEST_FOLDS
from scoring.training.features import fold_of

LORENZ_POINTS = 10
MURPHY_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOVED = (0.05, 0.25, 0.5, 0.75, 0.95)
CHANGES = (-0.3, -0.1, 0.1, 0.3)
"""Where bands of change begin: far less, less, about as much, more, far more."""

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


def claims_figures(book: ClaimsBook, artefact: ClaimsArtefact) -> dict[str, Any]:
    """Double lift, ordered Lorenz curve, Murphy diagram and rate dislocation of a model on its own test groups."""
    held = fold_of(book.groups, TEST_FOLDS, seed=artefact.card.seed) == 0
    tested = book.factors[held]
    rows = encoded(tested, artefact.card.features)
    exposure, counts = book.exposure[held], book.counts[held].astype(np.float64)
    trees, glm = artefact.frequencies(tested), np.exp(artefact.card.linear.logs(rows))
    filed = np.exp(artefact.card.table.logs(rows))
    rate = float(book.counts[~held].sum() / book.exposure[~held].sum())
    return {
        "model_version": artefact.version,
        "test_policies": int(held.sum()),
        "test_claims": int(counts.sum()),
        "double_lift": _double_lift(trees, glm, counts, exposure),
        "lorenz": _lorenz(trees, counts, exposure),
        "concentration_gap": concentration_gap(trees, counts, exposure),
        "murphy": _murphy({"trees": trees, "glm": glm, "constant": np.full(len(trees), rate)}, counts, exposure),
        "dislocation": _dislocation(filed, book.costs[held], exposure),
    }


def _double_lift(trees: Vector, glm: Vector, counts: Vector, exposure: Vector) -> list[dict[str, float]]:
    found = double_lift(trees, glm, counts, exposure, bands=5)
    columns = {"ratio": found.ratio, "observed": found.observed, "trees": found.first, "glm": found.second}
    return [{name: float(column[at]) for name, column in columns.items()} for at in range(len(found.ratio))]


def _lorenz(trees: Vector, counts: Vector, exposure: Vector) -> list[dict[str, float]]:
    """Shares of claims that the safest shares of exposure have."""
    shares, claims = ordered_lorenz(trees, counts, exposure)
    points = np.linspace(0, 1, LORENZ_POINTS + 1)[1:]
    return [{"exposure": float(at), "claims": float(np.interp(at, shares, claims))} for at in points]


def _murphy(means: Mapping[str, Vector], counts: Vector, exposure: Vector) -> list[dict[str, float]]:
    """Mean elementary scores at thresholds that lie among the trees' own frequencies."""
    thresholds = np.quantile(means["trees"], MURPHY_SHARES)
    scores = {name: murphy(mean, counts, exposure, thresholds) for name, mean in means.items()}
    return [
        {"threshold": float(threshold), **{name: float(score[at]) for name, score in scores.items()}}
        for at, threshold in enumerate(thresholds)
    ]


def _dislocation(filed: Vector, costs: Vector, exposure: Vector) -> dict[str, Any]:
    """Who gains and who loses by the filed table beside one rate for all, the book earning the same; and the loss ratio
    of each band of change, of the filed premium so scaled."""
    flat = np.full(len(filed), float(exposure @ filed / exposure.sum()))
    change, premium = filed / flat - 1, exposure * filed
    place = np.searchsorted(np.array(CHANGES), change, side="right")
    whole = float(costs.sum() / premium.sum())
    bands = [
        {
            "from": None if at == 0 else CHANGES[at - 1],
            "exposure": float(exposure[place == at].sum() / exposure.sum()),
            "loss_ratio": float(costs[place == at].sum() / premium[place == at].sum() / whole) if whole else None,
        }
        for at in range(len(CHANGES) + 1)
        if (place == at).any()
    ]
    return {**dislocation(flat, filed, exposure, shares=MOVED), "bands": bands}
