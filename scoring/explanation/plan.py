"""How a forest is asked: splits answered once a row, then groups of leaves looked up by the pattern of those answers.

A group is all leaves below one node. Its bits are the splits that decide which of them a row reaches: those above the
node and those within; bit b of a row's pattern says whether the row goes left at split b. A group of the last two
levels of a tree of depth 4 has five bits and at most five features, so a row costs four look-ups of five numbers in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.errors import TreesNotExplainable
from scoring.explanation.trees import Forest, Tree

MAXIMUM_DEPTH = 8
"""Deeper trees are refused: a leaf's table doubles with each level, and a lender's trees are shallow."""

GROUP_BITS = 7
"""A group may have so many bits; more, one above its deepest leaf's depth, where that makes its tables smaller."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One feature's conditions on the way to a leaf, together: met where `pattern & mask == want`.

    `ratio` is the share of training weight that goes the leaf's way at its splits: the product of cover ratios.
    """

    feature: int
    mask: int
    want: int
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A leaf's value and its conditions, one a distinct feature, in the order in which the way meets them."""

    value: float
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Splits (nodes of the tree, the lowest bit first) and the leaves that they tell apart."""

    splits: tuple[int, ...]
    leaves: tuple[Leaf, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """Distinct features of the leaves, rising."""
        return tuple(sorted({condition.feature for leaf in self.leaves for condition in leaf.conditions}))


class Plan(NamedTuple):
    """The arrays that the compiled code walks (a tuple, for Numba); `*_start` has one entry more than owners.

    Tree t owns splits `split_start[t:t+2]` and groups `group_start[t:t+2]`; group g owns bits, columns, leaves and,
    from `table_start[g]`, a table of columns x patterns; leaf l owns conditions and, from `count_start[l]`, a count a
    pattern.
    """

    features: int
    split_start: Ints
    split_feature: Ints
    split_value: NDArray[np.float32]
    split_kind: Ints
    category_start: Ints
    goes_right: NDArray[np.uint8]
    group_start: Ints
    bit_start: Ints
    bit_split: Ints
    column_start: Ints
    column_feature: Ints
    table_start: NDArray[np.int64]
    leaf_start: Ints
    leaf_value: Floats
    condition_start: Ints
    condition_mask: Ints
    condition_want: Ints
    condition_column: Ints
    condition_ratio: Floats
    count_start: NDArray[np.int64]


MISSING_RIGHT, MISSING_LEFT, CATEGORY_MISSING_RIGHT, CATEGORY_MISSING_LEFT = range(4)


def plan_of(forest: Forest) -> Plan:
    """The plan of a forest. Raises TreesNotExplainable for a tree deeper than `MAXIMUM_DEPTH`."""
    columns = _Columns()
    for tree in forest.trees:
        _add_tree(columns, tree)
    return columns.plan(forest.features)


def groups_of(tree: Tree) -> list[Group]:
    """The tree's leaves in groups, from left to right."""
    depth = _depth(tree, 0)
    if depth > MAXIMUM_DEPTH:
        raise TreesNotExplainable(
            f"A tree of depth {depth} has no tables; the deepest that has is {MAXIMUM_DEPTH}.",
            hint="Train with a smaller max_depth.",
        )
    return list(_groups(tree, 0, ()))


def _groups(tree: Tree, node: int, way: tuple[int, ...]) -> Iterator[Group]:
    within = _splits_below(tree, node)
    room = max(GROUP_BITS, len(way) + _depth(tree, node) + 1)
    if len(way) + len(within) <= room:
        bits = (*way, *within)
        yield Group(splits=bits, leaves=tuple(_leaves(tree, node, _way_to(tree, way, node), bits)))
        return
    for child in (tree.left[node], tree.right[node]):
        yield from _groups(tree, child, (*way, node))


def _way_to(tree: Tree, way: Sequence[int], node: int) -> tuple[tuple[int, bool], ...]:
    """The splits of `way` with the direction in which each leads to `node`."""
    following = (*way, node)[1:]
    return tuple((split, tree.left[split] == after) for split, after in zip(way, following, strict=True))


def _leaves(tree: Tree, node: int, way: tuple[tuple[int, bool], ...], bits: Sequence[int]) -> Iterator[Leaf]:
    if tree.is_leaf(node):
        yield _leaf(tree, node, way, bits)
        return
    yield from _leaves(tree, tree.left[node], (*way, (node, True)), bits)
    yield from _leaves(tree, tree.right[node], (*way, (node, False)), bits)


