"""A small book of policies drawn from known frequencies and severities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scoring.table.card import TableFeature
from scoring.table.encoding import encoded
from scoring.training.claims.sample import ClaimsSample

SETTINGS: dict[str, Any] = {
    "bands": 8, "growths": [[2, 10], [3, 10]], "eta": 0.15, "subsample": 0.9, "colsample_bytree": 1.0, "reg_lambda": 5,
    "maximum_rounds": 80, "patience": 10, "folds": 3, "threads": 1, "balance_bands": 20,
    "minimum_claims": 50, "tail_quantiles": [0.8, 0.9, 0.95],
}  # fmt: skip

FEATURES = (
    TableFeature(key="hours", kind="number", levels=(), sign=1, peer_value=None),
    TableFeature(key="age", kind="number", levels=(), sign=0, peer_value=None),
    TableFeature(key="kind", kind="category", levels=("lathe", "mill", "press"), sign=0, peer_value=None),
)


def frame(n: int, seed: int) -> pd.DataFrame:
    """Factors: hours (riskier upwards), age, and a kind of three."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "hours": generator.uniform(0, 6000, n).round(),
            "age": generator.integers(0, 20, n).astype(float),
            "kind": generator.choice(["lathe", "mill", "press"], n),
        }
    )


def true_logs(policies: pd.DataFrame) -> np.ndarray:
    """The truth: a kink in hours that no single band shows, and an interaction that a GLM cannot have."""
    hours, age = policies["hours"].to_numpy() / 6000, policies["age"].to_numpy() / 20
    press = (policies["kind"] == "press").to_numpy()
    return np.asarray(-1.6 + 1.2 * hours**0.7 + 1.4 * press * (age > 0.5) + 0.3 * age)


def sample(n: int, seed: int) -> tuple[ClaimsSample, np.ndarray]:
    """Policies with drawn claims, and the truth of each."""
    policies, generator = frame(n, seed), np.random.default_rng(seed + 1)
    exposure, logs = generator.uniform(0.1, 1.0, n), true_logs(policies)
    made = ClaimsSample(
        rows=encoded(policies, FEATURES),
        exposure=exposure,
        counts=generator.poisson(exposure * np.exp(logs)).astype(float),
        groups=[f"fleet-{at % (n // 5)}" for at in range(n)],
        features=FEATURES,
    )
    return made, logs
