"""What production runs on: the firms' own health, or in a world of independent telemetry a shadow of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.firms.obligors import Firms, Health, draw_health
from simulator.parameter_values import HealthParameters
from simulator.streams import Streams

Floats = NDArray[np.float64]

SHADOW_BLOCKS = 1_000_000
"""Shadow draws are those of blocks that no world has."""


def at_work(
    block: int,
    firms: Firms,
    health: Health,
    *,
    states: Floats,
    is_independent: bool,
    parameters: HealthParameters,
    streams: Streams,
) -> tuple[Firms, Health]:
    """(firms, health) as orders, working time and maintenance see them; `states` are their industries' (by month).

    Where telemetry is independent of default, quality and health are drawn anew from the same laws.
    """
    if not is_independent:
        return firms, replace(health, industry_state=states[firms.industry])
    shadow = SHADOW_BLOCKS + block
    quality = parameters.quality_sd * streams.of("firm.quality", shadow).standard_normal(len(firms))
    return (
        replace(firms, quality=quality),
        draw_health(shadow, firms, states=states, health=parameters, streams=streams),
    )
