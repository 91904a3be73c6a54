"""The roll-up kernel: one pass over the samples of each series, by the definitions of `docs/machine-days.md`.

It walks from row to row with what is held at that moment and books the time between two rows to local days. Time is
counted in whole microseconds, so that the elements of a day sum to it exactly. `x == x` says that x is not NaN.

The steps of `fold` are inlined. One that takes a tuple of arrays must leave at one place only: otherwise Numba counts
references to every array at every row, which costs ten times the work itself.
"""

# ruff: noqa: PLR0124, PLR0917 (compiled code: NaN is tested by comparison, and Numba takes no keyword-only arguments)

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_contracts.vocabulary import ELEMENTS, ITEM_STATE_CODES, OPERATION_MODE_CODES, ItemState, OperationMode
from features.machine_day.booking import BOOKED, NEVER, SILENT, UNKNOWN, Cells, Layout
from features.machine_day.days import Micros
from features.machine_day.samples import (
    NOT_SAID,
    SAID_COUNT,
    SAID_DELTA,
    SAID_MODE,
    SAID_POWER,
    SAID_REGISTER,
    SAID_STATE,
    SILENCE_MEANS_OFF,
    Floats,
    Ints,
    Profiles,
    Rows,
)

EXECUTING_ENERGY, IDLE_ENERGY, OTHER_ENERGY = 0, 1, 2

_EXPLICIT_UNKNOWN = ITEM_STATE_CODES[ItemState.UNKNOWN]
FAULT = ITEM_STATE_CODES[ItemState.OUT_OF_SERVICE]


def _element(state: ItemState, mode: OperationMode) -> str:
    """The first element that fits, in the order of precedence."""
    if state is ItemState.UNKNOWN:
        return "unknown_seconds"
    if state is ItemState.NOT_AVAILABLE:
        return "off_seconds"
    if state is ItemState.OUT_OF_SERVICE:
        return "fault_seconds"
    if mode is OperationMode.MAINTENANCE:
        return "maintenance_seconds"
    if mode is OperationMode.SETUP:
        return "setup_seconds"
    return "executing_seconds" if state is ItemState.EXECUTING else "idle_seconds"


_ELEMENT_OF = np.array(
    [[ELEMENTS.index(_element(state, mode)) for mode in OperationMode] for state in ItemState], dtype=np.int64
)
_NO_MODE = OPERATION_MODE_CODES[OperationMode.NONE]
_ENERGY_OF = np.full(BOOKED, OTHER_ENERGY, dtype=np.int64)
_ENERGY_OF[ELEMENTS.index("executing_seconds")] = EXECUTING_ENERGY
_ENERGY_OF[ELEMENTS.index("idle_seconds")] = IDLE_ENERGY


@njit(cache=True, nogil=True)
def fold(
    rows: Rows, profiles: Profiles, layout: Layout, held: NDArray[Any], readings: NDArray[Any], cells: Cells
) -> None:
    """Book the rows of every series into its cells; `held` and `readings` (one record a series) are carried along.

    A series that holds nothing yet begins at its first row. `readings` must begin empty. All arguments but `held`,
    `readings` and `cells` are read only.
    """
    for series in range(len(held)):
        own = held[series]
        said = readings[series]
        cell = layout.cells[series]
        shift = layout.shifts[series]
        limit = layout.limits[series]
        register_cell = cell
        for row in range(layout.begins[series], layout.ends[series]):
            time = rows.time[row]
            if own.time != NEVER:
                has_register = said.last_register_kwh == said.last_register_kwh
                cell = _advance(own, time, layout.midnights, shift, cell, has_register, cells)
            while time >= layout.midnights[cell + shift + 1]:
                cell += 1
            own.time = time
            profile = rows.profile[row]
            until = min(time + profiles.hold[profile], limit)
            _hold(rows, row, until, profiles.bits[profile], own, said)
            if _note_state(rows.state[row], cells.day[cell], said):
                cells.state_changes[cell] += 1
                cells.fault_starts[cell] += rows.state[row] == FAULT
            _note_parts(rows, row, cell, profiles, said, cells)
            if rows.register_kwh[row] == rows.register_kwh[row]:
                _note_register(rows, row, register_cell, cell, profiles, said, cells)
                register_cell = cell
            cells.first_row[cell] = min(cells.first_row[cell], time)
            cells.last_row[cell] = max(cells.last_row[cell], time)


@njit(cache=True, nogil=True)
def close(layout: Layout, held: NDArray[Any], cells: Cells) -> None:
    """Book what the last row of every series still holds, up to the end of its local day; `layout.cells` is its last
    cell.

    What follows the last hold of state and power stays unbooked: nobody knows, whatever silence means.
    """
    for series in range(len(held)):
        own = held[series]
        cell = layout.cells[series]
        shift = layout.shifts[series]
        until = min(max(own.state_until, own.power_until), layout.midnights[cell + shift + 1])
        _advance(own, until, layout.midnights, shift, cell, False, cells)


@njit(cache=True, nogil=True)
def settle(rows: Rows, begins: Ints, ends: Ints, longest_hold: int, settled: Ints) -> None:
    """Where each series forgets what came before its rows: `settled[i]` becomes one past its first row that lies
    `longest_hold` or more after its first one, or -1 where there is none."""
    for series in range(len(settled)):
        settled[series] = -1
        first = begins[series]
        for row in range(first + 1, ends[series]):
            if rows.time[row] >= rows.time[first] + longest_hold:
                settled[series] = row + 1
                break


