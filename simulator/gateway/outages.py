"""The observation layer, plain: outages of a firm's gateway, and what a machine's day shows through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.parameter_values import GatewayParameters
from simulator.streams import Streams
from simulator.world_calendar import QUARTERS_PER_DAY, Month

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """When a block's gateways were silent in a month: arrays (firms, days) in quarter-hours of the day.

    On a day the gateway may be silent from midnight to `front_until` (an outage that began earlier) and again in
    [`start`, `stop`), where `front_until <= start <= stop`.
    """

    front_until: Ints
    start: Ints
    stop: Ints
    silent_until: Ints
    """(firms,): the quarter-hour of the world at which the last outage so far ends."""

    @property
    def quarters(self) -> Ints:
        """Silent quarter-hours of each day."""
        return self.front_until + self.stop - self.start


def draw_outages(
    block: int, month: Month, *, silent_until: Ints, gateway: GatewayParameters, streams: Streams
) -> Outages:
    """The outages of a month, with those that reach into it from before (`silent_until`, by firm)."""
    place = (block, month.position)
    shape = (len(silent_until), month.length)
    uniform = streams.of("gateway.outage", *place).random((*shape, 2))
    normal = streams.of("gateway.length", *place).standard_normal(shape)
    midnight = month.days[None, :] * QUARTERS_PER_DAY
    begins = midnight + np.floor(uniform[..., 1] * QUARTERS_PER_DAY).astype(np.int64)
    length = np.ceil(gateway.outage_median_quarters * np.exp(gateway.outage_sd_log * normal)).astype(np.int64)
    is_outage = uniform[..., 0] < gateway.outages_per_day
    ends = np.where(is_outage, begins + length, 0)
    before = np.maximum.accumulate(np.concatenate([silent_until[:, None], ends[:, :-1]], axis=1), axis=1)
    front = np.clip(before - midnight, 0, QUARTERS_PER_DAY)
    start = np.where(is_outage, np.maximum(begins - midnight, front), front)
    stop = np.where(is_outage, np.clip(ends - midnight, start, QUARTERS_PER_DAY), start)
    return Outages(front_until=front, start=start, stop=stop, silent_until=np.maximum(silent_until, ends.max(axis=1)))
