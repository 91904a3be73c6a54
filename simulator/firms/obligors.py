"""Firms: who they are, how they work, what they are worth, and their latent health through time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from stdnum.cn import uscc

from data_contracts.identifiers import ObligorId
from data_contracts.vocabulary import SubjectKind
from simulator.parameter_values import HealthParameters, Industry, NameParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar

BLOCK_FIRMS = 256
"""Firms are drawn and simulated in blocks of this size, whatever the size of the world."""
USCC_STEM = "91999999MA"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firms:
    """The firms of one block: arrays of length n in the order of their serial numbers."""

    obligor_ids: tuple[ObligorId, ...]
    names: tuple[str, ...]
    subject_kinds: tuple[SubjectKind, ...]
    divisions: tuple[str, ...]
    industry: Ints
    """Position of the division in the sorted table of industries."""
    quality: Floats
    shifts: Ints
    """0, 1, 2 for one, two and three shifts."""
    nominal_quarters: Ints
    stretch: Floats
    start_quarter: Ints
    is_open: Bools
    """(n, days of the world): the firm works on that day."""
    demand_level: Floats
    orders_per_month: Floats
    machine_hour_price_minor: Floats
    buyers: Ints
    """(n, buyers per firm): numbers of the firm's regular buyers; after those of the world's buyers come the rows of
    the block's own firms."""

    def __len__(self) -> int:
        return len(self.obligor_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Latent states by month; column 0 is the month before the world, column t + 1 its month t."""

    health: Floats
    """(n, months + 1), standard normal in the long run."""
    industry_state: Floats
    """(n, months + 1): the state of each firm's industry."""


def synthetic_uscc(serial: int) -> ObligorId:
    """The unified social credit code of an invented firm: an area that no province uses, a serial, a check digit."""
    stem = f"{USCC_STEM}{serial:07d}"
    return ObligorId(stem + uscc.calc_check_digit(stem))


def draw_firms(block: int, count: int, *, calendar: Calendar, parameters: WorldParameters, streams: Streams) -> Firms:
    """The first `count` firms of a block."""
    demand, trade = parameters.demand, parameters.trade
    schedule = parameters.schedule
    codes = list(parameters.industries)
    industries = list(parameters.industries.values())
    industry = _choice([row.weight for row in industries], streams.of("firm.industry", block).random(count))
    shifts = _choice(schedule.shift_shares, streams.of("firm.shifts", block).random(count))
    is_trader = streams.of("firm.subject", block).random(count) < parameters.names.sole_trader_share
    first = parameters.place.first_firm_serial + block * BLOCK_FIRMS
    orders = streams.of("firm.orders", block).random(count)
    spread = streams.of("firm.start", block).random(count)
    return Firms(
        obligor_ids=tuple(synthetic_uscc(first + position) for position in range(count)),
        names=_names(block, [industries[i] for i in industry], is_trader, names=parameters.names, streams=streams),
        subject_kinds=tuple(SubjectKind.SOLE_TRADER if trader else SubjectKind.LEGAL_PERSON for trader in is_trader),
        divisions=tuple(codes[i] for i in industry),
        industry=industry,
        quality=parameters.health.quality_sd * streams.of("firm.quality", block).standard_normal(count),
        shifts=shifts,
        nominal_quarters=np.array(schedule.nominal_quarters)[shifts],
        stretch=np.array(schedule.stretch_ratio)[shifts],
        start_quarter=schedule.start_quarter + _spread(spread, schedule.start_spread_quarters),
        is_open=_open_days(block, shifts, calendar=calendar, parameters=parameters, streams=streams),
        demand_level=demand.firm_sd_log * streams.of("firm.demand", block).standard_normal(count),
        orders_per_month=demand.orders_per_month_low
        + (demand.orders_per_month_high - demand.orders_per_month_low) * orders,
        machine_hour_price_minor=100.0
        * trade.revenue_per_machine_hour_cny
        * np.exp(trade.revenue_sd_log * streams.of("firm.price", block).standard_normal(count)),
        buyers=_regular_buyers(block, count, parameters=parameters, streams=streams),
    )


def industry_states(
    months: int, *, health: HealthParameters, industries: int, streams: Streams, shadow: bool = False
) -> Floats:
    """(industries, months + 1): autoregressive states of unit variance that share a common part.

    The `shadow` is a second draw from the same law, independent of the first.
    """
    purpose = "industry.shadow_state" if shadow else "industry.state"
    draws = streams.of(purpose).standard_normal((months + 1, industries + 1))
    states = _autoregression(draws.T, health.industry_persistence)
    common = health.industry_common_share
    mixed: Floats = np.sqrt(common) * states[:1] + np.sqrt(1.0 - common) * states[1:]
    return mixed


def draw_health(block: int, firms: Firms, *, states: Floats, health: HealthParameters, streams: Streams) -> Health:
    """Each firm's path of health, and the path of its industry beside it."""
    draws = streams.of("firm.health", block).standard_normal((len(firms), states.shape[1]))
    return Health(health=_autoregression(draws, health.persistence), industry_state=states[firms.industry])


def _autoregression(draws: Floats, persistence: float) -> Floats:
    """Stationary AR(1) paths of unit variance along the last axis, from standard normal draws."""
    paths = np.empty_like(draws)
    paths[:, 0] = draws[:, 0]
    innovation = np.sqrt(1.0 - persistence**2)
    for month in range(1, draws.shape[1]):
        paths[:, month] = persistence * paths[:, month - 1] + innovation * draws[:, month]
    return paths


def _choice(weights: tuple[float, ...] | list[float], uniform: Floats) -> Ints:
    bounds = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(bounds, uniform, side="right"), len(weights) - 1).astype(np.int64)


