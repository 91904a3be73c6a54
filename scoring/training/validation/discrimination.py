"""How well a model tells defaulters apart: areas with DeLong's interval and by drawing firms, Gini, KS, capture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.cards import Estimate
from scoring.training.metrics import area_under_curve
from scoring.training.validation.held_out import HeldOut

DRAWS = 1000
DRAWS_TOGETHER = 50
WORST_SHARE = 0.1
LARGEST_FALSE_RATE = 0.2

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


def discrimination(test: HeldOut, held_back: HeldOut, *, seed: int) -> dict[str, Any] | None:
    """Figures of the test months, one row a firm, and the area over all months that no tree was grown on, whose
    interval comes from drawing firms with all their months. None where a slice lacks defaults or others."""
    if not all(0 < rows.defaulted.mean() < 1 for rows in (test, held_back)):
        return None
    auc = area_under_curve(test.pd, test.defaulted)
    clustered = area_by_firms(held_back.pd, held_back.defaulted, held_back.obligor_ids, seed=seed)
    return {
        "rows": len(test.pd),
        "defaults": int(test.defaulted.sum()),
        "auc": auc.model_dump(),
        "gini": 2 * auc.value - 1,
        "kolmogorov_smirnov": float(ks_2samp(test.pd[test.defaulted], test.pd[~test.defaulted]).statistic),
        "average_precision": float(average_precision_score(test.defaulted, test.pd)),
        "partial_auc": float(roc_auc_score(test.defaulted, test.pd, max_fpr=LARGEST_FALSE_RATE)),
        "captured_in_worst_decile": captured(test.pd, test.defaulted),
        "held_back_rows": len(held_back.pd),
        "held_back_firms": len(np.unique(held_back.obligor_ids)),
        "held_back_defaults": int(held_back.defaulted.sum()),
        "auc_by_firms": clustered.model_dump(),
        "draws": DRAWS,
    }


def captured(pd: Matrix, defaulted: Mask) -> float:
    """Share of the defaults (n) among the tenth of the rows with the highest PDs."""
    worst = np.argsort(-pd, kind="stable")[: max(1, round(WORST_SHARE * len(pd)))]
    return float(defaulted[worst].sum() / defaulted.sum())


def area_by_firms(pd: Matrix, defaulted: Mask, firms: NDArray[np.str_], *, seed: int) -> Estimate:
    """Area under the ROC curve (ties count half) with the percentile interval of drawing firms with replacement."""
    areas = _areas(pd[None], defaulted, firm_weights(firms, seed=seed))[0]
    lower, upper = np.nanpercentile(areas, [2.5, 97.5])
    value = area_under_curve(pd, defaulted).value
    return Estimate(value=value, lower=min(float(lower), value), upper=max(float(upper), value))


def area_gained(pd: Matrix, other: Matrix, defaulted: Mask, firms: NDArray[np.str_], *, seed: int) -> Estimate:
    """By how much the first PDs' area exceeds the second's, both on the same draws of firms."""
    areas = _areas(np.array([pd, other]), defaulted, firm_weights(firms, seed=seed))
    lower, upper = np.nanpercentile(areas[0] - areas[1], [2.5, 97.5])
    value = area_under_curve(pd, defaulted).value - area_under_curve(other, defaulted).value
    return Estimate(value=value, lower=min(float(lower), value), upper=max(float(upper), value))


def firm_weights(firms: NDArray[np.str_], *, seed: int, draws: int = DRAWS) -> Matrix:
    """How often each row (n) counts in each draw of firms with replacement (draws, n)."""
    names, place = np.unique(firms, return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return np.asarray(counts[:, place], dtype=np.float64)


def _areas(pds: Matrix, defaulted: Mask, weights: Matrix) -> Matrix:
    """Areas (models, draws) of PDs (models, n) under weights (draws, n); NaN where a draw lacks an outcome."""
    return np.array([np.concatenate([_area(pd, defaulted, part) for part in _parts(weights)]) for pd in pds])


def _area(pd: Matrix, defaulted: Mask, weights: Matrix) -> Matrix:
    order = np.argsort(pd, kind="stable")
    _, first = np.unique(pd[order], return_index=True)
    events, others = (
        np.add.reduceat((weights * chosen)[:, order], first, axis=1) for chosen in (defaulted, ~defaulted)
    )
    below = np.cumsum(others, axis=1) - others
    pairs = events.sum(axis=1) * others.sum(axis=1)
    won = (events * (below + others / 2)).sum(axis=1)
    return np.asarray(np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def _parts(weights: Matrix) -> list[Matrix]:
    return [weights[start : start + DRAWS_TOGETHER] for start in range(0, len(weights), DRAWS_TOGETHER)]
