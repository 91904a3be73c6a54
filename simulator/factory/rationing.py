"""Power rationing: episodes of a world in which the grid curtails the divisions that draw much energy.

The grid company announces them to the firms that they reach (`simulator.told.monitor`). In an episode a reached firm
either loses whole days of each week or works shorter hours, more of it the more energy its division draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.firms.obligors import Firms
from simulator.parameter_values import RationingParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar, Month

DAYS_PER_WEEK = 7

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episodes:
    """The episodes of a world in the order of their beginnings, which may overlap. Arrays of length k."""

    first_day: Ints
    until_day: Ints
    """First day after it."""
    depth: Floats
    """Share of time that a division of energy intensity 1 loses."""

    def __len__(self) -> int:
        return len(self.depth)


def draw_episodes(calendar: Calendar, *, rationing: RationingParameters, streams: Streams) -> Episodes:
    """The episodes of a world: each of its months may begin one."""
    uniform = streams.of("rationing.episode").random((len(calendar.months), 4))
    chance = np.array([rationing.begins_by_month[month.first.month - 1] for month in calendar.months])
    begun = np.flatnonzero(uniform[:, 0] < chance)
    months = [calendar.months[position] for position in begun]
    start = np.array([month.first_day for month in months], dtype=np.int64)
    length = np.array([month.length for month in months], dtype=np.int64)
    first = start + np.floor(uniform[begun, 1] * length).astype(np.int64)
    span = rationing.days_high - rationing.days_low + 1
    return Episodes(
        first_day=first,
        until_day=first + rationing.days_low + np.floor(uniform[begun, 2] * span).astype(np.int64),
        depth=rationing.depth_low + uniform[begun, 3] * (rationing.depth_high - rationing.depth_low),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What an episode does to a block's firms: arrays by firm."""

    lost: Floats
    """Share of working time lost, 0 where the episode does not reach."""
    by_days: Bools
    """Whole days of each week, else shorter hours on every day."""
    first_weekday: Ints

    @property
    def days_per_week(self) -> Floats:
        """Whole days lost in each week, where days are lost."""
        return np.round(self.lost * DAYS_PER_WEEK)

    @property
    def lost_ratio(self) -> Floats:
        """Share of working time lost, in whole days where days are lost."""
        return np.where(self.by_days, self.days_per_week / DAYS_PER_WEEK, self.lost)


def cut_of(
    episode: int, block: int, firms: Firms, episodes: Episodes, *, rationing: RationingParameters, streams: Streams
) -> Cut:
    """How an episode strikes each firm of a block."""
    uniform = streams.of("rationing.firm", block, episode).random((len(firms), 3))
    intensity = np.array([rationing.intensity[division] for division in firms.divisions])
    return Cut(
        lost=np.where(uniform[:, 0] < rationing.reached_share, episodes.depth[episode] * intensity, 0.0),
        by_days=uniform[:, 1] < rationing.loses_days_share,
        first_weekday=np.floor(uniform[:, 2] * DAYS_PER_WEEK).astype(np.int64),
    )


def power_supply(
    block: int, month: Month, firms: Firms, episodes: Episodes, *, rationing: RationingParameters, streams: Streams
) -> Floats:
    """(firms, days): share of the working time of each day for which a firm has power; 1 in ordinary times."""
    supply = np.ones((len(firms), month.length))
    for episode in range(len(episodes)):
        here = (month.days >= episodes.first_day[episode]) & (month.days < episodes.until_day[episode])
        if not here.any():
            continue
        cut = cut_of(episode, block, firms, episodes, rationing=rationing, streams=streams)
        weekday = (month.days[None, :] + cut.first_weekday[:, None]) % DAYS_PER_WEEK
        is_off = weekday < cut.days_per_week[:, None]
        share = np.where(cut.by_days[:, None], np.where(is_off, 0.0, 1.0), 1.0 - cut.lost[:, None])
        supply = np.where(here, np.minimum(supply, share), supply)
    return supply
