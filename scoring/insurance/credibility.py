"""How far a fleet's own claims count: Buhlmann-Straub credibility on the ratio of actual to expected claims.

Ratios to the tariff, not raw frequencies, are made credible: what the tariff already knows of a fleet is not counted
twice. H. Buhlmann and E. Straub, Glaubwuerdigkeit fuer Schadensaetze (1970); estimators as in Buhlmann and Gisler, A
Course in Credibility Theory (2005), 4.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import NotEnoughEvents

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a collective shows: variance within fleets (of a weight of one), variance between them, and its mean."""

    within: float
    between: float
    collective: float

    @property
    def k(self) -> float:
        """The weight at which a fleet's own experience counts half; infinite where fleets do not differ."""
        return self.within / self.between if self.between > 0 else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credible:
    """Fleets (n) in the order given: credibility `z`, and the ratio that is used for each."""

    structure: Structure
    z: Vector
    own: Vector
    ratios: Vector


def credible_ratios(weights: Vector, own: Vector, *, within: float) -> Credible:
    """Z own + (1 - Z) collective for each fleet of weight (expected claims) `weights` (n) and ratio `own` (n).

    `within` is the variance of a ratio of weight one (`variance_within`; 1 where claims are Poisson and weights are
    expected claims). The collective is the mean by credibility, so that fleets' sum keeps the book's balance as best it
    can; where fleets do not differ beyond chance, Z = 0 and the collective is the mean by weight.
    """
    between = variance_between(weights, own, within=within)
    z = weights / (weights + within / between) if between > 0 else np.zeros_like(weights)
    collective = float(z @ own / z.sum()) if z.any() else float(weights @ own / weights.sum())
    structure = Structure(within=within, between=between, collective=collective)
    return Credible(structure=structure, z=z, own=own, ratios=z * own + (1 - z) * collective)


def variance_within(weights: Sequence[Vector], ratios: Sequence[Vector]) -> float:
    """Variance of a ratio of weight one, from each fleet's periods: weights and ratios, one array a fleet.

    Raises NotEnoughEvents where no fleet has two periods.
    """
    squares, degrees = 0.0, 0
    for weight, ratio in zip(weights, ratios, strict=True):
        mean = float(weight @ ratio / weight.sum())
        squares += float(weight @ (ratio - mean) ** 2)
        degrees += len(weight) - 1
    if degrees == 0:
        raise NotEnoughEvents(
            "No fleet has two periods: nothing tells chance from character.",
            hint="Bring a second year, or take 1 for the variance within (claims as Poisson).",
        )
    return squares / degrees


def variance_between(weights: Vector, ratios: Vector, *, within: float) -> float:
    """Variance of the fleets' true ratios, by moments without bias; 0 where chance alone explains their spread."""
    total = float(weights.sum())
    spread = float(weights @ (ratios - weights @ ratios / total) ** 2) - (len(weights) - 1) * within
    scale = total - float((weights**2).sum()) / total
    return max(0.0, spread / scale) if scale > 0 else 0.0
