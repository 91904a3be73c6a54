"""Frauds on telemetry: what a firm that wants to look busier, idler or absent lets its gateways tell.

Each takes a month as it would be told and gives it as it is told; none knows anything but what the fraudster has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machine_month import EXECUTING, IDLE, OFF
from simulator.frauds.grid import SILENT, Bools, Grid, Ints
from simulator.frauds.plan import WHOLE_FIRM, Code, Fraud

QUARTERS_PER_HOUR = 4

Strength = Mapping[str, float]
Draws = NDArray[np.float64]


def cut_air(grid: Grid, mine: Bools, days: Bools, *, strength: Strength) -> Grid:
    """F1: after its last work of the day the machine runs its program for some hours more without material.

    Executing time and a little energy are added, no parts.
    """
    quarter = np.arange(grid.state.shape[2])
    powered = (grid.state != OFF) & (grid.state != SILENT)
    last = np.where(powered, quarter, -1).max(axis=2, keepdims=True)
    has_worked = (grid.state == EXECUTING).any(axis=2, keepdims=True)
    until = last + int(strength["air_hours_per_day"] * QUARTERS_PER_HOUR)
    chosen = has_worked & (quarter > last) & (quarter <= until) & (grid.state == OFF) & _where(mine, days)
    level = np.rint(strength["power_over_idle"] * _usual_power(grid, IDLE)).astype(np.int64)[:, None, None]
    return grid.told(chosen, state=np.full_like(grid.state, EXECUTING), power=level)


def replay(
    grid: Grid, mine: Bools, days: Bools, *, source: Grid, from_day: int, strength: Strength, draws: Draws
) -> Grid:
    """F2: each day tells what a day of the weeks before the fraud told, same weekday, its power a little shaken.

    `source` holds those days, in the order of the world's days, as they were told then.
    """
    length = int(strength["source_days"])
    wanted = from_day - length + (grid.days - from_day) % length
    place = wanted - source.first_day
    inside = days & (place >= 0) & (place < source.state.shape[1])
    match = [source.uids.index(uid) if uid in source.uids else -1 for uid in grid.uids]
    mine = mine & (np.array(match) >= 0)
    copy = {name: getattr(source, name)[match][:, np.clip(place, 0, source.state.shape[1] - 1)] for name in _VALUES}
    copy["power"] = _shaken(copy["power"], draws, strength["power_jitter"])
    return grid.told(_where(mine, inside), **copy)


def load_dummy(grid: Grid, mine: Bools, days: Bools, *, strength: Strength) -> Grid:
    """F3: something that draws power stands beside the machine: more energy whenever it is powered, no more parts."""
    extra = np.rint(strength["load_share_of_run_power"] * _usual_power(grid, EXECUTING)).astype(np.int64)
    powered = (grid.state != OFF) & (grid.state != SILENT) & _where(mine, days)
    return grid.told(powered, power=grid.power + extra[:, None, None])


def spoof_counter(grid: Grid, mine: Bools, days: Bools, *, strength: Strength) -> Grid:
    """F4: the part counter runs fast; time and energy stay."""
    counted = np.floor(np.cumsum(grid.parts, axis=2) * (1.0 + strength["extra_parts_share"])).astype(np.int64)
    return grid.told(_where(mine, days), parts=np.diff(counted, axis=2, prepend=0))


def move_gateway(grid: Grid, mine: Bools, days: Bools, *, other: Bools, strength: Strength, draws: Draws) -> Grid:
    """F5: the machine was sold and its gateway moved to another, so that it tells what that one does."""
    if not other.any():
        return grid
    copy = {name: getattr(grid, name)[other][:1] for name in _VALUES}
    copy["power"] = _shaken(np.broadcast_to(copy["power"], grid.power.shape), draws, strength["power_jitter"])
    return grid.told(_where(mine, days), **copy)


def go_offline(grid: Grid, mine: Bools, days: Bools) -> Grid:
    """F10: all gateways are silent in the days before an inspection."""
    nothing = np.zeros_like(grid.power)
    return grid.told(_where(mine, days), state=np.full_like(grid.state, SILENT), power=nothing, parts=nothing)


def shut_down(grid: Grid, mine: Bools, days: Bools) -> Grid:
    """F12: the machines are told to be off, as a cover against standing still asks for."""
    chosen = _where(mine, days) & (grid.state != SILENT)
    nothing = np.zeros_like(grid.power)
    return grid.told(chosen, state=np.full_like(grid.state, OFF), power=nothing, parts=nothing)


def machines_of(fraud: Fraud, grid: Grid, firm_of: Ints) -> Bools:
    """(machines of the grid,): those that the fraud tells falsely; `firm_of` says whose each row of the block is."""
    if fraud.machine != WHOLE_FIRM:
        return grid.of(np.array([fraud.machine]))
    return np.asarray(firm_of[grid.rows] == fraud.firm)


def is_on_telemetry(code: Code) -> bool:
    """Whether the fraud changes what gateways say of quarter-hours."""
    return code in _ON_TELEMETRY


def keep_days(grid: Grid, rows: Bools, days: Bools) -> Grid:
    """Some machines and a run of days of a grid."""
    values: dict[str, Any] = {name: getattr(grid, name)[rows][:, days] for name in _VALUES}
    uids = tuple(uid for uid, kept in zip(grid.uids, rows, strict=True) if kept)
    return replace(grid, uids=uids, rows=grid.rows[rows], first_day=int(grid.days[days][0]), **values)


def join_days(earlier: Grid, later: Grid) -> Grid:
    """Two runs of days, one right after the other; machines that only one of them has are silent in the other."""
    uids = tuple(dict.fromkeys((*earlier.uids, *later.uids)))
    rows = dict(zip((*earlier.uids, *later.uids), (*earlier.rows, *later.rows), strict=True))
    values: dict[str, Any] = {}
    for name in _VALUES:
        fill = SILENT if name == "state" else 0
        parts = [_at(getattr(part, name), part.uids, uids, fill) for part in (earlier, later)]
        values[name] = np.concatenate(parts, axis=1)
    return replace(earlier, uids=uids, rows=np.array([rows[uid] for uid in uids]), **values)


_VALUES = ("state", "power", "parts")
_ON_TELEMETRY = frozenset(
    {
        Code.AIR_CUTTING,
        Code.REPLAYED_TELEMETRY,
        Code.DUMMY_LOAD,
        Code.COUNTER_SPOOF,
        Code.MOVED_GATEWAY,
        Code.OFFLINE_BEFORE_INSPECTION,
        Code.STAGED_SHUTDOWN,
    }
)


def _where(mine: Bools, days: Bools) -> Bools:
    return mine[:, None, None] & days[None, :, None]


def _usual_power(grid: Grid, state: int) -> NDArray[np.float64]:
    """(machines,): mean power in a state as told this month; 0 where it was never in it."""
    at = grid.state == state
    return np.asarray((grid.power * at).sum(axis=(1, 2)) / np.maximum(at.sum(axis=(1, 2)), 1))


def _shaken(power: Ints, draws: Draws, jitter: float) -> Ints:
    return np.rint(power * (1.0 + jitter * np.clip(draws, -3.0, 3.0))).astype(np.int64)


def _at(values: Ints, own: tuple[str, ...], uids: tuple[str, ...], fill: int) -> Ints:
    whole = np.full((len(uids), *values.shape[1:]), fill, dtype=np.int64)
    for position, uid in enumerate(uids):
        if uid in own:
            whole[position] = values[own.index(uid)]
    return whole
