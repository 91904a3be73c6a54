"""The nulls of the comparisons: how large each statistic is among honest units, from worlds in which all are honest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.data_trust.engine import BETWEEN, measure
from features.data_trust.fingerprints import cloned_between_obligors, keyed_traces
from features.data_trust.told import Told

TAILS = (1e-1, 1e-2, 1e-3, 1e-4)
LEAST_BEYOND = 4
"""Units that must lie beyond a point of the null for it to be stated."""

IN_STEPS = (BETWEEN.name,)
"""Comparisons that count shared days: hardly a unit lies between one, two and three of them, and a straight line from
one point to the next would call what lies there rarer than it is."""
FINE_TAILS = tuple(10.0 ** -(1.0 + at / 20) for at in range(61))
WIDTH_OF_EDGE = 1.0
"""Of one step, in the statistic: what a day more or less of work makes of the same number of shared days."""
MOST_ABOVE, MOST_BELOW = 0.02, 0.05
"""How far the strength of a null with fewer points may lie above and below that of all of them."""

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
    return {
        name: (_steps if name in IN_STEPS else _points)(np.concatenate(values)) for name, values in together.items()
    }


def _points(values: Floats) -> dict[str, list[float]]:
    points = [
        (float(np.quantile(values, 1.0 - tail)), -float(np.log10(tail)))
        for tail in TAILS
        if tail * len(values) >= LEAST_BEYOND
    ]
    return _stated(points)


def _steps(values: Floats) -> dict[str, list[float]]:
    """The same of a comparison in steps: at the edges of its steps what share of units goes so far, by few points."""
    edges = [
        float(np.quantile(values, 1.0 - tail, method="higher"))
        for tail in FINE_TAILS
        if tail * len(values) >= LEAST_BEYOND
    ]
    points = [(edge, -float(np.log10((values >= edge).mean()))) for edge in sorted({*edges} - {0.0})]
    stated = _few([(0.0, 0.0), *points])[1:]
    # Beyond the last point a null goes on with its last slope: that from one step to the next, not that of a step's edge.
    is_edge = len(stated) > 2 and stated[-1][0] - stated[-2][0] < WIDTH_OF_EDGE
    return _stated([*stated[:-2], stated[-1]] if is_edge else stated)


def _few(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Some of the points, between which a straight line stays close to the others: from each on to the farthest."""
    kept, last = [0], len(points) - 1
    while kept[-1] < last:
        start = kept[-1]
        kept.append(next(end for end in range(last, start, -1) if _is_close(points[start : end + 1])))
    return [points[at] for at in kept]


def _is_close(points: Sequence[tuple[float, float]]) -> bool:
    x, y = np.array(points).T
    above = np.interp(x, x[[0, -1]], y[[0, -1]]) - y
    return bool(above.max() <= MOST_ABOVE and above.min() >= -MOST_BELOW)


def _stated(points: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    rising = [point for at, point in enumerate(points) if point[0] > max([0.0, *(before[0] for before in points[:at])])]
    return {"statistic": [round(point[0], 4) for point in rising], "strength": [round(point[1], 2) for point in rising]}
