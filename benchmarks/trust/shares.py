"""Shares of few, with what chance alone leaves open of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many found of so many that could be."""

    found: int
    of: int

    @property
    def value(self) -> float:
        """The share; NaN of nobody."""
        return self.found / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of Clopper and Pearson at `CONFIDENCE`; of nobody everything is possible."""
        if not self.of:
            return 0.0, 1.0
        ends = binomtest(self.found, self.of).proportion_ci(CONFIDENCE, method="exact")
        return float(ends.low), float(ends.high)


def share_of(found: Iterable[Any]) -> Share:
    """The share of those who were found, from whether each was."""
    marks = [bool(one) for one in found]
    return Share(found=sum(marks), of=len(marks))
