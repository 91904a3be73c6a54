"""Orders: how many come in a month, how full the book is, and how much work that makes for the machines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from simulator.factory.machines import Machines
from simulator.firms.obligors import Firms
from simulator.parameter_values import DemandParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Month

QUARTERS_PER_HOUR = 4.0
MOST_ORDERS = 64
"""Of a firm in a month."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Purchase orders of a block in the order of firms and, within a firm, of days. Arrays of length k."""

    firm: Ints
    day: Ints
    parts: Ints
    price_minor: Ints
    """Price of one part."""
    buyer: Ints
    lead_days: Ints
    number: Ints
    """Counts the firm's orders of that month from 0."""

    def __len__(self) -> int:
        return len(self.firm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a block's firms could make with the machines they have: arrays by firm."""

    parts_per_hour: Floats
    """Mean over the firm's machines."""
    machine_hours_per_day: Floats
    """Hours of execution of all machines together on a working day at nominal hours."""

    def monthly_parts(self, work_days: float | Ints) -> Floats:
        """Parts of a month with so many working days."""
        return self.parts_per_hour * self.machine_hours_per_day * work_days


def capacity(firms: Firms, machines: Machines, *, from_day: int, until_day: int) -> Capacity:
    """The capacity of the machines that run at all between these days, and the speed of all that the firm ever has."""
    owned = (machines.first_day < until_day) & (machines.last_day > from_day)
    share = machines.executing_share * (1.0 - machines.setup_share)
    hours: Floats = owned * share * firms.nominal_quarters[machines.firm] / QUARTERS_PER_HOUR
    count = np.bincount(machines.firm, minlength=len(firms))
    rate = np.bincount(machines.firm, weights=3600.0 / machines.cycle_seconds, minlength=len(firms)) / count
    return Capacity(
        parts_per_hour=rate,
        machine_hours_per_day=np.bincount(machines.firm, weights=hours, minlength=len(firms)).astype(np.float64),
    )


def draw_orders(
    block: int,
    month: Month,
    firms: Firms,
    *,
    drive: Floats,
    open_parts: Ints,
    possible: Capacity,
    until_day: Ints,
    gone: NDArray[np.bool_],
    parameters: WorldParameters,
    streams: Streams,
) -> Orders:
    """The orders of a month. `drive` is the log of demand against its mean by firm, `open_parts` what is on the book.

    Buyers turn away from a book that is full; a firm in default gets no more orders from its `until_day`, and none from
    a buyer that is `gone` (by buyer).
    """
    demand, trade = parameters.demand, parameters.trade
    usual_parts = possible.monthly_parts(demand.work_days_per_month)
    book_months = np.maximum(open_parts, 0) / np.maximum(usual_parts, 1.0)
    accepted = np.clip(2.0 - 2.0 * book_months / demand.full_book_months, 0.0, 1.0)
    rate = firms.orders_per_month * np.exp(drive) * accepted * (until_day > month.first_day)
    place = (block, month.position + 1)
    counts = _poisson(rate, streams.of("order.count", *place).random(len(firms)))
    firm = np.repeat(np.arange(len(firms)), counts)
    number = _counted(firm)
    uniform = streams.of("order.uniform", *place).random((len(firms), MOST_ORDERS, 3))[firm, number]
    normal = streams.of("order.normal", *place).standard_normal((len(firms), MOST_ORDERS, 2))[firm, number]
    mean_parts = (usual_parts * demand.mean_load_ratio / firms.orders_per_month)[firm]
    size = np.exp(demand.order_size_sd_log * normal[:, 0] - 0.5 * demand.order_size_sd_log**2)
    part_price = (firms.machine_hour_price_minor / possible.parts_per_hour)[firm]
    day = month.first_day + np.floor(uniform[:, 0] * month.length).astype(np.int64)
    lead = demand.lead_days_low + uniform[:, 1] * (demand.lead_days_high - demand.lead_days_low)
    chosen = np.floor(uniform[:, 2] * firms.buyers.shape[1]).astype(np.int64)
    buyer = firms.buyers[firm, chosen]
    order = np.lexsort((np.arange(len(firm)), day, firm))
    order = order[((day < until_day[firm]) & ~gone[buyer])[order]]
    return Orders(
        firm=firm[order],
        day=day[order],
        parts=np.maximum(np.round(mean_parts * size), 1).astype(np.int64)[order],
        price_minor=np.maximum(np.round(part_price * np.exp(trade.order_price_sd_log * normal[:, 1])), 1).astype(
            np.int64
        )[order],
        buyer=buyer[order],
        lead_days=lead.astype(np.int64)[order],
        number=_counted(firm[order]),
    )


def _poisson(rate: Floats, uniform: Floats) -> Ints:
    """Poisson counts by inversion, so that a firm's draw is its own whatever the rates of the others."""
    return np.asarray(np.minimum(poisson.ppf(uniform, rate), MOST_ORDERS), dtype=np.int64)


def demand_drive(
    firms: Firms, *, health: Floats, industry: Floats, month_of_year: int, demand: DemandParameters
) -> Floats:
    """Log of a firm's demand against its mean: of health, quality, industry, season and the firm's own level."""
    log_demand = (
        demand.health_log * health
        + demand.quality_log * firms.quality
        + demand.industry_log * industry
        + firms.demand_level
        + demand.season_log[month_of_year - 1]
    )
    spread = demand.health_log**2 + demand.industry_log**2 + demand.firm_sd_log**2
    return np.asarray(log_demand - 0.5 * spread, dtype=np.float64)


def work_load(open_parts: Ints, new_parts: Ints, capacity_parts: Floats, *, demand: DemandParameters) -> Floats:
    """Work that a firm plans for a month, as a ratio to its nominal capacity of that month.

    `open_parts` is the book at the month's start (negative: finished stock), `new_parts` what the month brings.
    """
    wanted = demand.open_orders_released_ratio * open_parts + demand.new_orders_released_ratio * new_parts
    return np.maximum(wanted, 0.0) / np.maximum(capacity_parts, 1.0)


def joined(parts: list[Orders]) -> Orders:
    """All orders of a block, firm by firm in the order of their days."""
    names = Orders.__dataclass_fields__
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.argsort(whole["firm"], kind="stable")
    return Orders(**{name: column[order] for name, column in whole.items()})


def _counted(firm: Ints) -> Ints:
    """Positions within runs of equal firms."""
    starts = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]]) if len(firm) else np.array([], dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(firm)])
    return np.arange(len(firm)) - np.repeat(starts, lengths)
