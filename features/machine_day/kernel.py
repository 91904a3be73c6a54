"""The roll-up kernel: one pass over the samples of each series, by the definitions of `docs/machine-days.md`.

It walks from row to row with what is held at that moment and books the time between two rows to local days. Time is
counted in whole microseconds, so that the elements of a day sum to it exactly. `x == x` says that x is not NaN.

Tuples of arrays are taken apart before a loop over rows: otherwise Numba counts references to every array at every row,
which costs as much as the work itself. Rows are counted unsigned, so that no index is asked whether it is negative.
"""

# ruff: noqa: PLR0124, PLR0912, PLR0915, PLR0917 (compiled code: NaN is tested by comparison, Numba takes no
# keyword-only arguments, and what a loop over rows carries stays in registers only inside one function)

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data_contracts.vocabulary import ELEMENTS, ITEM_STATE_CODES, OPERATION_MODE_CODES, ItemState, OperationMode
from features.machine_day.booking import BOOKED, NEVER, SILENT, UNKNOWN, Cells, Layout, Places
from features.machine_day.columns import Columns
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
)

_EIGHT_BITS, _BIT, _ONE = np.uint64(3), np.uint64(7), np.uint64(1)
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
    columns: Columns,
    profiles: Profiles,
    layout: Layout,
    places: Places,
    held: NDArray[Any],
    readings: NDArray[Any],
    cells: Cells,
) -> None:
    """Book the rows of every turn into its cells; `places`, `held` and `readings` (by slot) are carried along.

    A slot that holds nothing yet begins at its first row. The first three arguments are read only.
    """
    for turn in range(len(layout.slots)):
        slot = layout.slots[turn]
        _fold_turn(columns, profiles, layout, turn, places, held[slot], readings[slot], cells)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold_turn(
    columns: Columns, profiles: Profiles, layout: Layout, turn: int, places: Places, own: Any, said: Any, cells: Cells
) -> None:
    """The rows of one turn. Only where something expires or a day ends before a row is time booked piece by piece."""
    times, state_of, mode_of, power_of, register_of, count_of, delta_of, profile_of = columns[1:]
    booked, kw_micros, register_kwh, after = cells.booked, cells.kw_micros, cells.register_kwh, cells.after
    slot, limit = layout.slots[turn], layout.limits[turn]
    cell, register_cell, row_cell, midnight = places.current[slot], places.of_register[slot], -1, NEVER
    last, state, mode, kw = own.time, own.state, own.mode, own.power_kw
    state_until, mode_until, power_until = own.state_until, own.mode_until, own.power_until
    register_until, count_until, delta_until = own.register_until, own.count_until, own.delta_until
    bits, last_state, last_count, last_register = said.said, said.last_state, said.last_count, said.last_register_kwh
    last_reading = said.last_register_time if last_register == last_register else NEVER
    word, profile, profile_bits, steady_until, element, energy = -1, 0, own.silence_is_off, NEVER, UNKNOWN, OTHER_ENERGY
    for row in range(np.uint64(layout.begins[turn]), np.uint64(layout.ends[turn])):
        time = times[row]
        is_steady = time <= steady_until
        if is_steady:
            booked[cell, element] += time - last
            if power_until > last:
                kw_micros[cell, energy] += kw * (time - last)
        else:
            _keep(own, last, state, state_until, mode, mode_until, kw, power_until, profile_bits)
            own.register_until, own.count_until, own.delta_until = register_until, count_until, delta_until
            cell = _go_on(own, time, layout, turn, cell, row_cell, last_reading != NEVER, cells)
            row_cell, midnight = cell, layout.midnights[cell + layout.shifts[turn] + 1] - 1
        if profile_of.positions[row] != word:
            word = profile_of.positions[row]
            profile = profile_of.codes[word]
            bits, profile_bits = bits | profiles.bits[profile], profiles.bits[profile]
        until = min(time + profiles.hold[profile], limit)
        if is_said(state_of, row):
            state, state_until, bits = np.int64(state_of.codes[state_of.positions[row]]), until, bits | SAID_STATE
            if state != last_state:
                last_state = _note_state(state, last_state, said, cell, cells)
        if is_said(mode_of, row):
            mode, mode_until, bits = np.int64(mode_of.codes[mode_of.positions[row]]), until, bits | SAID_MODE
        if is_said(power_of, row):
            kw, power_until, bits = power_of.values[row], until, bits | SAID_POWER
            if not cells.peak_kw[cell] >= kw:
                cells.peak_kw[cell] = kw
        if is_said(delta_of, row):
            cells.deltas[cell] += delta_of.values[row]
            delta_until, bits = until, bits | SAID_DELTA
        if is_said(count_of, row):
            cells.counted[cell] += _note_count(
                count_of.values[row], last_count, profile, profiles, said, cells.day[cell]
            )
            last_count, count_until, bits = count_of.values[row], until, bits | SAID_COUNT
        says_register = is_said(register_of, row)
        if is_steady and last_reading != NEVER and not (says_register and last_reading == last):
            after[cell, energy] += time - last
        if says_register:
            reading, modulus = register_of.values[row], profiles.register_modulus[profile]
            if is_steady and last_reading == last:
                register_kwh[cell, energy] += gain(last_register, reading, modulus)
            else:
                since = places.first[slot] if last_reading == NEVER else register_cell
                _note_register(reading, time, profile, modulus, last_register, last_reading, said, since, cell, cells)
            last_register, last_reading, register_cell = reading, time, cell
            register_until, bits = until, bits | SAID_REGISTER
        last, steady_until = time, NEVER
        if state_until > time:
            element, steady_until = _steady(time, state, mode, mode_until, power_until, min(state_until, midnight))
            energy = _ENERGY_OF[np.uint64(element)]
    _keep(own, last, state, state_until, mode, mode_until, kw, power_until, profile_bits)
    own.register_until, own.count_until, own.delta_until = register_until, count_until, delta_until
    said.said, said.last_state, said.last_count = bits, last_state, last_count
    said.last_register_kwh, said.last_register_time = last_register, last_reading
    places.current[slot], places.of_register[slot], cells.last_row[cell] = cell, register_cell, last


