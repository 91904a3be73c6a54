"""freMTPL2: the published Poisson example to its digits, our models beside it, and ten grouped splits.

Convention A is scikit-learn's: frequency = ClaimNb / Exposure, fitted and scored weighted by exposure,
`train_test_split(test_size=.33, random_state=0)`. Published there: constant .625, Poisson GLM .594, histogram boosting
.575. A random split puts policies with the same factors on both sides; the grouped ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler

from benchmarks.real_data import real_data
from scoring.table.encoding import encoded, fit_features
from scoring.training.claims.diagnostics import by_decile, gini
from scoring.training.claims.frequency import fit_frequency, fit_glm, grow
from scoring.training.claims.sample import ClaimsSample
from scoring.training.claims.severity import fit_severity
from scoring.training.metrics import poisson_deviance, poisson_deviances

PUBLISHED = {"constant": 0.625, "glm": 0.594, "histogram_boosting": 0.575}
SIGNS = {"BonusMalus": 1}
TEST_SHARE = 0.33
GROUPED_TEST_SHARE = 0.2
SEED = 0

Rows = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """All policies: their factors, exposure, claims, and the group of policies with the same factors."""

    factors: pd.DataFrame
    exposure: Vector
    counts: Vector
    groups: NDArray[np.str_]

    def sides(self, train: Rows, test: Rows) -> tuple[ClaimsSample, ClaimsSample]:
        """Both sides of a split, texts coded as the training side knows them."""
        features = fit_features(self.factors.iloc[train], SIGNS)
        made = [
            ClaimsSample(
                rows=encoded(self.factors.iloc[rows], features),
                exposure=self.exposure[rows],
                counts=self.counts[rows],
                groups=self.groups[rows].tolist(),
                features=features,
            )
            for rows in (train, test)
        ]
        return made[0], made[1]


def load() -> Book:
    """The book as it is published, uncleaned."""
    policies = pd.read_csv(real_data("fremtpl2/freMTPL2freq.csv.gz"))
    factors = policies.drop(columns=["IDpol", "ClaimNb", "Exposure"])
    return Book(
        factors=factors,
        exposure=policies["Exposure"].to_numpy(dtype=np.float64),
        counts=policies["ClaimNb"].to_numpy(dtype=np.float64),
        groups=pd.util.hash_pandas_object(factors, index=False).astype(str).to_numpy(),
    )


def convention_a(book: Book, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The published figures, ours, and the model, its settings chosen by folds inside the training part.

    The test's rows are drawn at random, policies of one group on both sides; so are the folds.
    """
    train, test = train_test_split(np.arange(len(book.counts)), test_size=TEST_SHARE, random_state=0)
    fitted_on, tested = book.sides(train, test)
    folds = np.random.default_rng(SEED).integers(0, settings["folds"], len(train))
    model = fit_frequency(fitted_on, settings=settings, seed=SEED, folds=folds)
    rate = float(fitted_on.counts.sum() / fitted_on.exposure.sum())
    logs = {
        "constant": np.full(len(test), np.log(rate)),
        "glm": np.log(_published_glm(book, train, test)),
        "glm_banded": fit_glm(fitted_on, bands=settings["bands"]).logs(tested.rows),
        "xgboost": model.logs(tested.rows),
    }
    told = {name: _deviance(tested, said) for name, said in logs.items()}
    bands = by_decile(logs["xgboost"], tested.counts, tested.exposure)
    return {
        **{name: round(value, 5) for name, value in told.items()},
        "published": PUBLISHED,
        "train_ae": _ratio(fitted_on, model.logs(fitted_on.rows)),
        "test_ae": _ratio(tested, logs["xgboost"]),
        "test_deciles": [
            {"ae": band.ratio.value, "lower": band.ratio.lower, "upper": band.ratio.upper} for band in bands
        ],
        "deciles_whose_interval_covers_1": sum(band.ratio.lower <= 1 <= band.ratio.upper for band in bands),
        "gini": {name: round(gini(said, tested.counts, tested.exposure), 4) for name, said in logs.items()},
        "depth": model.growth.depth,
        "leaf_weight": model.growth.leaf,
        "rounds": model.rounds,
        "losses_of_folds": dict(model.losses),
        "train_rows": len(train),
        "test_rows": len(test),
    }


