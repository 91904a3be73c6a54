"""One world's figures: the service's own model and its rivals, fitted on what is known and judged by the truth."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from scipy.special import expit, logit

from api.models.service import scoring_parameters
from benchmarks.credit_truth.figures import expected_auc, fractional_slope
from benchmarks.credit_truth.worlds import KnownWorld, read_known, read_truth
from benchmarks.worlds.built import CALIBRATE, TEST, TRAIN, month_end, split
from benchmarks.worlds.compared import fitted
from scoring.boosters import THREADS, mean_of_members
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale, fit_logistic
from scoring.credit.interval import Side, at_upper_end, reaches
from scoring.credit.master_scale import pd_ceiling
from scoring.credit.term_structure import term_structure
from scoring.training.features import credit_sign, input_columns
from scoring.training.metrics import area_under_curve, credit_metrics
from scoring.training.scorecard import fit_scorecard

FREE_ROUNDS = 200
EBM_SEED = 1
LIFETIME = 60

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A fitted model as the service reads it: PDs and the ends of their intervals where nothing is withheld and no
    comparison disagrees."""

    model: CreditArtefact

    @property
    def scale(self) -> PdScale:
        """From margins to PDs at the test month."""
        values = scoring_parameters().at(month_end(TEST[-1]))
        return PdScale(
            calibrator=self.model.card.calibrator.calibrator(),
            reference_rate=self.model.card.reference_rate,
            central_tendency=values["central_tendency"],
            floor=values["pd_floor"],
            ceiling=pd_ceiling(values),
        )

    def rows(self, values: Matrix, names: list[str]) -> Matrix:
        """What the model reads (n, k) of catalogue rows (n, all features)."""
        columns = [names.index(feature.key) for feature in self.model.card.features]
        return within_reach(np.ascontiguousarray(values[:, columns]), self.model.card.features)

    def pd(self, rows: Matrix) -> Matrix:
        """The PDs (n)."""
        scale = self.scale
        return np.array([scale.pd_12m(float(margin)) for margin in mean_of_members(list(self.model.bag.margins(rows)))])

    def interval(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        """Both ends (n) of the interval; `pd_12m` lies within."""
        card, bag, scale = self.model.card, self.model.bag, self.scale
        low = reaches(bag.margins(rows), card, Side.LOWER)
        high = reaches(bag.margins(at_upper_end(rows, card)), card, Side.UPPER)
        lower, upper = ([end.pd_12m(scale, card) for end in ends] for ends in (low, high))
        return np.array(lower), np.array(upper)


def climb(known: Path, truth: Path) -> tuple[dict[str, Any], CreditArtefact]:
    """The figures of one world, and the model that was fitted in it."""
    world = read_known(known)
    model = fitted(world.data, split())
    train, calibrate, test = world.at(TRAIN), world.at(CALIBRATE), world.at(TEST)
    chances = {
        "intercept": np.full(len(test), float(world.data.defaulted[calibrate].mean())),
        "power_points": _by_points(world, calibrate, test),
        "scorecard": _by_scorecard(world, train, calibrate, test),
        "additive_trees": _by_additive_trees(world, train, calibrate, test),
        "free_trees": _by_free_trees(world, train, calibrate, test),
        "model": _by_model(world, model, test),
    }
    exact = {name: values[test] for name, values in read_truth(truth).items()}  # only now: everything is fitted
    chances["oracle"] = exact["pd_12m_true"]
    outcome = world.data.defaulted[test]
    return {
        "slope": fractional_slope(logit(chances["model"]), exact["pd_12m_true"])[1],
        "obligors": len(test),
        "defaults": int(outcome.sum()),
        "calibration_defaults": int(world.data.defaulted[calibrate].sum()),
        "mean_pd": float(chances["model"].mean()),
        "mean_true_pd": float(exact["pd_12m_true"].mean()),
        "lifetime": _lifetime(model, chances["model"], exact["pd_lifetime_true"]),
        "ladder": {name: _rung(pd, exact["pd_12m_true"], outcome) for name, pd in chances.items() if pd is not None},
    }, model


def _rung(pd: Matrix, truth: Matrix, outcome: NDArray[np.bool_]) -> dict[str, float]:
    area = area_under_curve(pd, outcome)
    return {
        "auc": area.value,
        "expected_auc": expected_auc(pd, truth),
        "log_loss": credit_metrics(pd, outcome).log_loss,
        "rmse_logit": float(np.sqrt(np.mean((logit(pd) - logit(truth)) ** 2))),
    }


def _lifetime(model: CreditArtefact, pd: Matrix, truth: Matrix) -> dict[str, Any]:
    """Mean 60-month PD by quarter of risk: of the fitted term structure, of a constant hazard, and exact."""
    quarter = np.digitize(pd, np.quantile(pd, [0.25, 0.5, 0.75]))
    curves = {name: np.array([term_structure(float(chance), shape).pd(LIFETIME) for chance in pd])
              for name, shape in (("fitted", model.shape), ("constant", None))}  # fmt: skip
    said = {**curves, "exact": truth}
    return {name: [float(values[quarter == at].mean()) for at in range(4)] for name, values in said.items()}


def _by_model(world: KnownWorld, model: CreditArtefact, test: Rows) -> Matrix:
    judge = Judge(model=model)
    return judge.pd(judge.rows(world.data.values[test], list(world.data.names)))


def _by_points(world: KnownWorld, calibrate: Rows, test: Rows) -> Matrix:
    return _calibrated(-world.points / 100.0, world, calibrate, test)


def _by_scorecard(world: KnownWorld, train: Rows, calibrate: Rows, test: Rows) -> Matrix:
    data = world.data
    columns = input_columns(data.names, data.values[train], credit_sign)
    card = fit_scorecard(data.values[train], data.defaulted[train], columns=columns)
    return _calibrated(card.log_odds(data.values), world, calibrate, test)


def _by_free_trees(world: KnownWorld, train: Rows, calibrate: Rows, test: Rows) -> Matrix:
    """xgboost without constraints on every column that training saw, as deep and as slow as the model's own trees."""
    data = world.data
    growth: Mapping[str, Any] = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 3, "eta": 0.05,
                                 "subsample": 0.8, "nthread": THREADS, "seed": 1}  # fmt: skip
    grown = xgb.train(
        growth, xgb.DMatrix(data.values[train], data.defaulted[train], nthread=THREADS), num_boost_round=FREE_ROUNDS
    )
    margins = grown.predict(xgb.DMatrix(data.values, nthread=THREADS), output_margin=True).astype(np.float64)
    return _calibrated(margins, world, calibrate, test)


def _by_additive_trees(world: KnownWorld, train: Rows, calibrate: Rows, test: Rows) -> Matrix | None:
    """An explainable boosting machine without interactions; None where interpret (extra [benchmarks]) is absent."""
    try:
        from interpret.glassbox import ExplainableBoostingClassifier  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError:
        return None
    data = world.data
    columns = input_columns(data.names, data.values[train], credit_sign)
    machine = ExplainableBoostingClassifier(interactions=0, outer_bags=2, n_jobs=1, random_state=EBM_SEED)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Missing values detected")  # about its plots, which nobody draws here
        machine.fit(data.values[train][:, columns], data.defaulted[train])
    return _calibrated(machine.decision_function(data.values[:, columns]), world, calibrate, test)


def _calibrated(scores: Matrix, world: KnownWorld, calibrate: Rows, test: Rows) -> Matrix:
    """Intercept and slope set on the calibration months."""
    intercept, slope = fit_logistic(scores[calibrate][:, None], world.data.defaulted[calibrate])
    return np.asarray(expit(intercept + slope * scores[test]))
