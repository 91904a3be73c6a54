"""freMTPL2: the published Poisson example to its digits, our models beside it, and ten grouped splits.

Convention A is scikit-learn's: frequency = ClaimNb / Exposure, fitted and scored weighted by exposure,
`train_test_split(test_size=.33, random_state=0)`. Published there: constant .625, Poisson GLM .594, histogram boosting
.575. A random split puts policies with the same factors on both sides; the grouped ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

from benchmarks.insurance.other_books import deciles_told, spread_of
from benchmarks.real_data import real_data
from scoring.table.encoding import encoded, fit_features
from scoring.training.claims.diagnostics import gini
from scoring.training.claims.frequency import FittedFrequency, fit_frequency, grow
from scoring.training.claims.sample import ClaimsSample
from scoring.training.claims.severity import fit_severity
from scoring.training.metrics import poisson_deviance, poisson_deviances

PUBLISHED = {"constant": 0.625, "glm": 0.594, "histogram_boosting": 0.575}
SIGNS: Mapping[str, Mapping[str, int]] = {"rising bonus-malus": {"BonusMalus": 1}, "no signs": {}}
"""Folds say what a sign costs: 0.95 a year without a claim and 1.25 after one make some values of the bonus the mark of
a claim and their neighbours of none, so that risk does not rise with every step of it."""
FIRST_LOOK: Mapping[str, Any] = {"growths": [[7, 20]], "eta": 0.12}
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

    def sides(self, train: Rows, test: Rows, signs: str) -> tuple[ClaimsSample, ClaimsSample]:
        """Both sides of a split, texts coded as the training side knows them, under the signs of that name."""
        features = fit_features(self.factors.iloc[train], SIGNS[signs])
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
    folds = np.random.default_rng(SEED).integers(0, settings["folds"], len(train))
    sides = {signs: book.sides(train, test, signs) for signs in SIGNS}
    by_signs = {name: _first_look(fitted_on, settings, folds=folds) for name, (fitted_on, _) in sides.items()}
    signs = _lowest(by_signs)
    fitted_on, tested = sides[signs]
    model = fit_frequency(fitted_on, settings=settings, seed=SEED, folds=folds)
    rate = float(fitted_on.counts.sum() / fitted_on.exposure.sum())
    logs = {
        "constant": np.full(len(test), np.log(rate)),
        "glm": np.log(_published_glm(book, train, test)),
        "glm_banded": model.linear.logs(tested.rows),
        "xgboost": model.logs(tested.rows),
    }
    told = {name: _deviance(tested, said) for name, said in logs.items()}
    deciles = deciles_told(tested, logs["xgboost"], dispersion=spread_of(fitted_on, settings).dispersion)
    return {
        **{name: round(value, 5) for name, value in told.items()},
        "published": PUBLISHED,
        "train_ae": _ratio(fitted_on, model.logs(fitted_on.rows)),
        "test_ae": _ratio(tested, logs["xgboost"]),
        "test_deciles": deciles,
        "deciles_whose_interval_covers_1": _covering(deciles, ""),
        "deciles_whose_poisson_interval_covers_1": _covering(deciles, "_if_poisson"),
        "gini": {name: round(gini(said, tested.counts, tested.exposure), 4) for name, said in logs.items()},
        **_chosen(model, signs),
        "losses_of_folds": dict(model.losses),
        "by_signs": {
            name: {
                "loss_of_folds": min(one.losses.values()),
                "xgboost": round(_deviance(sides[name][1], one.logs(sides[name][1].rows)), 5),
            }
            for name, one in by_signs.items()
        },
        "lowest_loss": _lowest_loss(model, fitted_on, tested, settings),
        "train_rows": len(train),
        "test_rows": len(test),
    }


def grouped(book: Book, settings: Mapping[str, Any], *, splits: int) -> dict[str, Any]:
    """Paired gain over the banded GLM, in hundredths of the mean deviance of a policy's count, over grouped splits.

    Folds of whole groups inside the first split's training part choose signs, growth and rounds for all of them.

    The interval is Student's over splits; splits share rows, so it is too narrow by what they share, and each split's
    gain is printed.
    """
    divide = GroupShuffleSplit(n_splits=splits, test_size=GROUPED_TEST_SHARE, random_state=100)
    cuts = list(divide.split(book.counts, groups=book.groups))
    samples = {signs: book.sides(*cuts[0], signs)[0] for signs in SIGNS}
    by_signs = {name: _first_look(sample, settings) for name, sample in samples.items()}
    signs = _lowest(by_signs)
    found = fit_frequency(samples[signs], settings=settings, seed=SEED)
    gains, levels = [], []
    for number, (train, test) in enumerate(cuts):
        fitted_on, tested = book.sides(train, test, signs)
        model = grow(fitted_on, growth=found.growth, rounds=found.rounds, settings=settings, seed=SEED + number)
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
        **_chosen(found, signs),
        "losses_of_folds": dict(found.losses),
        "by_signs": {name: min(one.losses.values()) for name, one in by_signs.items()},
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


def _first_look(sample: ClaimsSample, settings: Mapping[str, Any], folds: Rows | None = None) -> FittedFrequency:
    """The model at one middling growth in large steps: enough to say which signs the folds take."""
    return fit_frequency(sample, settings={**settings, **FIRST_LOOK}, seed=SEED, folds=folds)


def _lowest(tried: Mapping[str, FittedFrequency]) -> str:
    """The signs under which the folds of the training part lose least."""
    return min(tried, key=lambda signs: min(tried[signs].losses.values()))


def _chosen(model: FittedFrequency, signs: str) -> dict[str, Any]:
    return {"signs": signs, "depth": model.growth.depth, "leaf_weight": model.growth.leaf, "rounds": model.rounds}


def _lowest_loss(
    model: FittedFrequency, fitted_on: ClaimsSample, tested: ClaimsSample, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What the growth that loses least over folds would have given, balanced in sum alone."""
    growth, rounds = model.lowest
    found = grow(fitted_on, growth=growth, rounds=rounds, settings=settings, seed=SEED)
    deviance = round(_deviance(tested, found.logs(tested.rows)), 5)
    return {"depth": growth.depth, "leaf_weight": growth.leaf, "rounds": rounds, "xgboost": deviance}


def _covering(deciles: Sequence[Mapping[str, float]], kind: str) -> int:
    return sum(band[f"lower{kind}"] <= 1 <= band[f"upper{kind}"] for band in deciles)


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
