"""Compiled code: tables of exact Shapley contributions from a plan, and rows looked up in them.

The contributions of one leaf depend only on which of its conditions a row meets, so they are tabulated once for each
pattern of met conditions, and the leaves of a group are added into one table by the pattern of the row's answers. A row
then costs one look-up a column of each group, in whatever company it stands: trees are added in their order. `x == x`
says that x is not NaN.
"""

# ruff: noqa: PLR0124, PLR0917 (compiled code: NaN is tested by comparison, and Numba takes no keyword-only arguments)

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from scoring.explanation.plan import CATEGORY_MISSING_LEFT, MISSING_LEFT, Plan

BLOCK = 128
"""Rows that are taken through the trees together, so that a split's rows are compared in one go."""

FEW = 8
"""Fewer rows are quicker one by one; they get the same bits, because both ways add in the same order."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@njit(nogil=True, cache=True)
def add_contributions(plan: Plan, table: Floats, rows: Floats, out: Floats) -> None:
    """Add to `out` (n, k) what `table` says of `rows` (n, k), NaN where missing."""
    answers, pattern = _scratch(plan)
    block = np.empty((plan.features, BLOCK), np.float32)
    sums = np.empty((plan.features, BLOCK), np.float64)
    for start in range(0, len(rows), BLOCK):
        size = min(BLOCK, len(rows) - start)
        if size < FEW:
            for row in range(start, start + size):
                _add_one(plan, table, rows[row], answers[:, 0], out[row])
            continue
        _turn(rows, start, size, block)
        sums[:, :size] = 0.0
        for tree in range(len(plan.split_start) - 1):
            _answer(plan, tree, block, size, answers)
            for group in range(plan.group_start[tree], plan.group_start[tree + 1]):
                _find_pattern(plan, group, answers, size, pattern)
                _look_up(plan, group, table, pattern, size, sums)
        for row in range(size):
            for feature in range(plan.features):
                out[start + row, feature] += sums[feature, row]


@njit(nogil=True, cache=True)
def count_patterns(plan: Plan, rows: Floats) -> Counts:
    """How many of `rows` (n, k) show each pattern of met conditions at each leaf, from `count_start` of the leaf on."""
    counts = np.zeros(plan.count_start[-1], np.int64)
    answers, pattern = _scratch(plan)
    block = np.empty((plan.features, BLOCK), np.float32)
    for start in range(0, len(rows), BLOCK):
        size = min(BLOCK, len(rows) - start)
        _turn(rows, start, size, block)
        for tree in range(len(plan.split_start) - 1):
            _answer(plan, tree, block, size, answers)
            for group in range(plan.group_start[tree], plan.group_start[tree + 1]):
                _find_pattern(plan, group, answers, size, pattern)
                for leaf in range(plan.leaf_start[group], plan.leaf_start[group + 1]):
                    for row in range(size):
                        counts[plan.count_start[leaf] + _met(plan, leaf, pattern[row])] += 1
    return counts


@njit(nogil=True, cache=True)
def path_dependent_table(plan: Plan) -> tuple[Floats, float]:
    """The groups' table and the mean margin where an unknown feature follows the training weight at each split."""
    table, base = np.zeros(plan.table_start[-1], np.float64), 0.0
    for group in range(len(plan.table_start) - 1):
        for leaf in range(plan.leaf_start[group], plan.leaf_start[group + 1]):
            ratio = plan.condition_ratio[plan.condition_start[leaf] : plan.condition_start[leaf + 1]]
            base += plan.leaf_value[leaf] * np.prod(ratio)
            _spread(plan, group, leaf, _of_ratios(ratio, plan.leaf_value[leaf]), table)
    return table, base


@njit(nogil=True, cache=True)
def interventional_table(plan: Plan, counts: Counts, members: int) -> tuple[Floats, float]:
    """The groups' table and the mean margin of a reference group of so many members with these pattern counts."""
    table, base = np.zeros(plan.table_start[-1], np.float64), 0.0
    for group in range(len(plan.table_start) - 1):
        for leaf in range(plan.leaf_start[group], plan.leaf_start[group + 1]):
            own = counts[plan.count_start[leaf] : plan.count_start[leaf + 1]]
            base += plan.leaf_value[leaf] * own[-1] / members
            conditions = plan.condition_start[leaf + 1] - plan.condition_start[leaf]
            _spread(plan, group, leaf, _of_counts(own, conditions, plan.leaf_value[leaf] / members), table)
    return table, base


