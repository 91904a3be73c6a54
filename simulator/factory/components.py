"""Components of machines: how each ages in operating hours, how much hazard it has left, and when it fails.

A component whose machine has hazard ratio z (its proneness times what undone maintenance does) and that has run `a`
hours since it was new has the hazard z (k / s) (a / s)^(k-1) per operating hour: Weibull with shape k and scale s. It
fails when the hazard that it has run through reaches a draw from the unit exponential. Nothing is drawn by the day, so
that the failures of a month less the hazard run through in it are a martingale whatever the machine does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from simulator.parameter_values import ComponentParameters, FaultParameters
from simulator.streams import Streams

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The components of some machines: arrays (m, C). A machine with fewer than C of them has `scale` inf elsewhere."""

    codes: tuple[tuple[str, ...], ...]
    """By machine type in the order of their names: the code of each component."""
    kind: Ints
    """(m,): the machine's type."""
    shape: Floats
    scale: Floats
    """Hours; the mean life of a wear part is its scale times Gamma(1 + 1 / shape)."""
    repair_ratio: Floats
    """To the median repair."""

    @property
    def is_wear_part(self) -> Bools:
        """Its hazard rises with its age, and a repair renews it."""
        return np.asarray(self.shape > 1.0)

    def of(self, machines: Ints) -> Components:
        """Those of the machines at these rows."""
        return replace(
            self,
            kind=self.kind[machines],
            shape=self.shape[machines],
            scale=self.scale[machines],
            repair_ratio=self.repair_ratio[machines],
        )

    def hazard_run_through(self, age: Floats, hours: Floats) -> Floats:
        """(m, C): cumulative hazard at ratio 1 of components of this age over the next operating hours."""
        return np.asarray(((age + hours) / self.scale) ** self.shape - (age / self.scale) ** self.shape)

    def hours_until(self, age: Floats, hazard: Floats) -> Floats:
        """(m, C): operating hours until so much hazard at ratio 1 has been run through; inf where there is none."""
        there = np.isfinite(self.scale)
        reached = ((age / self.scale) ** self.shape + hazard) ** (1.0 / self.shape)
        hours = np.where(there, self.scale, 1.0) * reached - age
        return np.where(there, np.maximum(hours, 0.0), np.inf)

    def relative_age(self, age: Floats) -> Floats:
        """(m,): mean age of the machine's wear parts as a ratio to their scale."""
        ratio = np.where(self.is_wear_part, age / self.scale, 0.0)
        return np.asarray(ratio.sum(axis=1) / np.maximum(self.is_wear_part.sum(axis=1), 1), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentState:
    """What components carry from month to month: arrays (m, C)."""

    age: Floats
    """Operating hours since the part was new."""
    left: Floats
    """Hazard that the component will run through until its next failure."""

    def handed_over(self, to: Ints, source: Ints) -> ComponentState:
        """The state in which rows `to` take over the components of rows `source`."""
        age, left = self.age.copy(), self.left.copy()
        age[to], left[to] = self.age[source], self.left[source]
        return ComponentState(age=age, left=left)


def components_of(kind: Ints, *, components: ComponentParameters, faults: FaultParameters) -> Components:
    """The components of machines of these types (positions in the order of the types' names).

    A component's scale is such that its mean life, at hazard ratio 1, is that of its share of a machine's failures.
    """
    tables = list(components.types.values())
    most = max(len(table) for table in tables)
    shape, scale, ratio = (np.full((len(tables), most), value) for value in (1.0, np.inf, 1.0))
    for row, table in enumerate(tables):
        total = sum(part.share for part in table.values())
        for column, part in enumerate(table.values()):
            life = 1000.0 / (faults.failures_per_1000_hours * part.share / total)
            shape[row, column] = part.shape
            scale[row, column] = life / gamma(1.0 + 1.0 / part.shape)
            ratio[row, column] = components.repair_ratio[part.severity]
    codes = tuple(tuple(table) for table in tables)
    return Components(codes=codes, kind=kind, shape=shape[kind], scale=scale[kind], repair_ratio=ratio[kind])


def draw_components(block: int, components: Components, *, is_new: Bools, streams: Streams) -> ComponentState:
    """The components as the world finds them: of new machines new, of the others as old as renewal makes them.

    In the long run the age of a part that is renewed at its failure has a density in proportion to its survival,
    exp(-(a / s)^k): the k-th root of a Gamma variable of shape 1 / k.
    """
    stationary = streams.of("component.age", block).standard_gamma(1.0 / components.shape)
    scale = np.where(components.is_wear_part, components.scale, 0.0)
    age = np.where(is_new[:, None], 0.0, scale * stationary ** (1.0 / components.shape))
    return ComponentState(age=age, left=draw_hazard(block, 0, components, streams=streams))


def draw_hazard(block: int, turn: int, components: Components, *, streams: Streams) -> Floats:
    """(m, C): fresh unit-exponential draws, of the world's beginning (turn 0) or of its month `turn - 1`."""
    return streams.of("component.hazard", block, turn).standard_exponential(components.shape.shape)


def maintained(state: ComponentState, services: Ints, *, share: float) -> ComponentState:
    """After so many services of each machine (m,): each takes a share off the age of its parts."""
    return ComponentState(age=state.age * ((1.0 - share) ** services)[:, None], left=state.left)
