"""A maker of gateways: how often it reads, what its clock and counter are like, and how it writes what it read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulator.factory.machine_month import STATES
from simulator.told.makers.readings import Readings
from simulator.world_calendar import MICROSECONDS

Ints = NDArray[np.int64]
Columns = Mapping[str, pa.Array]
"""Text by the maker's own column names; null is an empty cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """One maker. `columns` writes the readings of the machine that its gateway calls by a name, in a zone."""

    name: str
    polls: int
    """Readings in a quarter of an hour."""
    hold_seconds: int
    stamp_resolution: int
    """Microseconds."""
    latency_seconds: int
    """From a reading until it has arrived, while the uplink is up."""
    columns: Callable[[Readings, str, str, Ints], Columns]
    """(readings, name, zone, instants of arrival) to text by column."""
    mapping: tuple[str, ...]
    """The lines of its mapping that are its own."""
    delimiter: str = ","
    encoding: str = "utf-8"
    stamps_are_local: bool = False
    """Its stamps show the clocks of the site; otherwise UTC."""
    drifts: bool = True
    volatile_counter: bool = False
    """The part counter lives in the controller's memory and may begin again at 0."""
    averages_power: bool = False
    """Its power meter says the mean of the quarter of an hour; otherwise what is drawn at the instant."""
    closes_day: bool = False
    """A last reading a second before midnight."""
    arrives_next_morning: bool = False

    @property
    def poll_seconds(self) -> int:
        """Time between two readings."""
        return 900 // self.polls


def words(readings: Readings, by_state: Mapping[str, str]) -> pa.Array:
    """The maker's word for each reading's state."""
    return pa.array([by_state[state] for state in STATES]).take(pa.array(readings.state))


def whole(values: Ints) -> pa.Array:
    """Whole numbers as text."""
    return pc.cast(pa.array(values), pa.string())


def thousandths(values: Ints) -> pa.Array:
    """Whole thousandths as decimal text: watts as kW, watt-hours as kWh."""
    return pc.cast(pa.array(values / 1000.0), pa.string())


def stamps(instants: Ints, form: str, *, zone: str, unit: str = "s") -> pa.Array:
    """Instants (microseconds) as text; `%S` bears fractions when the unit is finer than a second."""
    typed = pa.array(instants, type=pa.timestamp("us", tz=zone)).cast(pa.timestamp(unit, tz=zone), safe=False)
    return pc.strftime(typed, format=form)


def epoch_milliseconds(instants: Ints) -> pa.Array:
    """Instants (microseconds) as text of milliseconds since 1970."""
    return whole(instants // (MICROSECONDS // 1000))


def received(instants: Ints) -> pa.Array:
    """The stamps of the collector that receives what gateways send: ISO 8601, UTC."""
    return stamps(instants, "%Y-%m-%dT%H:%M:%SZ", zone="UTC", unit="ms")


def same(text: str, readings: Readings) -> pa.Array:
    """One text for every reading."""
    return pa.repeat(pa.scalar(text), len(readings))
