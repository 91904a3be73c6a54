"""Policies as models take them: encoded factors, exposure, claims, and who belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.boosters import THREADS
from scoring.table.card import TableFeature

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClaimsSample:
    """Encoded rating factors (n, k; NaN where missing), earned exposure (n, above 0), claim counts (n) and groups (n)
    that must not be torn apart by a split (policies of one fleet, renewals of one machine)."""

    rows: Matrix
    exposure: Vector
    counts: Vector
    groups: Sequence[str]
    features: tuple[TableFeature, ...]

    def part(self, chosen: Mask) -> ClaimsSample:
        """The chosen rows."""
        return ClaimsSample(
            rows=self.rows[chosen],
            exposure=self.exposure[chosen],
            counts=self.counts[chosen],
            groups=[self.groups[int(row)] for row in np.flatnonzero(chosen)],
            features=self.features,
        )

    def matrix(self, logs: Vector) -> xgb.DMatrix:
        """The rows as trees take them, started at exposure x exp(logs): counts as labels, so that exposure is offset.

        Never a bare ln(exposure): with early stopping that over-prices (docs/premium.md).
        """
        return matrix_of(self.rows, self.features, label=self.counts, start=logs + np.log(self.exposure))


def matrix_of(
    rows: Matrix,
    features: Sequence[TableFeature],
    *,
    label: Vector | None = None,
    weight: Vector | None = None,
    start: Vector | None = None,
) -> xgb.DMatrix:
    """Encoded rows as xgboost takes them, texts as categories, started at the margins `start` (n)."""
    return xgb.DMatrix(
        rows,
        label=label,
        weight=weight,
        base_margin=start,
        missing=np.nan,
        nthread=THREADS,
        feature_types=["c" if feature.kind == "category" else "q" for feature in features],
        enable_categorical=True,
    )
