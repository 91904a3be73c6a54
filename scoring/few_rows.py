"""Margins of few rows, member by member: compiled code that goes the trees' ways itself, to the bit as xgboost does.

xgboost is made for thousands of rows. Asked for the three of a decision it takes most of its time to be asked, once a
member; so a bag of twenty would cost twice what a bag of ten does. It stays the reference in tests, answers for
many rows, and for trees that split on categories.
"""

# ruff: noqa: PLR0124 (compiled code: NaN is tested by comparison)

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb
from numba import njit
from numpy.typing import NDArray

FEW = 16
"""More rows are quicker by xgboost, which compares those of a block in one go."""

KEPT = 8
"""Bags whose trees stay in memory."""

Rows = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int32]


class MemberTrees(NamedTuple):
    """The nodes of all trees of a bag one after the other, a leaf's `left` being -1 and its `threshold` its value.

    `root` is each tree's first node, `member` (members + 1) where each member's trees begin, `start` the margin that
    each member adds them to: in single precision and in this order, as xgboost does.
    """

    feature: Ints
    threshold: Singles
    missing_left: NDArray[np.uint8]
    left: Ints
    right: Ints
    root: Ints
    member: Ints
    start: Singles

    def margins(self, rows: Rows, *, base_margin: float | None = None) -> Singles:
        """Members x rows, of `rows` (n, k) with NaN where missing; `base_margin` replaces the start."""
        start = self.start if base_margin is None else np.full(len(self.start), base_margin, dtype=np.float32)
        margins: Singles = _walk(self, start, np.ascontiguousarray(rows, dtype=np.float64))
        return margins


@lru_cache(maxsize=KEPT)
def member_trees(members: tuple[bytes, ...]) -> MemberTrees | None:
    """The trees of a bag given as UBJ bytes; None where its boosters are no plain trees that split on numbers."""
    models = [json.loads(_booster(member).save_raw("json")) for member in members]
    if not all(_splits_on_numbers(model["learner"]) for model in models):
        return None
    trees = [model["learner"]["gradient_booster"]["model"]["trees"] for model in models]
    every = [tree for of_member in trees for tree in of_member]
    root = np.cumsum([0, *(len(tree["left_children"]) for tree in every)])[:-1]
    return MemberTrees(
        feature=_joined(every, "split_indices", np.int32),
        threshold=_joined(every, "split_conditions", np.float32),
        missing_left=_joined(every, "default_left", np.uint8),
        left=_children(every, "left_children", root),
        right=_children(every, "right_children", root),
        root=root.astype(np.int32),
        member=np.cumsum([0, *map(len, trees)]).astype(np.int32),
        start=np.array([_start(model) for model in models], dtype=np.float32),
    )


def _booster(member: bytes) -> Any:
    booster = xgb.Booster()
    booster.load_model(bytearray(member))
    return booster


def _splits_on_numbers(learner: dict[str, Any]) -> bool:
    told, booster = learner["learner_model_param"], learner["gradient_booster"]
    is_plain = booster["name"] == "gbtree" and max(int(told["num_target"]), int(told["num_class"])) <= 1
    return is_plain and not any(tree["categories_nodes"] for tree in booster["model"]["trees"])


def _start(model: dict[str, Any]) -> float:
    """The margin of a model without its trees, asked of xgboost: a logarithm of ours may differ in its last bit."""
    bare = model["learner"]["gradient_booster"]["model"]
    bare |= {"trees": [], "tree_info": [], "iteration_indptr": [0]}
    bare["gbtree_model_param"] |= {"num_trees": "0"}
    nothing = xgb.DMatrix(np.full((1, int(model["learner"]["learner_model_param"]["num_feature"])), np.nan))
    return float(_booster(json.dumps(model).encode()).predict(nothing, output_margin=True)[0])


def _joined(trees: Sequence[dict[str, Any]], name: str, kind: Any) -> NDArray[Any]:
    return np.array([value for tree in trees for value in tree[name]], dtype=kind)


def _children(trees: Sequence[dict[str, Any]], name: str, root: NDArray[np.int64]) -> Ints:
    def placed() -> Iterator[int]:
        for tree, first in zip(trees, root.tolist(), strict=True):
            yield from (child + first if child >= 0 else -1 for child in tree[name])

    return np.fromiter(placed(), dtype=np.int32)


@njit(nogil=True, cache=True)
def _walk(trees: MemberTrees, start: Singles, rows: Rows) -> Singles:
    out = np.empty((len(start), len(rows)), np.float32)
    for member in range(len(start)):
        for row in range(len(rows)):
            total = start[member]
            for tree in range(trees.member[member], trees.member[member + 1]):
                node = trees.root[tree]
                while trees.left[node] >= 0:
                    value = np.float32(rows[row, trees.feature[node]])
                    goes_left = value < trees.threshold[node]
                    if value != value:
                        goes_left = trees.missing_left[node] == 1
                    node = trees.left[node] if goes_left else trees.right[node]
                total += trees.threshold[node]
            out[member, row] = total
    return out