@njit(nogil=True, cache=True)
def _add_one(plan: Plan, table: Floats, values: Floats, answers: NDArray[np.int32], out: Floats) -> None:
    """One row, without blocks. It has one way out and slices nothing: either would count references at every split."""
    for tree in range(len(plan.split_start) - 1):
        first = plan.split_start[tree]
        for split in range(first, plan.split_start[tree + 1]):
            value, kind = np.float32(values[plan.split_feature[split]]), plan.split_kind[split]
            if kind == MISSING_LEFT:
                answers[split - first] = 1 - (value >= plan.split_value[split])
            elif kind < MISSING_LEFT:
                answers[split - first] = value < plan.split_value[split]
            elif value != value:
                answers[split - first] = kind == CATEGORY_MISSING_LEFT
            else:
                answers[split - first] = 1
                listed = plan.category_start[split + 1] - plan.category_start[split]
                if 0 <= value < listed:
                    answers[split - first] = 1 - plan.goes_right[plan.category_start[split] + int(value)]
        for group in range(plan.group_start[tree], plan.group_start[tree + 1]):
            pattern, bits = 0, plan.bit_start[group + 1] - plan.bit_start[group]
            for bit in range(bits):
                pattern |= answers[plan.bit_split[plan.bit_start[group] + bit]] << bit
            place = plan.table_start[group] + pattern
            for column in range(plan.column_start[group], plan.column_start[group + 1]):
                out[plan.column_feature[column]] += table[place]
                place += 1 << bits


@njit(nogil=True, cache=True)
def _scratch(plan: Plan) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Room for the answers to one tree's splits and for the patterns of one group."""
    most = 1
    for tree in range(len(plan.split_start) - 1):
        most = max(most, plan.split_start[tree + 1] - plan.split_start[tree])
    return np.empty((most, BLOCK), np.int32), np.empty(BLOCK, np.int32)


@njit(nogil=True, cache=True)
def _turn(rows: Floats, start: int, size: int, block: NDArray[np.float32]) -> None:
    """Rows as the trees see them: a line a feature, in single precision."""
    for row in range(size):
        for feature in range(block.shape[0]):
            block[feature, row] = np.float32(rows[start + row, feature])


@njit(nogil=True, cache=True)
def _answer(plan: Plan, tree: int, block: NDArray[np.float32], size: int, answers: NDArray[np.int32]) -> None:
    """1 where a row goes left, for each split of the tree."""
    first = plan.split_start[tree]
    for split in range(first, plan.split_start[tree + 1]):
        values, answer = block[plan.split_feature[split]], answers[split - first]
        kind, limit = plan.split_kind[split], plan.split_value[split]
        if kind == MISSING_LEFT:
            for row in range(size):
                answer[row] = 1 - (values[row] >= limit)
        elif kind < MISSING_LEFT:
            for row in range(size):
                answer[row] = values[row] < limit
        else:
            right = plan.goes_right[plan.category_start[split] : plan.category_start[split + 1]]
            for row in range(size):
                answer[row] = _category_goes_left(values[row], right, kind)


@njit(nogil=True, cache=True)
def _category_goes_left(value: float, right: NDArray[np.uint8], kind: int) -> int:
    if value != value:
        return 1 if kind == CATEGORY_MISSING_LEFT else 0
    if value < 0 or value >= len(right):
        return 1
    return int(1 - right[int(value)])


@njit(nogil=True, cache=True)
def _find_pattern(plan: Plan, group: int, answers: NDArray[np.int32], size: int, pattern: NDArray[np.int32]) -> None:
    first = plan.bit_start[group]
    pattern[:size] = 0
    for bit in range(plan.bit_start[group + 1] - first):
        answer = answers[plan.bit_split[first + bit]]
        for row in range(size):
            pattern[row] |= answer[row] << bit


