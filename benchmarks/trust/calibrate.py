"""The nulls of the comparisons: how large each statistic is among honest units, from worlds in which all are honest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from features.data_trust.engine import BETWEEN, measure
from features.data_trust.fingerprints import cloned_between_obligors, keyed_traces
from features.data_trust.told import Told

TAILS = (1e-1, 1e-2, 1e-3, 1e-4)
LEAST_BEYOND = 4
"""Units that must lie beyond a point of the null for it to be stated."""

KEY = b"any key: its prints are thrown away"

Floats = NDArray[np.float64]


def statistics(told: Told) -> dict[str, Floats]:
    """Every comparison's statistic of every unit that could be compared."""
    measured = measure(told)
    measured[BETWEEN] = cloned_between_obligors(told, keyed_traces([told], KEY))
    found = {check.name: one.statistic for check, one in measured.items()}
    return {name: values[~np.isnan(values)] for name, values in found.items()}


def nulls(worlds: Iterable[Mapping[str, Floats]]) -> dict[str, dict[str, list[float]]]:
    """By comparison the statistic that a tenth, a hundredth, ... of honest units exceed, as far as there are enough
    units to say so; empty where even one in ten thousand shows nothing."""
    together: dict[str, list[Floats]] = defaultdict(list)
    for world in worlds:
        for name, values in world.items():
            together[name].append(values)
    return {name: _points(np.concatenate(values)) for name, values in together.items()}


def _points(values: Floats) -> dict[str, list[float]]:
    points = [
        (float(np.quantile(values, 1.0 - tail)), -float(np.log10(tail)))
        for tail in TAILS
        if tail * len(values) >= LEAST_BEYOND
    ]
    rising = [point for at, point in enumerate(points) if point[0] > max([0.0, *(before[0] for before in points[:at])])]
    return {"statistic": [round(point[0], 4) for point in rising], "strength": [round(point[1], 2) for point in rising]}
