"""Small books on which boosters are grown: numbers, categories and missing values, with a cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import xgboost as xgb

CATEGORIES = 6


def rows_of(count: int, *, features: int, categories: int = 0, missing: float = 0.1, seed: int = 0) -> np.ndarray:
    """Rows (count, features), the last `categories` columns codes; a share is missing."""
    drawn = np.random.default_rng(seed)
    rows = drawn.normal(size=(count, features))
    if categories:
        rows[:, -categories:] = drawn.integers(CATEGORIES, size=(count, categories))
    rows[drawn.random(rows.shape) < missing] = np.nan
    return rows


def outcome_of(rows: np.ndarray, *, seed: int = 1) -> np.ndarray:
    """Outcomes that follow the first half of the columns, their products, and the parity of the last one."""
    known = np.nan_to_num(rows)
    half = max(1, known.shape[1] // 2)
    pull = known[:, :half].sum(axis=1) + known[:, 0] * known[:, -1] + (known[:, -1].astype(int) % 2)
    return pull + np.random.default_rng(seed).normal(size=len(rows)) > 0.5


def matrix_of(rows: np.ndarray, *, categories: int = 0, **more: Any) -> xgb.DMatrix:
    """Rows as xgboost takes them."""
    types = ["q"] * (rows.shape[1] - categories) + ["c"] * categories
    return xgb.DMatrix(rows, feature_types=types, enable_categorical=True, nthread=1, **more)


def bag_of(
    rows: np.ndarray, *, members: int, rounds: int, depth: int, categories: int = 0, **more: Any
) -> list[xgb.Booster]:
    """A bag of boosters, each of its own seed."""
    matrix = matrix_of(rows, categories=categories, label=outcome_of(rows).astype(float))
    growth = {
        "objective": "binary:logistic", "max_depth": depth, "eta": 0.3, "base_score": 0.3, "subsample": 0.7,
        "colsample_bytree": 0.7, "min_child_weight": 1, "max_cat_to_onehot": 2, "nthread": 1, **more,
    }  # fmt: skip
    return [xgb.train({**growth, "seed": seed}, matrix, num_boost_round=rounds) for seed in range(members)]
