"""A bag of monotone trees on a table, calibrated on margins of rows that the trees had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from scoring.boosters import THREADS, Ensemble, ensemble, mean_of_members, to_bytes
from scoring.credit.calibration import Calibrator, fit_calibrator, fit_logistic
from scoring.table.card import TableFeature
from scoring.training.features import fold_of
from scoring.training.rounds import GROWTH, LATER_SHARE
from scoring.training.table.reading import Stamps

FEWEST = 60
"""Of either outcome: fewer do not tell a slope."""
FARTHEST = 30.0
"""Log-odds between which a level is looked for."""

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Encoded rows (n, k; NaN where missing) with their outcomes (n), groups (n) and what the columns are; where the
    table has them, their `times` (n) and `kwh`, the last 24 months of energy (n, 24)."""

    rows: Matrix
    outcome: Mask
    groups: tuple[str, ...]
    features: tuple[TableFeature, ...]
    times: Stamps | None = None
    kwh: Matrix | None = None

    def matrix(self, chosen: Mask, *, weights: Matrix | None = None) -> Any:
        """The chosen rows as xgboost takes them, texts as categories."""
        return xgb.DMatrix(
            self.rows[chosen],
            label=self.outcome[chosen].astype(np.float64),
            weight=weights,
            missing=np.nan,
            nthread=THREADS,
            feature_types=["c" if feature.kind == "category" else "q" for feature in self.features],
            enable_categorical=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedBag:
    """The bag, its calibrator, the rounds that held-back groups asked for, and the slope in log-odds at which what
    earlier rows taught held on later ones (1 where times are not known)."""

    bag: Ensemble
    calibrator: Calibrator
    rounds: int
    later_slope: float

    def log_odds(self, rows: Matrix) -> Matrix:
        """Calibrated log-odds of rows (n, k)."""
        return _log_odds(self.calibrator, mean_of_members(list(self.bag.margins(rows))))


def fit_bag(sample: Sample, *, settings: Mapping[str, Any], seed: int) -> FittedBag:
    """Fit on a sample; the same one and seed give the same bag.

    Groups are held back in turns: their log-loss says how many rounds to grow, and their margins, of trees that never
    saw them, fit the calibrator. The members are then grown on all rows, each on groups drawn with replacement. Where
    times are known, the calibrator is then set for later rows (`_for_later_rows`).
    """
    growth = _growth(sample, settings, seed)
    own = fold_of(sample.groups, settings["folds"], seed=seed)
    held = [own == fold for fold in np.unique(own)]
    grown = [_grown_beside(sample, mask, growth, settings["maximum_rounds"]) for mask in held]
    total = np.sum([curve for curve, _ in grown], axis=0)
    rounds = max(int(settings["minimum_rounds"]), int(np.argmin(total)) + 1)
    margins = np.zeros(len(sample.rows))
    for mask, (_, booster) in zip(held, grown, strict=True):
        margins[mask] = booster.predict(sample.matrix(mask), output_margin=True, iteration_range=(0, rounds))
    members = [_member(sample, {**growth, "seed": seed + index}, rounds) for index in range(settings["members"])]
    calibrator = fit_calibrator(
        margins,
        sample.outcome,
        platt_below_defaults=settings["platt_below_defaults"],
        isotonic_above_defaults=settings["isotonic_above_defaults"],
    )
    slope, level = _for_later_rows(sample, calibrator, margins, growth, rounds)
    return FittedBag(bag=ensemble(members), calibrator=calibrator.moved(level, slope), rounds=rounds, later_slope=slope)


def _for_later_rows(
    sample: Sample, calibrator: Calibrator, margins: Matrix, growth: Mapping[str, Any], rounds: int
) -> tuple[float, float]:
    """By what slope (at most 1) and how much calibrated log-odds change from one's own years to later ones.

    Trees grown on the earlier rows of other groups say how sure they had the right to be of the last third, which is
    told apart less well than rows of the years that were learnt from; the level is that third's own. No change (1, 0)
    where no times are known or either side has fewer than `FEWEST` of either outcome.
    """
    later = _later(sample)
    groups = np.array(sample.groups)
    earlier = ~later & ~np.isin(groups, groups[later])
    if min(_fewest(sample.outcome[side]) for side in (earlier, later)) < FEWEST:
        return 1.0, 0.0
    booster = xgb.train(dict(growth), sample.matrix(earlier), num_boost_round=rounds)
    foreseen = _log_odds(calibrator, booster.predict(sample.matrix(later), output_margin=True))
    slope = min(fit_logistic(foreseen[:, None], sample.outcome[later])[1], 1.0)
    own, rate = slope * _log_odds(calibrator, margins[later]), float(sample.outcome[later].mean())
    level = brentq(lambda moved: float(expit(own + moved).mean()) - rate, -FARTHEST, FARTHEST)
    return slope, float(level)


def _later(sample: Sample) -> Mask:
    """The last third of the rows by time; none without times."""
    if sample.times is None:
        return np.zeros(len(sample.rows), dtype=np.bool_)
    instants = sample.times.astype("datetime64[us]").astype(np.int64)
    return instants >= np.quantile(instants, 1 - LATER_SHARE)


def _fewest(outcome: Mask) -> int:
    return min(int(outcome.sum()), int((~outcome).sum()))


def _log_odds(calibrator: Calibrator, margins: Matrix) -> Matrix:
    return np.array([calibrator.log_odds(float(margin)) for margin in margins])


def _growth(sample: Sample, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "base_score": float(sample.outcome.mean()),
        "monotone_constraints": tuple(int(feature.sign) for feature in sample.features),
        "nthread": THREADS,
        "seed": seed,
        **{name: settings[name] for name in GROWTH},
    }


def _grown_beside(sample: Sample, held: Mask, growth: Mapping[str, Any], rounds: int) -> tuple[Matrix, Any]:
    """The held-back rows' total log-loss after each round, and the booster grown without them."""
    losses: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        dict(growth),
        sample.matrix(~held),
        num_boost_round=rounds,
        evals=[(sample.matrix(held), "held")],
        evals_result=losses,
        verbose_eval=False,
    )
    (curve,) = losses["held"].values()
    return int(held.sum()) * np.array(curve), booster


def _member(sample: Sample, growth: Mapping[str, Any], rounds: int) -> bytes:
    names, position = np.unique(np.array(sample.groups), return_inverse=True)
    draws = np.random.default_rng(growth["seed"]).integers(len(names), size=len(names))
    weights = np.bincount(draws, minlength=len(names))[position].astype(np.float64)
    drawn = weights > 0
    return to_bytes(xgb.train(dict(growth), sample.matrix(drawn, weights=weights[drawn]), num_boost_round=rounds))
