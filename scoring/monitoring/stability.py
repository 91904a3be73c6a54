"""How far a population has moved from the one that a model was tested on: PSI of its score, CSI of its inputs.

The index of two samples is never zero by chance alone: with B bins, N rows then and M rows now, about
(B - 1)(1 / N + 1 / M) is to be expected, so that a threshold must stand above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST_SHARE = 1e-4
"""Of an empty bin, so that the index stays finite."""

Vector = NDArray[np.float64]


class Drift(StrEnum):
    """How far a population has moved."""

    STABLE = "stable"
    WATCH = "watch"
    SHIFTED = "shifted"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """A sample in bins of about equal mass: inner edges (rising), and the share of each bin, last of missing ones."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    rows: int

    def plain(self) -> dict[str, Any]:
        """As it is kept beside a model."""
        return {"edges": list(self.edges), "shares": list(self.shares), "rows": self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """An index, what chance alone would give, the rows now, and what it means."""

    psi: float
    expected_by_chance: float
    rows: int
    drift: Drift


def bins_of(values: Vector, *, count: int) -> Bins:
    """The bins of a sample (n; NaN where missing). Values that repeat share a bin, so that there may be fewer."""
    known = values[~np.isnan(values)]
    inner = np.linspace(0, 1, count + 1)[1:-1]
    edges = np.unique(np.quantile(known, inner)) if len(known) else np.empty(0)
    if len(edges) and edges[0] == known.min():
        edges = edges[1:]
    return Bins(edges=tuple(edges.tolist()), shares=_shares(values, edges), rows=len(values))


def read_bins(plain: Mapping[str, Any]) -> Bins:
    """The inverse of `Bins.plain`."""
    return Bins(edges=tuple(plain["edges"]), shares=tuple(plain["shares"]), rows=plain["rows"])


def stability(then: Bins, values: Vector, settings: Mapping[str, Any]) -> Stability:
    """The index of a sample (n) against bins, judged by parameter `drift_alarms`: what chance alone gives is added to
    each threshold, and fewer than `least_rows` are not judged."""
    now = np.array(_shares(values, np.array(then.edges)))
    before = np.array(then.shares)
    first, second = (np.maximum(share, SMALLEST_SHARE) for share in (before, now))
    index = float(((second - first) * np.log(second / first)).sum()) if len(values) else 0.0
    used = int(((before > 0) | (now > 0)).sum())
    chance = (used - 1) * (1 / then.rows + 1 / len(values)) if len(values) and then.rows else 0.0
    return Stability(
        psi=index, expected_by_chance=chance, rows=len(values), drift=_drift(index, chance, values, settings)
    )


def _drift(index: float, chance: float, values: Vector, settings: Mapping[str, Any]) -> Drift:
    if len(values) < settings["least_rows"]:
        return Drift.TOO_FEW
    if index > settings["psi_shifted"] + chance:
        return Drift.SHIFTED
    return Drift.WATCH if index > settings["psi_watch"] + chance else Drift.STABLE


def _shares(values: Vector, edges: NDArray[np.float64] | Sequence[float]) -> tuple[float, ...]:
    """Shares of the bins and, last, of missing values."""
    missing = np.isnan(values)
    place = np.searchsorted(np.asarray(edges, dtype=np.float64), values[~missing], side="right")
    counts = [*np.bincount(place, minlength=len(edges) + 1).tolist(), int(missing.sum())]
    return tuple(count / len(values) if len(values) else 0.0 for count in counts)
