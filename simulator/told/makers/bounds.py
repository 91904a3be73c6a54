"""How far what a gateway's readings roll up to may lie from the daily report of the same machine-day, at most."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.parameter_values import ObservationParameters
from simulator.told.makers.maker import Maker
from simulator.told.makers.readings import largest_offset_seconds
from simulator.world_calendar import MICROSECONDS

EDGES_A_DAY = 2
"""Silences that begin on a day: one from the day before that ends, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """For one maker and one machine-day, in seconds.

    `clock_seconds`: any element, since both ends of the day are read off a wrong clock and it may be set within the
    day. `hold_seconds`: any element on a day with silence, since the last reading is held on into it. `late_seconds`:
    parts and energy, which are told by the next reading, may fall to the neighbouring day when they come so close to
    midnight.

    What lies outside the bounds by nature: on a day with a forgotten switch the seconds of setup and maintenance are
    told as executing and idle, no more than they are; a counter or register that went on in a silence tells what it
    counted then with its first reading afterwards, and a volatile counter may forget it.
    """

    clock_seconds: float
    hold_seconds: float
    late_seconds: float

    def element_seconds(self, *, is_silent: bool) -> float:
        """The bound of an element of a day with or without silence."""
        return self.clock_seconds + (self.hold_seconds if is_silent else 0.0)


def bounds_of(maker: Maker, observation: ObservationParameters) -> Bounds:
    """The bounds of a maker's gateways."""
    offset = largest_offset_seconds(observation) if maker.drifts else 0.0
    step = maker.stamp_resolution / MICROSECONDS
    return Bounds(
        clock_seconds=(3.0 * offset + 2.0 * step if offset else 0.0),
        hold_seconds=float(EDGES_A_DAY * (maker.hold_seconds - maker.poll_seconds)),
        late_seconds=(offset + maker.poll_seconds if offset else 0.0),
    )
