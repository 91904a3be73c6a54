"""What moves a model that should, and what does not that should not: monotone sweeps, shocks, an outage of sensors, and
whether what is told as reasons adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.credit.master_scale import master_scale
from scoring.training.metrics import area_under_curve
from scoring.training.validation.held_out import Examined

SWEPT_ROWS = 200
GRID = 21
TOLERANCE = 1e-6
OUTAGE_SHARE = 0.2

Matrix = NDArray[np.float64]


def monotonicity(model: Examined, *, seed: int) -> dict[str, Any]:
    """Every constrained input swept over its quantiles for some rows: how many steps of the mean margin went the wrong
    way by more than `tolerance`, and the furthest of them (log-odds)."""
    rows = _sample(model.test.values, seed=seed)
    constrained = [at for at, feature in enumerate(model.artefact.card.features) if feature.sign]
    wrong = [_wrong_way(model, rows, column) for column in constrained]
    steps = np.concatenate(wrong) if wrong else np.empty(0)
    return {
        "features": len(constrained),
        "rows": len(rows),
        "steps": len(steps),
        "tolerance": TOLERANCE,
        "wrong_steps": int((steps > TOLERANCE).sum()),
        "furthest_wrong_way": float(steps.max(initial=0.0)) + 0.0,
    }


def shocks(model: Examined) -> list[dict[str, Any]]:
    """The test months with all inputs of a family one standard deviation worse, and better, by their signs: the mean
    PD, and how many obligors change grade."""
    families = sorted({feature.family for feature in model.artefact.card.features if feature.sign})
    return [
        {
            "family": family,
            "features": len(_columns(model, family)),
            **{name: _shocked(model, family, way) for name, way in (("worse", 1), ("better", -1))},
        }
        for family in families
    ]


def outage(model: Examined, *, seed: int) -> dict[str, Any]:
    """The test months with a fifth of all values missing by chance: what the area and the mean PD become."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(model.test.values.shape) < OUTAGE_SHARE, np.nan, model.test.values)
    pd, defaulted = model.pd(values), model.test.defaulted
    has_both = 0 < defaulted.mean() < 1
    return {
        "share": OUTAGE_SHARE,
        "mean_pd_before": float(model.test.pd.mean()),
        "mean_pd": float(pd.mean()),
        "auc_before": area_under_curve(model.test.pd, defaulted).model_dump() if has_both else None,
        "auc": area_under_curve(pd, defaulted).model_dump() if has_both else None,
        "grades_changed": _grades_changed(model, pd),
    }


def explanations(model: Examined, *, seed: int) -> dict[str, Any]:
    """How far base and contributions are from the margin that xgboost itself gives (log-odds), for some rows."""
    rows = _sample(model.test.values, seed=seed)
    told = model.artefact.explain(rows)
    gap = np.abs(told.margin - told.member_margins.mean(axis=0))
    return {"rows": len(rows), "largest_gap": float(gap.max()), "tolerance": 1e-4}


def _wrong_way(model: Examined, rows: Matrix, column: int) -> Matrix:
    """For each row and step of the grid, how far the margin moves against the sign (positive: wrong)."""
    known = model.train.values[:, column]
    known = known[~np.isnan(known)]
    if not len(known):
        return np.empty(0)
    grid = np.unique(np.quantile(known, np.linspace(0, 1, GRID)))
    swept = np.repeat(rows, len(grid), axis=0)
    swept[:, column] = np.tile(grid, len(rows))
    margins = model.artefact.bag.margins(swept).mean(axis=0).reshape(len(rows), len(grid))
    sign = model.artefact.card.features[column].sign
    return np.asarray((-sign * np.diff(margins, axis=1)).ravel())


def _shocked(model: Examined, family: str, way: int) -> dict[str, Any]:
    values = model.test.values.copy()
    for column in _columns(model, family):
        spread = np.nanstd(model.train.values[:, column]) if (~np.isnan(model.train.values[:, column])).any() else 0.0
        values[:, column] += way * model.artefact.card.features[column].sign * spread
    pd = model.pd(values)
    return {"mean_pd": float(pd.mean()), "grades_changed": _grades_changed(model, pd)}


def _columns(model: Examined, family: str) -> list[int]:
    return [at for at, item in enumerate(model.artefact.card.features) if item.family == family and item.sign]


def _grades_changed(model: Examined, pd: Matrix) -> int:
    scale = master_scale(model.parameters["master_scale"])
    pairs = zip(model.test.pd, pd, strict=True)
    return sum(scale.grade(float(before)) != scale.grade(float(after)) for before, after in pairs)


def _sample(values: Matrix, *, seed: int) -> Matrix:
    chosen = np.random.default_rng(seed).permutation(len(values))[:SWEPT_ROWS]
    return values[np.sort(chosen)]
