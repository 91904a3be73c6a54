"""Exact Shapley contributions to the mean margin of a bag, in log-odds, from compiled tables.

Two questions, two tables of one kind. *Path-dependent*: what did each feature add, where an unknown feature follows the
training weight at every split; needs nothing but the trees. *Interventional*: what did each feature add against a fixed
reference group, where an unknown feature has a member's value. Both sum to the margin less `base`; a feature that no
tree asks has 0. docs/explanations.md says when which is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.explanation import kernel
from scoring.explanation.plan import Plan, plan_of
from scoring.explanation.trees import read_forest

ROWS_A_TASK = 4_096

Matrix = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapleyTables:
    """Contributions of any row by look-up; `base` is the margin before any feature is known."""

    plan: Plan
    table: Matrix
    base: float

    def contributions(self, rows: Matrix, *, threads: int = 1) -> Matrix:
        """Contributions (n, k) of rows (n, k), NaN where missing: the same bits for any number of rows and threads."""
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        assert rows.shape == (len(rows), self.plan.features), f"rows {rows.shape}, {self.plan.features} features"
        out = np.zeros(rows.shape)
        if threads == 1 or len(rows) <= ROWS_A_TASK:
            kernel.add_contributions(self.plan, self.table, rows, out)
            return out
        with ThreadPoolExecutor(threads) as pool:
            parts = [slice(start, start + ROWS_A_TASK) for start in range(0, len(rows), ROWS_A_TASK)]
            list(pool.map(lambda part: kernel.add_contributions(self.plan, self.table, rows[part], out[part]), parts))
        return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceCounts:
    """A reference group as the tables need it: how many of its `members` show each pattern at each leaf.

    The members' own values are not in it. Leaves stand tree by tree from left to right, a leaf's patterns by which of
    its distinct features' conditions are met, the first on the way in the lowest bit.
    """

    members: int
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explainer:
    """The compiled plan of one bag."""

    plan: Plan
    intercept: float

    def path_dependent(self) -> ShapleyTables:
        """Tables against the training weight at each split (as xgboost's `pred_contribs`)."""
        table, base = kernel.path_dependent_table(self.plan)
        return ShapleyTables(plan=self.plan, table=table, base=self.intercept + base)

    def count(self, reference: Matrix) -> ReferenceCounts:
        """The pattern counts of a reference group (m, k), m at least 1."""
        assert len(reference) > 0, "a reference group has members"
        rows = np.ascontiguousarray(reference, dtype=np.float64)
        return ReferenceCounts(members=len(rows), counts=kernel.count_patterns(self.plan, rows))

    def interventional(self, reference: ReferenceCounts) -> ShapleyTables:
        """Tables against a reference group."""
        assert len(reference.counts) == self.plan.count_start[-1], "counts of another bag"
        table, base = kernel.interventional_table(self.plan, reference.counts, reference.members)
        return ShapleyTables(plan=self.plan, table=table, base=self.intercept + base)


def explainer(boosters: Sequence[Any]) -> Explainer:
    """The explainer of a bag's boosters. Raises TreesNotExplainable as `read_forest` and `plan_of` do."""
    forest = read_forest(boosters)
    return Explainer(plan=plan_of(forest), intercept=forest.intercept)
