"""Trees as plain arrays: a bag of xgboost boosters read as one forest whose margin is the bag's mean margin."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import TreesNotExplainable

LINKS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "binary:logistic": lambda start: math.log(start / (1 - start)),
        "reg:logistic": lambda start: math.log(start / (1 - start)),
        "count:poisson": math.log,
        "reg:gamma": math.log,
        "reg:tweedie": math.log,
        "reg:squarederror": lambda start: start,
    }
)
"""From a booster's `base_score` to its margin, by objective."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """One tree, a position a node; the root is 0 and `left` and `right` are -1 at a leaf.

    A known value goes left where it is below `threshold` or, in a split with `goes_right`, where its category is not in
    that set; a missing one where `missing_left` says. `cover` is the training weight (the sum of hessians) that came
    by, `value` a leaf's share of the bag's mean margin.
    """

    feature: Sequence[int]
    threshold: Sequence[float]
    missing_left: Sequence[bool]
    goes_right: Mapping[int, frozenset[int]]
    left: Sequence[int]
    right: Sequence[int]
    cover: Sequence[float]
    value: Sequence[float]

    def is_leaf(self, node: int) -> bool:
        """Whether the row's way ends there."""
        return self.left[node] < 0

    def decides_left(self, node: int, value: float) -> bool:
        """Which way a value goes at a split; the reference that compiled code is tested against."""
        if math.isnan(value):
            return self.missing_left[node]
        if node in self.goes_right:
            return int(value) not in self.goes_right[node] if value >= 0 else True
        return bool(np.float32(value) < np.float32(self.threshold[node]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """Trees whose leaf values, added to `intercept`, give the mean margin of the bag; rows have `features` columns."""

    trees: tuple[Tree, ...]
    intercept: float
    features: int


def read_forest(boosters: Sequence[Any]) -> Forest:
    """The forest of a bag's boosters, leaf values divided by their number.

    Raises TreesNotExplainable for boosters that are not plain single-output trees of a known objective.
    """
    models = [json.loads(booster.save_raw("json"))["learner"] for booster in boosters]
    for model in models:
        _check(model)
    share = 1.0 / len(models)
    trees = [_tree(plain, share) for model in models for plain in model["gradient_booster"]["model"]["trees"]]
    return Forest(
        trees=tuple(trees),
        intercept=share * math.fsum(_start(model) for model in models),
        features=int(models[0]["learner_model_param"]["num_feature"]),
    )


def row_margins(forest: Forest, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bag's mean margin of rows (n, k), one by one in plain Python: for tests and small checks."""
    return np.array(
        [forest.intercept + math.fsum(tree.value[_leaf_of(tree, row)] for tree in forest.trees) for row in rows]
    )


def _leaf_of(tree: Tree, row: NDArray[np.float64]) -> int:
    node = 0
    while not tree.is_leaf(node):
        goes_left = tree.decides_left(node, float(row[tree.feature[node]]))
        node = tree.left[node] if goes_left else tree.right[node]
    return node


def _check(model: Mapping[str, Any]) -> None:
    booster, objective = model["gradient_booster"]["name"], model["objective"]["name"]
    if booster != "gbtree" or objective not in LINKS:
        raise TreesNotExplainable(
            f"A booster {booster} with objective {objective} has no tables.",
            hint=f"Take gbtree with one of: {', '.join(LINKS)}.",
        )
    outputs = max(int(model["learner_model_param"]["num_target"]), int(model["learner_model_param"]["num_class"]))
    if outputs > 1:
        raise TreesNotExplainable(f"A booster with {outputs} outputs has no tables.", hint="Train one an output.")


def _start(model: Mapping[str, Any]) -> float:
    """The margin that a booster starts from; 3.x writes `base_score` as a list of one."""
    written = str(model["learner_model_param"]["base_score"]).strip("[]")
    return LINKS[model["objective"]["name"]](float(np.float32(written)))


def _tree(plain: Mapping[str, Any], share: float) -> Tree:
    leaf_values = np.array(plain["split_conditions"], dtype=np.float32).astype(np.float64) * share
    return Tree(
        feature=plain["split_indices"],
        threshold=plain["split_conditions"],
        missing_left=[bool(flag) for flag in plain["default_left"]],
        goes_right=_category_sets(plain),
        left=plain["left_children"],
        right=plain["right_children"],
        cover=plain["sum_hessian"],
        value=leaf_values.tolist(),
    )


def _category_sets(plain: Mapping[str, Any]) -> dict[int, frozenset[int]]:
    segments = zip(plain["categories_nodes"], plain["categories_segments"], plain["categories_sizes"], strict=True)
    return {node: frozenset(plain["categories"][start : start + size]) for node, start, size in segments}