@njit(cache=True, nogil=True, forceinline=True)
def _steady(time: int, state: int, mode: int, mode_until: int, power_until: int, until: int) -> tuple[int, int]:
    """The element from `time` on, while a state is held and up to `until` at most, and how long nothing expires."""
    if power_until > time:
        until = min(until, power_until)
    if mode_until > time:
        return _ELEMENT_OF[np.uint64(state), np.uint64(mode)], min(until, mode_until)
    return _ELEMENT_OF[np.uint64(state), _NO_MODE], until


@njit(cache=True, nogil=True, forceinline=True)
def _note_count(reading: float, last: float, profile: int, profiles: Profiles, said: Any, day: int) -> float:
    """What a counter gained with this reading; nothing with its first one."""
    if last == last:
        return float(gain(last, reading, profiles.count_modulus[profile]))
    said.first_count, said.first_count_day, said.first_count_profile = reading, day, profile
    return 0.0


@njit(cache=True, nogil=True, forceinline=True)
def _keep(
    own: Any, time: int, state: int, state_until: int, mode: int, mode_until: int, kw: float, kw_until: int, bits: int
) -> None:
    """Write down what is held just after the row at `time`."""
    own.time, own.state, own.state_until, own.mode, own.mode_until = time, state, state_until, mode, mode_until
    own.power_kw, own.power_until, own.silence_is_off = kw, kw_until, bits & SILENCE_MEANS_OFF


@njit(cache=True, nogil=True)
def _go_on(
    own: Any, time: int, layout: Layout, turn: int, cell: int, row_cell: int, has_register: bool, cells: Cells
) -> int:
    """Book the time up to the next row, at `time`; the cell of that row. `row_cell` is that of the row before if it is
    of this turn, else -1."""
    shift = layout.shifts[turn]
    if own.time != NEVER:
        cell = advance(own, time, layout.midnights, shift, cell, has_register, cells)
    while time >= layout.midnights[cell + shift + 1]:
        cell += 1
    if row_cell != cell:
        if row_cell >= 0:
            cells.last_row[row_cell] = own.time
        cells.first_row[cell] = min(cells.first_row[cell], time)
    return cell


@njit(cache=True, nogil=True)
def _note_state(state: int, last_state: int, said: Any, cell: int, cells: Cells) -> int:
    """Note a state that differs from the last known one; the known state from now on. Neither a gap nor Unknown is a
    state to come from."""
    if state == _EXPLICIT_UNKNOWN:
        return last_state
    if last_state == NOT_SAID:
        said.first_state, said.first_state_day = state, cells.day[cell]
    else:
        cells.state_changes[cell] += 1
        cells.fault_starts[cell] += state == FAULT
    return state