def grouped(book: Book, settings: Mapping[str, Any], *, splits: int) -> dict[str, Any]:
    """Paired gain over the banded GLM, in hundredths of the mean deviance of a policy's count, over grouped splits.

    Folds of whole groups inside the first split's training part choose growth and rounds for all of them.

    The interval is Student's over splits; splits share rows, so it is too narrow by what they share, and each split's
    gain is printed.
    """
    divide = GroupShuffleSplit(n_splits=splits, test_size=GROUPED_TEST_SHARE, random_state=100)
    gains, levels, chosen = [], [], None
    for number, (train, test) in enumerate(divide.split(book.counts, groups=book.groups)):
        fitted_on, tested = book.sides(train, test)
        if chosen is None:
            found = fit_frequency(fitted_on, settings=settings, seed=SEED)
            chosen = (found.growth, found.rounds)
        growth, rounds = chosen
        model = grow(fitted_on, growth=growth, rounds=rounds, settings=settings, seed=SEED + number)
        ours, rival = (
            float(poisson_deviances(tested.counts, tested.exposure * np.exp(logs)).mean())
            for logs in (model.logs(tested.rows), model.linear.logs(tested.rows))
        )
        gains.append(100 * (rival - ours))
        levels.append({"glm": round(100 * rival, 4), "xgboost": round(100 * ours, 4)})
    mean, error = float(np.mean(gains)), float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    half = float(student.ppf(0.975, len(gains) - 1)) * error
    return {
        "mean_gain": mean,
        "gain_interval": [mean - half, mean + half],
        "gains": gains,
        "deviances": levels,
        "depth": growth.depth,
        "leaf_weight": growth.leaf,
        "rounds": rounds,
    }


def severity(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Claims with an amount: where the tail begins, how heavy it is, and what large losses add."""
    claims = pd.read_csv(real_data("fremtpl2/freMTPL2sev.csv"))
    policies = pd.read_csv(real_data("fremtpl2/freMTPL2freq.csv.gz")).set_index("IDpol")
    known = claims["IDpol"].isin(policies.index)
    factors = policies.loc[claims["IDpol"][known]].drop(columns=["ClaimNb", "Exposure"])
    features = fit_features(factors, {})
    amounts = claims["ClaimAmount"][known].to_numpy(dtype=np.float64)
    found = fit_severity(
        encoded(factors, features),
        amounts,
        features,
        bands=settings["bands"],
        tail_quantiles=settings["tail_quantiles"],
    )
    capped = np.minimum(amounts, found.tail.threshold)
    return {
        "claims": len(amounts),
        "claims_without_policy": int((~known).sum()),
        "mean": float(amounts.mean()),
        "threshold": found.tail.threshold,
        "losses_above": found.tail.excesses,
        "tail_shape": found.tail.shape,
        "large_loss_share_observed": found.large_loss_share,
        "large_loss_share_by_tail": found.tail.load() / float(capped.mean()),
    }


def _published_glm(book: Book, train: Rows, test: Rows) -> Vector:
    """The example's own pipeline, fitted on its training part."""
    log_scale = make_pipeline(FunctionTransformer(np.log, validate=False), StandardScaler())
    texts = ["VehBrand", "VehPower", "VehGas", "Region", "Area"]
    prepared = ColumnTransformer(
        [
            ("passthrough", "passthrough", ["BonusMalus"]),
            (
                "bins",
                KBinsDiscretizer(n_bins=10, random_state=0, quantile_method="averaged_inverted_cdf"),
                ["VehAge", "DrivAge"],
            ),
            ("log", log_scale, ["Density"]),
            ("texts", OneHotEncoder(), texts),
        ]
    )
    model = make_pipeline(prepared, PoissonRegressor(alpha=1e-12, solver="newton-cholesky"))
    weights = book.exposure[train]
    model.fit(book.factors.iloc[train], book.counts[train] / weights, poissonregressor__sample_weight=weights)
    return np.asarray(model.predict(book.factors.iloc[test]))


def _deviance(side: ClaimsSample, logs: Vector) -> float:
    return poisson_deviance(side.counts, side.exposure * np.exp(logs), exposure=side.exposure)


def _ratio(side: ClaimsSample, logs: Vector) -> float:
    return float(side.counts.sum() / (side.exposure * np.exp(logs)).sum())
