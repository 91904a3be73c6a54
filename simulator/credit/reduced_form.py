"""Defaults in reduced form: a monthly hazard of health, quality and industry; and its exact 12-month probability.

The true probability of default is not the hazard of today but the hazard integrated over the paths that the state may
take. Health and industry are independent Gaussian autoregressions, so a sum over a grid of both is exact to the
accuracy of the quadrature (the trapezoid rule on a Gaussian whose standard deviation exceeds the step).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.special import expit, logit

from simulator.firms.obligors import Firms, Health
from simulator.parameter_values import DefaultParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar

HORIZON_MONTHS = 12
HEALTH_GRID = np.linspace(-5.5, 5.5, 111)
INDUSTRY_GRID = np.linspace(-4.5, 4.5, 25)
SHIFT_GRID = np.linspace(-4.0, 4.0, 33)
"""Log-odds that do not change with time: of quality and of the industry's division."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TruePd = Callable[[Floats, Floats, Floats], Floats]
"""(static log-odds, health, industry state) -> probability of default within the next twelve months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """When each firm of a block defaults, and the truth about how likely it was."""

    static_log_odds: Floats
    hazard: Floats
    """(n, months): the chance to default in each month, given survival to its start."""
    default_month: Ints
    """Position of the month of default; the number of months for a firm that survives."""
    default_day: Ints
    """Index of the day on which 90 days past due are reached; the number of days for a firm that survives."""
    last_day: Ints
    """One past the last day on which the firm's machines run and report."""


def draw_lives(
    block: int,
    firms: Firms,
    health: Health,
    *,
    shifts: Floats,
    calendar: Calendar,
    parameters: WorldParameters,
    streams: Streams,
) -> Lives:
    """Draw each firm's default from its hazard. `shifts` is by industry (log-odds)."""
    slopes = parameters.defaults
    static = shifts[firms.industry] - slopes.quality * firms.quality
    hazard = _hazard(static[:, None], health.health[:, 1:], health.industry_state[:, 1:], slopes)
    months = hazard.shape[1]
    strikes = streams.of("default.month", block).random(hazard.shape) < hazard
    month = np.where(strikes.any(axis=1), strikes.argmax(axis=1), months)
    starts = np.array([*(m.first_day for m in calendar.months), calendar.day_count])
    lengths = np.array([*(m.length for m in calendar.months), 0])
    day = starts[month] + np.floor(streams.of("default.day", block).random(len(firms)) * lengths[month]).astype(int)
    return Lives(
        static_log_odds=static,
        hazard=hazard,
        default_month=month,
        default_day=day,
        last_day=np.minimum(day + slopes.wind_down_days, calendar.day_count),
    )


def true_pd(parameters: WorldParameters) -> TruePd:
    """The exact 12-month probability of default by state, interpolated on the log-odds scale between grid points."""
    slopes, health = parameters.defaults, parameters.health
    over_health = _transition(HEALTH_GRID, health.persistence)
    over_industry = _transition(INDUSTRY_GRID, health.industry_persistence)
    survives_month = 1.0 - _hazard(
        SHIFT_GRID[:, None, None], HEALTH_GRID[None, :, None], INDUSTRY_GRID[None, None, :], slopes
    )
    survival = np.ones_like(survives_month)
    for _ in range(HORIZON_MONTHS):
        # einsum without optimisation adds up in one fixed order, which a threaded matrix product does not promise
        later = np.einsum("ij,sjm->sim", over_health, survives_month * survival)
        survival = np.einsum("sim,nm->sin", later, over_industry)
    grid = (SHIFT_GRID, HEALTH_GRID, INDUSTRY_GRID)
    interpolate = RegularGridInterpolator(grid, logit(1.0 - survival))

    def at(shift: Floats, health: Floats, industry: Floats) -> Floats:
        states = zip((shift, health, industry), grid, strict=True)
        inside = [np.clip(state, axis[0], axis[-1]) for state, axis in states]
        log_odds: Floats = interpolate(np.stack(np.broadcast_arrays(*inside), axis=-1))
        return np.asarray(expit(log_odds), dtype=np.float64)

    return at


def _hazard(static: Floats, health: Floats, industry: Floats, slopes: DefaultParameters) -> Floats:
    log_odds = slopes.intercept + static - slopes.health * health - slopes.industry * industry
    return np.asarray(expit(log_odds), dtype=np.float64)


def _transition(grid: Floats, persistence: float) -> Floats:
    """Rows: chances to move from each grid point to every other in a month, by the density at the points."""
    distance = (grid[None, :] - persistence * grid[:, None]) / np.sqrt(1.0 - persistence**2)
    density = np.exp(-0.5 * distance**2)
    return np.asarray(density / density.sum(axis=1, keepdims=True), dtype=np.float64)