def _leaf(tree: Tree, node: int, way: Sequence[tuple[int, bool]], bits: Sequence[int]) -> Leaf:
    met: dict[int, Condition] = {}
    for split, is_left in way:
        feature, bit = tree.feature[split], 1 << bits.index(split)
        child = tree.left[split] if is_left else tree.right[split]
        before = met.get(feature, Condition(feature=feature, mask=0, want=0, ratio=1.0))
        ratio = tree.cover[child] / tree.cover[split] if tree.cover[split] > 0 else 0.0
        met[feature] = Condition(
            feature=feature,
            mask=before.mask | bit,
            want=before.want | (bit if is_left else 0),
            ratio=before.ratio * ratio,
        )
    return Leaf(value=tree.value[node], conditions=tuple(met.values()))


def _splits_below(tree: Tree, node: int) -> tuple[int, ...]:
    if tree.is_leaf(node):
        return ()
    return (node, *_splits_below(tree, tree.left[node]), *_splits_below(tree, tree.right[node]))


def _depth(tree: Tree, node: int) -> int:
    return 0 if tree.is_leaf(node) else 1 + max(_depth(tree, tree.left[node]), _depth(tree, tree.right[node]))


class _Columns:
    """The plan's arrays while they grow; every `*_start` begins with 0."""

    def __init__(self) -> None:
        self.grown: dict[str, list[Any]] = {
            name: [0] if name.endswith("_start") else [] for name in Plan._fields if name != "features"
        }

    def add(self, **values: Any) -> None:
        """Append one value to each named array."""
        for name, value in values.items():
            self.grown[name].append(value)

    def size(self, name: str) -> int:
        """How many entries an array has so far."""
        return len(self.grown[name])

    def plan(self, features: int) -> Plan:
        """The finished plan."""
        types = {"split_value": np.float32, "goes_right": np.uint8, "table_start": np.int64, "count_start": np.int64}
        floats = dict.fromkeys(("leaf_value", "condition_ratio"), np.float64)
        kinds: dict[str, Any] = {**dict.fromkeys(self.grown, np.int32), **floats, **types}
        return Plan(
            features=features, **{name: np.array(grown, dtype=kinds[name]) for name, grown in self.grown.items()}
        )


def _add_tree(columns: _Columns, tree: Tree) -> None:
    splits = _splits_below(tree, 0)
    for split in splits:
        _add_split(columns, tree, split)
    columns.add(split_start=columns.size("split_feature"))
    for group in groups_of(tree):
        _add_group(columns, group, splits)
    columns.add(group_start=columns.size("table_start") - 1)


def _add_split(columns: _Columns, tree: Tree, split: int) -> None:
    is_category = split in tree.goes_right
    kind = (CATEGORY_MISSING_RIGHT if is_category else MISSING_RIGHT) + int(tree.missing_left[split])
    columns.add(
        split_feature=tree.feature[split],
        split_value=tree.threshold[split],
        split_kind=kind,
    )
    chosen = tree.goes_right.get(split, frozenset())
    columns.grown["goes_right"].extend(int(category in chosen) for category in range(max(chosen, default=-1) + 1))
    columns.add(category_start=columns.size("goes_right"))


def _add_group(columns: _Columns, group: Group, splits: Sequence[int]) -> None:
    features = group.features
    columns.grown["bit_split"].extend(splits.index(split) for split in group.splits)
    columns.grown["column_feature"].extend(features)
    for leaf in group.leaves:
        for condition in leaf.conditions:
            columns.add(
                condition_mask=condition.mask,
                condition_want=condition.want,
                condition_column=features.index(condition.feature),
                condition_ratio=condition.ratio,
            )
        columns.add(
            leaf_value=leaf.value,
            condition_start=columns.size("condition_mask"),
            count_start=columns.grown["count_start"][-1] + (1 << len(leaf.conditions)),
        )
    columns.add(
        bit_start=columns.size("bit_split"),
        column_start=columns.size("column_feature"),
        leaf_start=columns.size("leaf_value"),
        table_start=columns.grown["table_start"][-1] + len(features) * (1 << len(group.splits)),
    )