@njit(cache=True, nogil=True, forceinline=True)
def _advance(own: Any, until: int, midnights: Micros, shift: int, cell: int, has_register: bool, cells: Cells) -> int:
    """Book the time from `own.time` to `until`, piece by piece between expiries and midnights. Returns the last
    cell."""
    start = own.time
    while start < until:
        while start >= midnights[cell + shift + 1]:
            cell += 1
        stop = min(until, midnights[cell + shift + 1])
        element = UNKNOWN
        if start < own.state_until:
            stop = min(stop, own.state_until)
            mode = _NO_MODE
            if start < own.mode_until:
                stop = min(stop, own.mode_until)
                mode = own.mode
            element = _ELEMENT_OF[own.state, mode]
        elif own.silence_is_off:
            if start < own.any_until:
                stop = min(stop, own.any_until)
            else:
                element = SILENT
        energy = _ENERGY_OF[element]
        if start < own.power_until:
            stop = min(stop, own.power_until)
            cells.kw_micros[cell, energy] += own.power_kw * (stop - start)
        cells.booked[cell, element] += stop - start
        if has_register:
            cells.after[cell, energy] += stop - start
        else:
            cells.before[cell, energy] += stop - start
        start = stop
    return cell


@njit(cache=True, nogil=True, forceinline=True)
def _hold(rows: Rows, row: int, until: int, profile_bits: int, own: Any, said: Any) -> None:
    """Each column that the row says replaces what was held of it; what it does not say holds on."""
    bits = profile_bits
    if rows.state[row] != NOT_SAID:
        own.state, own.state_until, bits = rows.state[row], until, bits | SAID_STATE
    if rows.mode[row] != NOT_SAID:
        own.mode, own.mode_until, bits = rows.mode[row], until, bits | SAID_MODE
    if rows.power_kw[row] == rows.power_kw[row]:
        own.power_kw, own.power_until, bits = rows.power_kw[row], until, bits | SAID_POWER
    if rows.register_kwh[row] == rows.register_kwh[row]:
        own.register_until, bits = until, bits | SAID_REGISTER
    if rows.part_count[row] == rows.part_count[row]:
        own.count_until, bits = until, bits | SAID_COUNT
    if rows.part_delta[row] == rows.part_delta[row]:
        own.delta_until, bits = until, bits | SAID_DELTA
    counters_until = max(own.register_until, own.count_until, own.delta_until)
    own.any_until = max(own.state_until, own.mode_until, own.power_until, counters_until)
    own.silence_is_off = profile_bits & SILENCE_MEANS_OFF
    said.said |= bits


@njit(cache=True, nogil=True, forceinline=True)
def _note_state(state: int, day: int, said: Any) -> bool:
    """Whether a row changes the known state; neither a gap nor Unknown is a state to come from."""
    changes = False
    if state != NOT_SAID and state != _EXPLICIT_UNKNOWN:  # noqa: PLR1714 (membership of a tuple is slow here)
        if said.last_state == NOT_SAID:
            said.first_state, said.first_state_day = state, day
        else:
            changes = said.last_state != state
        said.last_state = state
    return changes


@njit(cache=True, nogil=True, forceinline=True)
def _note_parts(rows: Rows, row: int, cell: int, profiles: Profiles, said: Any, cells: Cells) -> None:
    """Sum deltas, difference counts, and keep the largest power, all on the day of the row."""
    if rows.power_kw[row] == rows.power_kw[row] and not cells.peak_kw[cell] >= rows.power_kw[row]:
        cells.peak_kw[cell] = rows.power_kw[row]
    if rows.part_delta[row] == rows.part_delta[row]:
        cells.deltas[cell] += rows.part_delta[row]
    count = rows.part_count[row]
    if count == count:
        if said.last_count == said.last_count:
            cells.counted[cell] += gain(said.last_count, count, profiles.count_modulus[rows.profile[row]])
        else:
            said.first_count, said.first_count_day = count, cells.day[cell]
            said.first_count_profile = rows.profile[row]
        said.last_count = count


@njit(cache=True, nogil=True, forceinline=True)
def _note_register(rows: Rows, row: int, since: int, cell: int, profiles: Profiles, said: Any, cells: Cells) -> None:
    """Spread the register's gain evenly over the time since its last reading, in cells `since` to `cell`."""
    reading, time = rows.register_kwh[row], rows.time[row]
    if said.last_register_kwh == said.last_register_kwh:
        kwh = gain(said.last_register_kwh, reading, profiles.register_modulus[rows.profile[row]])
        span = time - said.last_register_time
        for spread in range(since, cell + 1):
            for energy in range(3):
                cells.register_kwh[spread, energy] += kwh * cells.after[spread, energy] / span
                cells.after[spread, energy] = 0
    else:
        said.first_register_kwh, said.first_register_time = reading, time
        said.first_register_profile = rows.profile[row]
    said.last_register_kwh, said.last_register_time = reading, time


@njit(cache=True, nogil=True, forceinline=True)
def gain(earlier: float, later: float, modulus: float) -> float:
    """What a counter gained between two readings: a fall is a rollover where a modulus is declared (not NaN),
    otherwise a reset, after which the new reading counts from zero."""
    if later >= earlier:
        return later - earlier
    if modulus == modulus:
        return later - earlier + modulus
    return later


@njit(cache=True, nogil=True)
def gains(earlier: Floats, later: Floats, modulus: Floats) -> Floats:
    """`gain` of each pair of readings."""
    found = np.empty(len(earlier))
    for pair in range(len(earlier)):
        found[pair] = gain(earlier[pair], later[pair], modulus[pair])
    return found
