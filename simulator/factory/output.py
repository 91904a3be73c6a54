"""What machines make: good parts and scrap, the tools they use up, and the hours on their meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machines import Machines
from simulator.factory.schedule import Quarters
from simulator.parameter_values import FaultParameters
from simulator.streams import Streams, round_at_random
from simulator.world_calendar import QUARTER_SECONDS, Month

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Arrays (m, days)."""

    attempted: Ints
    scrap: Ints
    tool_changes: Ints
    meter: Ints
    """Executing quarter-hours since the machine was new, at the day's end."""


def scrap_chance(machines: Machines, *, relative_age: Floats, debt: Floats, faults: FaultParameters) -> Floats:
    """(m,): the chance that a part is scrap; it rises with the age of wear parts and with undone maintenance."""
    neglect = debt[machines.firm] - faults.debt_reference
    log_ratio = faults.scrap_wear_log * (relative_age - 1.0) + faults.scrap_debt_log * neglect
    return np.minimum(faults.scrap_share * np.exp(log_ratio), 0.5)


def make(
    block: int,
    month: Month,
    executing: Quarters,
    *,
    machines: Machines,
    scrap: Floats,
    meter: Ints,
    streams: Streams,
) -> Output:
    """What so much execution (m, days) makes; `scrap` and `meter` (at the month's beginning) are by machine.

    A tool is changed each time that the meter has gained its life.
    """
    place = (block, month.position)
    normal = streams.of("machine.speed", *place).standard_normal(executing.shape)
    speed = np.clip(1.0 + machines.speed_sd_ratio * normal, 0.5, 1.5)
    per_quarter = (QUARTER_SECONDS / machines.cycle_seconds)[:, None]
    uniform = streams.of("machine.parts", *place).random(executing.shape)
    attempted = round_at_random(executing * per_quarter * speed, uniform).astype(np.int64)
    read = meter[:, None] + np.cumsum(executing, axis=1)
    life = machines.tool_life_quarters[:, None]
    return Output(
        attempted=attempted,
        scrap=streams.of("machine.scrap", *place).binomial(attempted, scrap[:, None]),
        tool_changes=read // life - (read - executing) // life,
        meter=read,
    )