def _spread(uniform: Floats, width: int) -> Ints:
    """Whole numbers from -width to width."""
    return np.floor(uniform * (2 * width + 1)).astype(np.int64) - width


def _open_days(block: int, shifts: Ints, *, calendar: Calendar, parameters: WorldParameters, streams: Streams) -> Bools:
    schedule = parameters.schedule
    uniform = streams.of("firm.closed_days", block).random((len(shifts), 4))
    saturdays = uniform[:, 0] < np.array(schedule.saturday_share)[shifts]
    sundays = uniform[:, 1] < np.array(schedule.sunday_share)[shifts]
    before = _between(schedule.closure_before_days, uniform[:, 2])
    after = _between(schedule.closure_after_days, uniform[:, 3])
    away = calendar.days_from_new_year
    new_year = (away >= -before[:, None]) & (away <= after[:, None])
    weekend = ((calendar.weekday == 5) & ~saturdays[:, None]) | ((calendar.weekday == 6) & ~sundays[:, None])
    closed: Bools = new_year | weekend | (calendar.is_holiday & ~sundays[:, None])
    return ~closed


def _between(bounds: tuple[int, int], uniform: Floats) -> Ints:
    return np.floor(bounds[0] + uniform * (bounds[1] - bounds[0] + 1)).astype(np.int64)


def _names(
    block: int, industries: list[Industry], is_trader: Bools, *, names: NameParameters, streams: Streams
) -> tuple[str, ...]:
    uniform = streams.of("firm.name", block).random((len(industries), 2))
    return tuple(
        names.first[int(one * len(names.first))]
        + names.second[int(two * len(names.second))]
        + industry.word
        + (names.sole_trader if trader else names.legal_person)
        + names.mark
        for (one, two), industry, trader in zip(uniform, industries, is_trader, strict=True)
    )


def machine_counts(block: int, firms: int, *, parameters: WorldParameters, streams: Streams) -> Ints:
    """How many machines each firm ever has of its own accord."""
    limits = parameters.machines
    chance = limits.count_shape / (limits.count_shape + limits.mean_count - 1.0)
    more = streams.of("machine.count", block).negative_binomial(limits.count_shape, chance, size=firms)
    return np.minimum(1 + more, limits.largest_count)


def _regular_buyers(block: int, count: int, *, parameters: WorldParameters, streams: Streams) -> Ints:
    """Regular buyers of each firm, drawn by size: sizes fall with rank by a power law.

    Some are other firms of the block: of a few looked at, the one with most machines. A firm sells only to firms before
    it, so that no firm's life depends on those after it.
    """
    trade = parameters.trade
    weights = np.arange(1, trade.buyers + 1, dtype=np.float64) ** -trade.buyer_tail
    shape = (count, trade.buyers_per_firm)
    outside = _choice(list(weights), streams.of("firm.buyers", block).random(shape))
    uniform = streams.of("firm.obligor_buyers", block).random((*shape, 1 + trade.obligor_buyer_choices))
    looked_at = np.floor(uniform[..., 1:] * np.arange(count)[:, None, None]).astype(np.int64)
    machines = machine_counts(block, count, parameters=parameters, streams=streams)
    largest = np.take_along_axis(looked_at, machines[looked_at].argmax(axis=2)[..., None], axis=2)[..., 0]
    is_inside = (uniform[..., 0] < trade.obligor_buyer_share) & (np.arange(count)[:, None] > 0)
    return np.where(is_inside, trade.buyers + largest, outside)


def sum_by_firm(amounts: Ints, firm: Ints, *, count: int) -> Ints:
    """Whole amounts added up by the firm that each belongs to, for `count` firms."""
    return np.bincount(firm, weights=amounts, minlength=count).astype(np.int64)


def industry_shifts(industries: Mapping[str, Industry]) -> Floats:
    """By position in the sorted table: the shift of the default log-odds."""
    return np.array([row.default_shift for row in industries.values()])