@njit(nogil=True, cache=True)
def _look_up(plan: Plan, group: int, table: Floats, pattern: NDArray[np.int32], size: int, sums: Floats) -> None:
    patterns = 1 << (plan.bit_start[group + 1] - plan.bit_start[group])
    first = plan.column_start[group]
    for column in range(plan.column_start[group + 1] - first):
        begin = plan.table_start[group] + column * patterns
        said = table[begin : begin + patterns]
        total = sums[plan.column_feature[first + column]]
        for row in range(size):
            total[row] += said[pattern[row]]


@njit(nogil=True, cache=True)
def _met(plan: Plan, leaf: int, pattern: int) -> int:
    """Which of the leaf's conditions a pattern of answers meets, the first in the lowest bit."""
    met, first = 0, plan.condition_start[leaf]
    for condition in range(first, plan.condition_start[leaf + 1]):
        if pattern & plan.condition_mask[condition] == plan.condition_want[condition]:
            met |= 1 << (condition - first)
    return met


@njit(nogil=True, cache=True)
def _spread(plan: Plan, group: int, leaf: int, of_leaf: Floats, table: Floats) -> None:
    """Add a leaf's contributions (its own patterns x conditions) to its group's table."""
    patterns = 1 << (plan.bit_start[group + 1] - plan.bit_start[group])
    first = plan.condition_start[leaf]
    for pattern in range(patterns):
        met = _met(plan, leaf, pattern)
        for condition in range(of_leaf.shape[1]):
            column = plan.condition_column[first + condition]
            table[plan.table_start[group] + column * patterns + pattern] += of_leaf[met, condition]


@njit(nogil=True, cache=True)
def _of_ratios(ratio: Floats, value: float) -> Floats:
    """Shapley contributions of a leaf for each pattern: met conditions count 1 when known and their ratio when not.

    `sizes[s]` sums, over the sets of s other conditions, the product of what is known of them.
    """
    count = len(ratio)
    found, sizes = np.zeros((1 << count, count)), np.empty(count)
    for pattern in range(1 << count):
        for condition in range(count):
            sizes[:] = 0.0
            sizes[0] = 1.0
            for other in range(count):
                if other != condition:
                    is_met = (pattern >> other) & 1
                    for size in range(count - 1, 0, -1):
                        sizes[size] = sizes[size] * ratio[other] + sizes[size - 1] * is_met
                    sizes[0] *= ratio[other]
            gain = ((pattern >> condition) & 1) - ratio[condition]
            for size in range(count):
                found[pattern, condition] += value * gain * sizes[size] * _weight(size, count - size - 1)
    return found


@njit(nogil=True, cache=True)
def _of_counts(counts: Counts, count: int, value: float) -> Floats:
    """Contributions of a leaf with `count` conditions for each pattern, against all reference rows of `value` each.

    Where a reference row does not meet what the row meets (u conditions), and meets what the row does not (v), the leaf
    is reached with all of the former and none of the latter: each of the u gains (u - 1)! v! / (u + v)! of the value,
    each of the v loses u! (v - 1)! / (u + v)! of it. Where neither meets a condition, nothing reaches the leaf.
    """
    found, everything = np.zeros((len(counts), count)), len(counts) - 1
    for pattern in range(len(counts)):
        for reference in range(len(counts)):
            if counts[reference] == 0 or pattern | reference != everything:
                continue
            own, others = _ones(pattern & ~reference), _ones(reference & ~pattern)
            share = value * counts[reference]
            for condition in range(count):
                is_met, is_met_there = (pattern >> condition) & 1, (reference >> condition) & 1
                if is_met > is_met_there:
                    found[pattern, condition] += share * _weight(own - 1, others)
                elif is_met < is_met_there:
                    found[pattern, condition] -= share * _weight(own, others - 1)
    return found


@njit(nogil=True, cache=True)
def _weight(before: int, after: int) -> float:
    """before! after! / (before + after + 1)!: the share of orders with so many features before one and after it."""
    weight = 1.0 / (before + after + 1)
    for step in range(1, before + 1):
        weight *= step / (after + step)
    return weight


@njit(nogil=True, cache=True)
def _ones(pattern: int) -> int:
    count = 0
    while pattern:
        pattern &= pattern - 1
        count += 1
    return count