@njit(cache=True, nogil=True, error_model="numpy")
def _note_register(
    reading: float,
    time: int,
    profile: int,
    modulus: float,
    last: float,
    last_time: int,
    said: Any,
    since: int,
    cell: int,
    cells: Cells,
) -> None:
    """Spread a register's gain evenly over the time since its last reading, in cells `since` to `cell`; at its first
    reading, all that was booked lies before it."""
    if last != last:
        said.first_register_kwh, said.first_register_time, said.first_register_profile = reading, time, profile
        for day in range(since, cell + 1):
            _by_energy(cells.booked[day], cells.before[day])
        return
    kwh_per_micro = gain(last, reading, modulus) / (time - last_time)
    for day in range(since, cell + 1):
        for energy in range(3):
            cells.register_kwh[day, energy] += kwh_per_micro * cells.after[day, energy]
            cells.after[day, energy] = 0


@njit(cache=True, nogil=True)
def carry(columns: Columns, profiles: Profiles, layout: Layout, held: NDArray[Any]) -> None:
    """What every slot holds after the rows of its turn: `fold` without booking anything."""
    for turn in range(len(layout.slots)):
        own = held[layout.slots[turn]]
        limit = layout.limits[turn]
        for row in range(layout.begins[turn], layout.ends[turn]):
            profile = columns.profile.codes[columns.profile.positions[row]]
            own.time = columns.time[row]
            own.silence_is_off = profiles.bits[profile] & SILENCE_MEANS_OFF
            until = min(own.time + profiles.hold[profile], limit)
            if is_said(columns.state, row):
                own.state, own.state_until = columns.state.codes[columns.state.positions[row]], until
            if is_said(columns.mode, row):
                own.mode, own.mode_until = columns.mode.codes[columns.mode.positions[row]], until
            if is_said(columns.power_kw, row):
                own.power_kw, own.power_until = columns.power_kw.values[row], until
            if is_said(columns.register_kwh, row):
                own.register_until = until
            if is_said(columns.part_count, row):
                own.count_until = until
            if is_said(columns.part_delta, row):
                own.delta_until = until


@njit(cache=True, nogil=True)
def close(layout: Layout, places: Places, held: NDArray[Any], cells: Cells) -> None:
    """Book what the last row of every slot still holds, up to the end of its local day.

    What follows the last hold of state and power stays unbooked: nobody knows, whatever silence means.
    """
    for turn in range(len(layout.slots)):
        own = held[layout.slots[turn]]
        cell = places.current[layout.slots[turn]]
        shift = layout.shifts[turn]
        until = min(max(own.state_until, own.power_until), layout.midnights[cell + shift + 1])
        advance(own, until, layout.midnights, shift, cell, False, cells)


@njit(cache=True, nogil=True)
def open_days(cells: Cells, readings: NDArray[Any], slot_of_cell: Ints) -> None:
    """In cells of slots that have no register reading at all, every piece of time lies before the first one."""
    for cell in range(len(slot_of_cell)):
        kwh = readings[slot_of_cell[cell]].last_register_kwh
        if kwh != kwh:
            _by_energy(cells.booked[cell], cells.before[cell])


@njit(cache=True, nogil=True)
def advance(own: Any, until: int, midnights: Micros, shift: int, cell: int, has_register: bool, cells: Cells) -> int:
    """Book the time from `own.time` to `until`, piece by piece between expiries and midnights; after a register
    reading, note it for the next one to spread its gain over. Returns the last cell."""
    start = own.time
    counters_until = max(own.register_until, own.count_until, own.delta_until)
    any_until = max(own.state_until, own.mode_until, own.power_until, counters_until)
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
            if start < any_until:
                stop = min(stop, any_until)
            else:
                element = SILENT
        energy = _ENERGY_OF[element]
        if start < own.power_until:
            stop = min(stop, own.power_until)
            cells.kw_micros[cell, energy] += own.power_kw * (stop - start)
        cells.booked[cell, element] += stop - start
        if has_register:
            cells.after[cell, energy] += stop - start
        start = stop
    return cell


@njit(cache=True, nogil=True)
def _by_energy(booked: Ints, sums: Ints) -> None:
    """Booked time summed by what energy counts as during it."""
    for element in range(BOOKED):
        sums[_ENERGY_OF[element]] += booked[element]


@njit(cache=True, nogil=True, forceinline=True)
def is_said(column: Any, row: Any) -> Any:
    """Whether a column (columns.Numbers, columns.Words) says something in a row."""
    return (column.said[(np.uint64(row) >> _EIGHT_BITS) & np.uint64(column.reach)] >> (np.uint64(row) & _BIT)) & _ONE


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
