"""The machines of a firm's replicas: those that it owns at the snapshot, and purchases and sales to come, drawn anew.

The world has written down beforehand which machines a firm will buy and sell; nobody can know that at the snapshot. So
each replica draws its own, by the laws that the world drew from, given what the firm owns now: sales of its machines,
new machines (Gamma-Poisson, by the machines that it has bought of its own accord so far), and machines that firms
before it may sell to it, as they stand now. Machines of firms that will default are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import machine_uid
from simulator.block import Block, Laws
from simulator.factory.machines import DAYS_PER_YEAR, FOREVER, Machines, make_machines
from simulator.factory.plant import Plant, PlantState, new_state
from simulator.factory.resale import MONTHS_PER_YEAR, joined_by_firm, taken
from simulator.firms.obligors import Firms
from simulator.streams import Streams
from simulator.world_calendar import Month

NEW = -1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """The months after a snapshot, the laws of the world, and the replicas' own luck."""

    months: Sequence[Month]
    laws: Laws
    streams: Streams

    @property
    def today(self) -> int:
        """The day with which the future begins."""
        return self.months[0].first_day

    @property
    def end(self) -> int:
        """The first day after it."""
        return self.months[-1].first_day + self.months[-1].length

    @property
    def sale_chance(self) -> float:
        """That a machine unsold today is sold in these months."""
        return sale_chance(self.laws, position=self.months[0].position - 1, months=len(self.months))

    def first_of(self, uniform: Floats) -> Ints:
        """The first day of one of the months, by numbers of [0, 1)."""
        firsts = np.array([month.first_day for month in self.months])
        return np.asarray(firsts[np.minimum((uniform * len(firsts)).astype(np.int64), len(firsts) - 1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Machines replica by replica. A machine that the firm once had or, in the world, will have stays as a row that is
    never owned: the firm's speed is the mean over all of them."""

    machines: Machines
    source: Ints
    """Row of the block whose state each takes over; `NEW` for a new machine."""
    is_own: NDArray[np.bool_]
    """The firm has it at the snapshot, so that its books know its past."""


def draw_fleet(block: Block, firm: int, future: Future, *, firms: Firms, default_day: Ints) -> Fleet:
    """The fleets of the replicas `firms` of a firm of the block.

    `default_day` is of the block's firms, as known when the future begins.
    """
    mine = np.flatnonzero(block.machines.firm == firm)
    own = mine[_owned(block.machines, mine, future.today)]
    others, count = np.setdiff1d(mine, own), len(firms)
    never = np.full(len(others) * count, future.laws.calendar.day_count)
    ghosts = replace(_copies(block.machines, others, count), first_day=never, last_day=np.zeros_like(never))
    bought = _new(block, own, firms, future)
    offered, rows = _second_hand(block, firm, future, count=count, default_day=default_day)
    machines, order = joined_by_firm([_held(block, own, count, future), ghosts, bought, offered])
    source = np.concatenate([np.tile(own, count), np.tile(others, count), np.full(len(bought), NEW), rows])[order]
    is_own = (np.arange(len(order)) < len(own) * count)[order]
    return Fleet(machines=machines, source=source, is_own=is_own)


def fleet_state(fleet: Fleet, state: PlantState, plant: Plant) -> PlantState:
    """The state of a fleet: `state` (of the block) at the rows that its machines come from, new machines new.

    What a gateway told last belongs to the firm that it told it for.
    """
    copied, fresh, is_new = state.of(np.maximum(fleet.source, 0)), new_state(plant), fleet.source == NEW
    components = replace(
        copied.components,
        age=np.where(is_new[:, None], fresh.components.age, copied.components.age),
        left=np.where(is_new[:, None], fresh.components.left, copied.components.left),
    )
    return PlantState(
        components=components,
        meter=np.where(is_new, fresh.meter, copied.meter),
        locked_until=np.where(is_new, fresh.locked_until, copied.locked_until),
        last_known=np.where(fleet.is_own, copied.last_known, fresh.last_known),
    )


def sale_chance(laws: Laws, *, position: int, months: int) -> float:
    """The chance that a machine, unsold at the end of month `position`, is sold in the `months` after it."""
    whole = len(laws.calendar.months)
    share = 1.0 - np.exp(-laws.parameters.machines.sold_per_year_share * whole / MONTHS_PER_YEAR)
    return float(share * months / whole / (1.0 - share * (position + 1) / whole))


def _held(block: Block, own: Ints, count: int, future: Future) -> Machines:
    """What the firm owns, with sales of its replicas' own; it keeps its first machine."""
    chance = future.sale_chance
    uniform = future.streams.of("replica.sale").random((count, len(own)))
    sold = np.where(uniform < chance, future.first_of(uniform / chance), FOREVER)
    sold[:, 0] = FOREVER
    day = sold.ravel()
    last = np.minimum(day, future.laws.calendar.day_count)
    return replace(_copies(block.machines, own, count), owned_until=day, last_day=last)


def _new(block: Block, own: Ints, firms: Firms, future: Future) -> Machines:
    """Machines that replicas buy from their makers: how many a firm ever has is Gamma-Poisson, given those it has."""
    laws, streams, count = future.laws, future.streams, len(firms)
    limits, calendar, first, end = laws.parameters.machines, laws.calendar, future.today, future.end
    others = limits.mean_count - 1.0
    rate = np.zeros(count)
    if others > 0.0:
        seen = 1.0 - limits.bought_in_window_share * (1.0 - first / calendar.day_count)
        shape = limits.count_shape + int((block.machines.predecessor[own] < 0).sum()) - 1
        gamma = streams.of("replica.wish").standard_gamma(shape, count) / (limits.count_shape / others + seen)
        rate = gamma * limits.bought_in_window_share * (end - first) / calendar.day_count
    firm = np.repeat(np.arange(count), streams.of("replica.purchase").poisson(rate))
    day = first + np.floor(streams.of("replica.purchase_day").random(len(firm)) * (end - first)).astype(np.int64)
    return make_machines(
        firms,
        firm,
        [machine_uid(firms.obligor_ids[owner], f"N{number:02d}") for number, owner in enumerate(firm.tolist())],
        first_day=day,
        last_day=np.full(len(firm), calendar.day_count),
        age=np.zeros(len(firm)),
        uniform=streams.of("replica.machine.uniform").random((len(firm), 8)),
        normal=streams.of("replica.machine.normal").standard_normal((len(firm), 4)),
        gamma=streams.of("replica.machine.proneness").gamma(laws.parameters.faults.proneness_shape, size=len(firm)),
        calendar=calendar,
        parameters=laws.parameters,
    )


def _second_hand(block: Block, firm: int, future: Future, *, count: int, default_day: Ints) -> tuple[Machines, Ints]:
    """Machines that living firms before this one may sell to it, and their rows in the block."""
    machines, limits, today = block.machines, future.laws.parameters.machines, future.today
    before = (machines.firm < firm) & (machines.firm >= firm - limits.buyer_reach_firms)
    is_first = np.diff(machines.firm, prepend=-1) > 0
    rows = np.flatnonzero(before & ~is_first & (default_day[machines.firm] >= today))
    rows = rows[_owned(machines, rows, today)]
    chance = future.sale_chance / limits.buyer_reach_firms
    uniform = future.streams.of("replica.second_hand").random((count, len(rows)))
    replica, place = np.nonzero(uniform < chance)
    day = future.first_of(uniform[replica, place] / chance)
    row = rows[place]
    worth = np.exp(-limits.depreciation_per_year * (day - machines.first_day[row]) / DAYS_PER_YEAR)
    bought = replace(
        taken(machines, row),
        firm=replica,
        first_day=day,
        last_day=np.full(len(row), future.laws.calendar.day_count),
        owned_until=np.full(len(row), FOREVER),
        value_minor=np.round(machines.value_minor[row] * worth / 100_000).astype(np.int64) * 100_000,
        predecessor=np.full(len(row), -1, dtype=np.int64),
    )
    return bought, row


def _owned(machines: Machines, rows: Ints, today: int) -> NDArray[np.bool_]:
    """Which of these rows their firm owns when a day begins; what is planned for that day has not happened."""
    has_come = machines.first_day[rows] < max(today, 1)
    return np.asarray(has_come & (machines.owned_until[rows] >= today) & (machines.last_day[rows] > 0))


def _copies(machines: Machines, rows: Ints, count: int) -> Machines:
    copied = taken(machines, np.tile(rows, count))
    return replace(copied, firm=np.repeat(np.arange(count), len(rows)), predecessor=np.full(len(copied), -1))
