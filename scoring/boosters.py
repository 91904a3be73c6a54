"""Gradient-boosted trees as bytes and back: margins and exact contributions of one or many members.

Rows are handed over as a plain `DMatrix`. A `QuantileDMatrix` without a reference bins its rows anew and so asks the
trees another question than the one put (see `tests/scoring/test_boosters.py`). Few rows go the trees' ways in
compiled code (`scoring.few_rows`), with the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.errors import AdditivityBroken
from scoring.explanation.compiled import explainer_of, path_dependent_of
from scoring.explanation.shapley import ShapleyTables
from scoring.few_rows import FEW, member_trees

THREADS = 1
"""One thread a model. A book of thousands of rows trains in seconds; two threads grow the same trees, and where another
process holds the second core they were measured ten times slower, because they wait by spinning."""

ADDITIVITY_TOLERANCE = 1e-4

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ensemble:
    """Members of a bag in order: their UBJ bytes, which are their identity, and the trees read from them."""

    members: tuple[bytes, ...]
    boosters: tuple[Any, ...]

    def margins(self, rows: Matrix, *, base_margin: float | None = None) -> Matrix:
        """Raw scores, members x rows. `rows` is (n, k) with NaN where missing; `base_margin` replaces the intercept."""
        trees = member_trees(self.members) if len(rows) <= FEW and not np.isinf(rows).any() else None
        if trees is not None:
            return trees.margins(rows, base_margin=base_margin).astype(np.float64)
        matrix = _matrix(rows, base_margin)
        return np.array([booster.predict(matrix, output_margin=True) for booster in self.boosters], dtype=np.float64)

    def explain(
        self,
        rows: Matrix,
        *,
        base_margin: float | None = None,
        tables: ShapleyTables | None = None,
        margins: Matrix | None = None,
    ) -> Explanation:
        """Margins and their mean's exact contributions: path-dependent, or of `tables` made of this bag.

        `margins` (members x rows) are those of these rows where the caller has them already. The margin is base +
        contributions in double precision. Raises AdditivityBroken where xgboost's own differs by more than 1e-4.
        """
        told = path_dependent_of(self.members) if tables is None else tables
        moved = 0.0 if base_margin is None else base_margin - explainer_of(self.members).intercept
        contributions = told.contributions(rows)
        base = np.full(len(rows), told.base + moved)
        explanation = Explanation(
            member_margins=self.margins(rows, base_margin=base_margin) if margins is None else margins,
            margin=base + contributions.sum(axis=1),
            base=base,
            contributions=contributions,
        )
        explanation.check()
        return explanation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """Of n rows: each member's margin by xgboost (members x n), the bag's (n), the base (n), contributions (n x k)."""

    member_margins: Matrix
    margin: Matrix
    base: Matrix
    contributions: Matrix

    def check(self) -> None:
        """Raise AdditivityBroken unless the margin is the members' mean within 1e-4 in every row."""
        gaps = np.abs(mean_of_members(list(self.member_margins)) - self.margin)
        if gaps.size and not gaps.max() <= ADDITIVITY_TOLERANCE:
            row = int(np.argmax(gaps))
            raise AdditivityBroken(f"Row {row}: base and contributions miss the margin by {gaps[row]}.")


def ensemble(members: Sequence[bytes]) -> Ensemble:
    """The bag whose members are these UBJ bytes."""
    return Ensemble(members=tuple(members), boosters=tuple(_booster(member) for member in members))


def to_bytes(booster: Any) -> bytes:
    """A trained booster as UBJ."""
    return bytes(booster.save_raw("ubj"))


def mean_of_members(values: Sequence[Matrix]) -> Matrix:
    """Mean over members, added in their order: the same bits however many rows stand beside one another."""
    total = np.zeros_like(values[0])
    for value in values:
        total = total + value
    return total / len(values)


def training_matrix(
    rows: Matrix, labels: Matrix, *, weights: Matrix | None = None, base_margins: Matrix | None = None
) -> Any:
    """Rows (n, k) with labels (n) for training; `weights` count a row so many times, `base_margins` start it there."""
    return xgb.DMatrix(rows, label=labels, weight=weights, base_margin=base_margins, missing=np.nan, nthread=THREADS)


def _matrix(rows: Matrix, base_margin: float | None) -> Any:
    start = None if base_margin is None else np.full(len(rows), base_margin)
    return xgb.DMatrix(rows, base_margin=start, missing=np.nan, nthread=THREADS)


def _booster(member: bytes) -> Any:
    booster = xgb.Booster()
    booster.load_model(bytearray(member))
    booster.set_param({"nthread": THREADS})
    return booster
