"""The ladder: from saying the rate to everybody up to the model, each rung fitted and tested on the same folds.

A model earns its complexity rung by rung: where free trees are no better than a scorecard, the scorecard is the model.
"""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from scoring.credit.calibration import fit_logistic
from scoring.table.encoding import encoded, fit_features
from scoring.training.power_points import MONTHS, points_of
from scoring.training.scorecard import fit_scorecard
from scoring.training.table.bag import Sample, fit_bag
from scoring.training.table.reading import Table

KWH = re.compile(r"kwh_month_(\d\d)")
"""Columns of the power points: `kwh_month_01` (the oldest) to `kwh_month_24`."""

Matrix = NDArray[np.float64]


Rung = Callable[[Sample, Sample, Mapping[str, Any], int], Matrix]


def samples_of(train: Table, test: Table, signs: Mapping[str, int]) -> tuple[Sample, Sample]:
    """Both sides of a fold; levels of texts are those of the fitted side."""
    features = fit_features(train.frame, signs)
    both = [
        Sample(
            rows=encoded(table.frame, features),
            outcome=table.outcome,
            groups=table.groups,
            features=features,
            times=table.times,
            kwh=_monthly_kwh(table.frame),
        )
        for table in (train, test)
    ]
    return both[0], both[1]


def rungs_of(table: Table) -> tuple[dict[str, Rung], dict[str, str]]:
    """The rungs that a table allows, lowest first, and for each of the others why it has none."""
    rungs: dict[str, Rung] = {"intercept": _intercept, "power_points": _power_points, "scorecard": _scorecard}
    rungs |= {"additive_trees": _additive, "free_trees": _free_trees, "model": _model}
    missing = {}
    if _monthly_kwh(table.frame) is None:
        missing["power_points"] = "no columns kwh_month_01 to kwh_month_24"
    if importlib.util.find_spec("interpret") is None:
        missing["additive_trees"] = "interpret is not installed (extra [benchmarks])"
    return {name: rung for name, rung in rungs.items() if name not in missing}, missing


def _intercept(train: Sample, test: Sample, _: Mapping[str, Any], __: int) -> Matrix:
    return np.full(len(test.rows), float(train.outcome.mean()))


def _power_points(train: Sample, test: Sample, _: Mapping[str, Any], __: int) -> Matrix:
    """Points turned into probabilities by a logistic regression."""
    assert train.kwh is not None
    assert test.kwh is not None
    intercept, slope = fit_logistic(-points_of(train.kwh)[:, None] / 100.0, train.outcome)
    return np.asarray(expit(intercept - slope * points_of(test.kwh) / 100.0))


def _scorecard(train: Sample, test: Sample, _: Mapping[str, Any], __: int) -> Matrix:
    categories = [at for at, feature in enumerate(train.features) if feature.kind == "category"]
    return fit_scorecard(train.rows, train.outcome, categories=categories).pd(test.rows)


def _additive(train: Sample, test: Sample, _: Mapping[str, Any], seed: int) -> Matrix:
    """An explainable boosting machine (Nori and others 2019): one curve a feature, and no interactions."""
    from interpret.glassbox import ExplainableBoostingClassifier  # noqa: PLC0415 (an extra, and slow to import)

    kinds = ["nominal" if feature.kind == "category" else "continuous" for feature in train.features]
    machine = ExplainableBoostingClassifier(
        feature_types=kinds, interactions=0, outer_bags=4, n_jobs=1, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Missing values detected")  # about its plots, which nobody draws here
        machine.fit(train.rows, train.outcome)
    return np.asarray(machine.predict_proba(test.rows)[:, 1])


def _free_trees(train: Sample, test: Sample, settings: Mapping[str, Any], seed: int) -> Matrix:
    free = tuple(feature.model_copy(update={"sign": 0}) for feature in train.features)
    return _by_bag(replace(train, features=free), test, settings, seed)


def _model(train: Sample, test: Sample, settings: Mapping[str, Any], seed: int) -> Matrix:
    return _by_bag(train, test, settings, seed)


def _by_bag(train: Sample, test: Sample, settings: Mapping[str, Any], seed: int) -> Matrix:
    return np.asarray(expit(fit_bag(train, settings=settings, seed=seed).log_odds(test.rows)))


def _monthly_kwh(frame: pd.DataFrame) -> Matrix | None:
    names = sorted(str(name) for name in frame.columns if KWH.fullmatch(str(name)))
    if len(names) != MONTHS:
        return None
    return np.asarray(np.nan_to_num(frame[names].to_numpy(dtype=np.float64)))
