"""Defaults in reduced form: a monthly hazard of health, quality and industry, and the day on which it strikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.firms.obligors import Firms, Health
from simulator.parameter_values import DefaultParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar
from simulator.worlds import WorldSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """When each firm of a block defaults, and the truth about how likely it was.

    Health, quality and industry state here are those behind the firm's credit. In a world whose telemetry is
    independent of default they are not the ones that its production runs on (`Block.health`, `Firms.quality`).
    """

    health: Floats
    """(n, months + 1), columns as in `Health`."""
    industry_state: Floats
    """(n, months + 1), without the world's offsets."""
    quality: Floats
    is_exposed: Bools
    """The core enterprise that fails in this world is one of the firm's regular buyers."""
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
    world: WorldSpec,
    calendar: Calendar,
    parameters: WorldParameters,
    streams: Streams,
) -> Lives:
    """Draw each firm's default from its hazard. `shifts` is by industry (log-odds)."""
    slopes = parameters.defaults
    static = shifts[firms.industry] - slopes.quality * firms.quality
    is_exposed = _exposed(firms, world)
    positions = np.arange(len(calendar.months))
    offsets = np.stack([world.default_log_odds(positions, exposed=group) for group in (False, True)])
    log_odds = static[:, None] + offsets[is_exposed.astype(np.int64)]
    hazard = monthly_hazard(log_odds, health.health[:, 1:], health.industry_state[:, 1:], slopes)
    months = hazard.shape[1]
    strikes = streams.of("default.month", block).random(hazard.shape) < hazard
    month = np.where(strikes.any(axis=1), strikes.argmax(axis=1), months)
    starts = np.array([*(m.first_day for m in calendar.months), calendar.day_count])
    lengths = np.array([*(m.length for m in calendar.months), 0])
    day = starts[month] + np.floor(streams.of("default.day", block).random(len(firms)) * lengths[month]).astype(int)
    return Lives(
        health=health.health,
        industry_state=health.industry_state,
        quality=firms.quality,
        is_exposed=is_exposed,
        static_log_odds=static,
        hazard=hazard,
        default_month=month,
        default_day=day,
        last_day=np.minimum(day + slopes.wind_down_days, calendar.day_count),
    )


def monthly_hazard(static: Floats, health: Floats, industry: Floats, slopes: DefaultParameters) -> Floats:
    """The chance to default in a month by static log-odds, health and industry state of that month."""
    log_odds = slopes.intercept + static - slopes.health * health - slopes.industry * industry
    return np.asarray(expit(log_odds), dtype=np.float64)


def _exposed(firms: Firms, world: WorldSpec) -> Bools:
    if world.core_failure is None:
        return np.zeros(len(firms), dtype=bool)
    return np.asarray((firms.buyers == world.core_failure.buyer).any(axis=1))
