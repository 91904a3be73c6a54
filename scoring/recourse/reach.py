"""What peers show: how far no lever goes beyond them, and where a value stands among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = tuple(round(0.05 * step, 2) for step in range(21))

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerReach:
    """Quantiles at `LEVELS` of features among `firms` peers; none of a feature that too few of them tell."""

    firms: int
    quantiles: Mapping[str, tuple[float, ...]]

    def furthest(self, feature: str, *, sign: int, quantile: float) -> float | None:
        """What so many of the peers do not go beyond in the favourable direction (`sign` +1: less is better); None
        where peers do not tell."""
        told = self.quantiles.get(feature)
        return None if told is None else float(np.interp(1 - quantile if sign > 0 else quantile, LEVELS, told))

    def percentile(self, feature: str, value: float | None) -> float | None:
        """Which share of the peers lies below a value; None where either is not known."""
        told = self.quantiles.get(feature)
        return None if told is None or value is None else float(np.interp(value, told, LEVELS))


NO_PEERS = PeerReach(firms=0, quantiles={})


def peer_reach(rows: Matrix, names: Sequence[str], *, least_firms: int) -> PeerReach:
    """The reach of peers with features `rows` (firm, feature), NaN where missing. Of a feature that fewer than
    `least_firms` tell nothing is said: a figure of few firms speaks of them."""
    known = (~np.isnan(rows)).sum(axis=0)
    return PeerReach(
        firms=len(rows),
        quantiles={
            name: tuple(np.nanquantile(rows[:, column], LEVELS).tolist())
            for column, name in enumerate(names)
            if known[column] >= least_firms
        },
    )
