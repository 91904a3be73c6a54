"""The exact probability of default: the hazard integrated over the paths that health and industry may take.

Health and industry are independent Gaussian autoregressions of unit variance. Going back from the end of the horizon,
S <- P ((1 - hazard) S) on a grid of both gives the chance to survive from every state; the trapezoid rule on a Gaussian
is accurate to about 2 exp(-2 (pi sd / step)^2), below 1e-10 with the steps here. Between grid points the log-odds are
interpolated by cubic splines, accurate to some 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter
from scipy.special import expit, logit

from simulator.credit.reduced_form import Lives, monthly_hazard
from simulator.parameter_values import DefaultParameters, HealthParameters
from simulator.worlds import BASE, WorldSpec

HORIZON_MONTHS = 12
LIFETIME_MONTHS = 60
HEALTH_GRID = np.linspace(-6.0, 6.0, 61)
INDUSTRY_GRID = np.linspace(-5.0, 5.0, 29)
SHIFT_GRID = np.linspace(-5.0, 5.0, 21)
"""Log-odds that do not change with time: of quality and of the industry's division."""
LEAST_PD = 1e-12

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Offsets = tuple[float, ...]


@dataclass(slots=True)
class TruePd:
    """Exact probabilities of default in one world. Tables are made when first asked for; threads may share it."""

    defaults: DefaultParameters
    health: HealthParameters
    world: WorldSpec = BASE
    _over_health: Floats = field(init=False)
    _over_industry: Floats = field(init=False)
    _steady: dict[Offsets, Floats] = field(init=False, default_factory=dict)
    """Chances to live through months with one and the same offset, which many horizons end with."""
    _splines: dict[Offsets, Floats] = field(init=False, default_factory=dict)
    _lock: RLock = field(init=False, default_factory=RLock)

    def __post_init__(self) -> None:
        self._over_health = _transition(HEALTH_GRID, self.health.persistence)
        self._over_industry = _transition(INDUSTRY_GRID, self.health.industry_persistence)

    def of(self, lives: Lives, rows: Ints | Bools, *, position: int, months: int = HORIZON_MONTHS) -> Floats:
        """The probability that the firms `rows` of a block default within `months`, seen from the end of month
        `position` (-1 for the world's first instant)."""
        column = position + 1
        return self.at(
            lives.static_log_odds[rows],
            lives.health[rows, column],
            lives.industry_state[rows, column],
            exposed=lives.is_exposed[rows],
            position=position,
            months=months,
        )

    def at(
        self,
        shift: Floats,
        health: Floats,
        industry: Floats,
        *,
        exposed: Bools | bool = False,
        position: int = -1,
        months: int = HORIZON_MONTHS,
    ) -> Floats:
        """The probability by static log-odds, health and industry state (arrays of one shape), and by whether the firm
        supplies the core enterprise that fails in this world."""
        is_exposed = np.broadcast_to(np.asarray(exposed), shift.shape)
        found = np.empty(shift.shape)
        for group in (False, True):
            rows = is_exposed == group
            if rows.any():
                offsets = self._offsets(position, months, exposed=group)
                found[rows] = self._interpolated(offsets, shift[rows], health[rows], industry[rows])
        return found

    def _offsets(self, position: int, months: int, *, exposed: bool) -> Offsets:
        ahead = np.arange(position + 1, position + 1 + months)
        return tuple(self.world.default_log_odds(ahead, exposed=exposed).tolist())

    def _interpolated(self, offsets: Offsets, shift: Floats, health: Floats, industry: Floats) -> Floats:
        with self._lock:
            if offsets not in self._splines:
                chances = np.clip(1.0 - self._survive(offsets), LEAST_PD, 1.0 - LEAST_PD)
                self._splines[offsets] = spline_filter(logit(chances), order=3, mode="nearest")
            spline = self._splines[offsets]
        grids = (SHIFT_GRID, HEALTH_GRID, INDUSTRY_GRID)
        places = [
            np.clip((state - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1)
            for state, grid in zip((shift, health, industry), grids, strict=True)
        ]
        log_odds = map_coordinates(spline, places, order=3, mode="nearest", prefilter=False)
        return np.asarray(expit(log_odds), dtype=np.float64)

    def _survive(self, offsets: Offsets) -> Floats:
        """(shifts, healths, industries): the chance to live through months with these offsets, first to last."""
        if not offsets:
            return np.ones((len(SHIFT_GRID), len(HEALTH_GRID), len(INDUSTRY_GRID)))
        if offsets in self._steady:
            return self._steady[offsets]
        survival = self._month_before(self._survive(offsets[1:]), offset=offsets[0])
        if len(set(offsets)) == 1:
            self._steady[offsets] = survival
        return survival

    def _month_before(self, later: Floats, *, offset: float) -> Floats:
        """The chances to live through a month of this offset and then as `later` says."""
        static = SHIFT_GRID[:, None, None] + offset
        hazard = monthly_hazard(static, HEALTH_GRID[None, :, None], INDUSTRY_GRID[None, None, :], self.defaults)
        # einsum without optimisation adds up in one fixed order, which a threaded matrix product does not promise
        over_health = np.einsum("ij,sjm->sim", self._over_health, (1.0 - hazard) * later)
        lived: Floats = np.einsum("sim,nm->sin", over_health, self._over_industry)
        return lived


def _transition(grid: Floats, persistence: float) -> Floats:
    """Rows: chances to move from each grid point to every other in a month, by the density at the points."""
    distance = (grid[None, :] - persistence * grid[:, None]) / np.sqrt(1.0 - persistence**2)
    density = np.exp(-0.5 * distance**2)
    return np.asarray(density / density.sum(axis=1, keepdims=True), dtype=np.float64)
