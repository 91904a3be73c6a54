"""Shapley contributions by their definition: every set of features, in double precision. The reference of small trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from math import factorial

import numpy as np

from scoring.explanation.trees import Forest, Tree


def shapley(worth: Callable[[frozenset[int]], float], features: int) -> np.ndarray:
    """Each feature's gain averaged over all orders in which features become known."""
    found = np.zeros(features)
    for feature in range(features):
        others = [other for other in range(features) if other != feature]
        for size in range(features):
            share = factorial(size) * factorial(features - size - 1) / factorial(features)
            for known in combinations(others, size):
                found[feature] += share * (worth(frozenset((*known, feature))) - worth(frozenset(known)))
    return found


def path_dependent(forest: Forest, row: np.ndarray) -> np.ndarray:
    """An unknown feature goes both ways, by training weight."""
    return shapley(lambda known: sum(_by_cover(tree, 0, row, known) for tree in forest.trees), forest.features)


def interventional(forest: Forest, row: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """An unknown feature has the value of each reference row in turn."""

    def worth(known: frozenset[int]) -> float:
        mixed = [np.where([feature in known for feature in range(len(row))], row, other) for other in reference]
        return float(np.mean([_margin(forest.trees, one) for one in mixed]))

    return shapley(worth, forest.features)


def _margin(trees: Iterable[Tree], row: np.ndarray) -> float:
    everything = frozenset(range(len(row)))
    return sum(_by_cover(tree, 0, row, everything) for tree in trees)


def _by_cover(tree: Tree, node: int, row: np.ndarray, known: frozenset[int]) -> float:
    if tree.is_leaf(node):
        return tree.value[node]
    left, right = tree.left[node], tree.right[node]
    if tree.feature[node] in known:
        goes_left = tree.decides_left(node, float(row[tree.feature[node]]))
        return _by_cover(tree, left if goes_left else right, row, known)
    parts = [tree.cover[child] / tree.cover[node] * _by_cover(tree, child, row, known) for child in (left, right)]
    return sum(parts)
