"""What a fold of the kernel reads its way by, carries along, and books to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_contracts.vocabulary import ELEMENTS
from features.machine_day.days import Micros
from features.machine_day.samples import NOT_SAID, Floats, Ints

UNKNOWN = ELEMENTS.index("unknown_seconds")
SILENT = len(ELEMENTS)
"""Code of time that is off only because silence means off; it follows the codes of the seven elements."""

BOOKED = len(ELEMENTS) + 1
"""Number of columns that time is booked to: the elements and `SILENT`."""

NEVER = np.iinfo(np.int64).min
"""Time of a series that had no row yet."""

HELD = np.dtype(
    [
        ("time", "i8"),
        ("state", "i8"),
        ("state_until", "i8"),
        ("mode", "i8"),
        ("mode_until", "i8"),
        ("power_kw", "f8"),
        ("power_until", "i8"),
        ("register_until", "i8"),
        ("count_until", "i8"),
        ("delta_until", "i8"),
        ("silence_is_off", "i8"),
    ]
)
"""What a series holds just after its row at `time`: each column's value and the instant up to which it holds."""

READINGS = np.dtype(
    [
        ("said", "i8"),
        ("first_state", "i8"),
        ("first_state_day", "i8"),
        ("last_state", "i8"),
        ("first_count", "f8"),
        ("first_count_day", "i8"),
        ("first_count_profile", "i8"),
        ("last_count", "f8"),
        ("first_register_kwh", "f8"),
        ("first_register_time", "i8"),
        ("first_register_profile", "i8"),
        ("last_register_kwh", "f8"),
        ("last_register_time", "i8"),
    ]
)
"""First and last known state and counter readings of a stretch of rows: what its neighbours are compared with."""


class Cells(NamedTuple):
    """Machine-days in the making, one cell for each series and local day, sorted by both.

    `booked` is (cell, `BOOKED`) microseconds; `kw_micros` (cell, 3) kW x microseconds while executing, idle and else;
    `register_kwh` (cell, 3) kWh by differences of the register. `before` and `after` are (cell, 3) microseconds
    before the stretch's first register reading and after its last one (all `before` where it has none): the time over
    which a neighbour's reading will spread energy.
    """

    series: NDArray[np.int64]
    day: Ints
    booked: Ints
    kw_micros: Floats
    register_kwh: Floats
    before: Ints
    after: Ints
    peak_kw: Floats
    deltas: Floats
    counted: Floats
    fault_starts: Ints
    state_changes: Ints
    first_row: Micros
    last_row: Micros


class Layout(NamedTuple):
    """Where the turns of a fold have their rows, cells and calendar.

    Turn i has rows `begins[i]:ends[i]` and carries on the record `slots[i]` of `held`, `readings` and `places`. A
    slot's cells follow one another; cell c begins at `midnights[c + shifts[i]]`. Nothing holds beyond `limits[i]`.
    """

    begins: Ints
    ends: Ints
    slots: Ints
    shifts: Ints
    limits: Micros
    midnights: Micros


class Places(NamedTuple):
    """Where each slot stands: its first cell, the cell of its last row, and that of its last register reading."""

    first: Ints
    current: Ints
    of_register: Ints


def no_held(count: int) -> NDArray[Any]:
    """`count` series that hold nothing, before their first row."""
    held = np.zeros(count, dtype=HELD)
    held["time"] = NEVER
    return held


def no_readings(count: int) -> NDArray[Any]:
    """`count` series without any reading."""
    readings = np.zeros(count, dtype=READINGS)
    for name in ("first_state", "last_state"):
        readings[name] = NOT_SAID
    for name in ("first_count", "last_count", "first_register_kwh", "last_register_kwh"):
        readings[name] = np.nan
    return readings
