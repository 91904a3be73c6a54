"""Machines that change hands: sold by a firm that goes on, or after its default; and machines that move to a second
site of their owner.

A machine that another firm of the block buys is a second row with the same uid. It changes hands with the first of a
month, at most once. The buyer always comes later in the block than the seller, so that a firm's life does not depend on
the firms after it; where no such firm is there or alive, the machine leaves the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machines import DAYS_PER_YEAR, FOREVER, NO_SITE, Machines
from simulator.parameter_values import MachineParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar

MONTHS_PER_YEAR = 12

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def change_hands(
    block: int,
    machines: Machines,
    *,
    default_days: Ints,
    last_days: Ints,
    calendar: Calendar,
    limits: MachineParameters,
    streams: Streams,
) -> Machines:
    """The machines with those that change hands. `default_days` and `last_days` are by firm, as in `Lives`.

    A firm keeps its first machine while it lives. Rows stay in the order of firms; what a firm buys comes last.
    """
    uniform = streams.of("machine.sale", block).random((len(machines), 4))
    day = _sale_days(machines, uniform, default_days=default_days, calendar=calendar, limits=limits)
    sold = np.flatnonzero(day < FOREVER)
    buyer = machines.firm[sold] + 1 + np.floor(uniform[sold, 3] * limits.buyer_reach_firms).astype(np.int64)
    is_there = buyer < len(default_days)
    is_there[is_there] = default_days[buyer[is_there]] > day[sold[is_there]]
    kept = replace(
        machines, owned_until=np.minimum(machines.owned_until, day), last_day=np.minimum(machines.last_day, day)
    )
    bought = taken(kept, sold[is_there])
    firm, first = buyer[is_there], day[sold[is_there]]
    worth = np.exp(-limits.depreciation_per_year * (first - machines.first_day[sold[is_there]]) / DAYS_PER_YEAR)
    bought = replace(
        bought,
        firm=firm,
        first_day=first,
        last_day=last_days[firm],
        owned_until=np.full(len(firm), FOREVER),
        value_minor=np.round(bought.value_minor * worth / 100_000).astype(np.int64) * 100_000,
        predecessor=sold[is_there],
    )
    machines, _ = joined_by_firm([kept, bought])
    return machines


def settle_sites(
    block: int, machines: Machines, *, firms: int, calendar: Calendar, limits: MachineParameters, streams: Streams
) -> Machines:
    """The machines with the site of each, 0 or 1 where its firm has two, and the day on which it moves to the other."""
    has_two = (streams.of("firm.sites", block).random(firms) < limits.two_sites_share)[machines.firm]
    uniform = streams.of("machine.site", block).random((len(machines), 3))
    years = calendar.day_count / DAYS_PER_YEAR
    moves = has_two & (uniform[:, 1] < 1.0 - np.exp(-limits.moved_per_year_share * years))
    moved = 1 + np.floor(uniform[:, 2] * (calendar.day_count - 1)).astype(np.int64)
    moves &= (moved > machines.first_day) & (moved < machines.last_day)
    return replace(
        machines,
        site=np.where(has_two, (uniform[:, 0] < 0.5).astype(np.int64), NO_SITE),
        moved_day=np.where(moves, moved, FOREVER),
    )


def _sale_days(
    machines: Machines, uniform: Floats, *, default_days: Ints, calendar: Calendar, limits: MachineParameters
) -> Ints:
    """By machine: the first day of its next owner, FOREVER where it stays."""
    firsts = np.array([month.first_day for month in calendar.months], dtype=np.int64)
    is_first = np.diff(machines.firm, prepend=-1) > 0
    share = 1.0 - np.exp(-limits.sold_per_year_share * len(firsts) / MONTHS_PER_YEAR)
    planned = firsts[np.floor(uniform[:, 1] * len(firsts)).astype(np.int64)]
    default = default_days[machines.firm]
    in_life = ~is_first & (uniform[:, 0] < share) & (planned > machines.first_day) & (planned < default)
    low, high = limits.sale_lag_months
    lag = low + np.floor(uniform[:, 1] * (high - low + 1)).astype(np.int64)
    after = np.searchsorted(firsts, machines.last_day, side="left") + lag - 1
    is_in_time = (default < calendar.day_count) & (machines.last_day > 0) & (after < len(firsts))
    in_ruin = is_in_time & (uniform[:, 2] < limits.sold_after_default_share)
    late = np.where(in_ruin, firsts[np.minimum(after, len(firsts) - 1)], FOREVER)
    return np.where(in_life, planned, late)


def taken(machines: Machines, rows: Ints) -> Machines:
    """The machines at these rows."""
    columns: dict[str, Any] = {name: _rows(getattr(machines, name), rows) for name in _columns(machines)}
    return replace(machines, **columns)


def joined_by_firm(parts: Sequence[Machines]) -> tuple[Machines, Ints]:
    """The machines of all parts firm by firm, each part's in turn, and which row of the parts each one was.

    Predecessors are rows of the parts joined, and follow them.
    """
    whole: dict[str, Any] = {}
    for name in _columns(parts[0]):
        columns = [getattr(part, name) for part in parts]
        whole[name] = sum(columns, ()) if isinstance(columns[0], tuple) else np.concatenate(columns)
    joined = replace(parts[0], **whole)
    order = np.argsort(joined.firm, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    ordered = taken(joined, order)
    before = ordered.predecessor
    return replace(ordered, predecessor=np.where(before >= 0, place[before], -1)), order


def _columns(machines: Machines) -> list[str]:
    """The fields with a value for each machine."""
    names = [entry.name for entry in fields(machines)]
    return list(compress(names, [isinstance(getattr(machines, name), tuple | np.ndarray) for name in names]))


def _rows(column: tuple[str, ...] | NDArray[np.generic], rows: Ints) -> tuple[str, ...] | NDArray[np.generic]:
    return tuple(column[row] for row in rows) if isinstance(column, tuple) else column[rows]
