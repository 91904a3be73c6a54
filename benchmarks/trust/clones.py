"""Machines planted at a second obligor: the one fraud that the simulator does not commit, made of told days."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.data_trust.engine import BETWEEN, examine_between
from features.data_trust.fingerprints import keyed_traces
from features.data_trust.nulls import TrustSettings
from features.data_trust.told import Told

Floats = NDArray[np.float64]

KEY = b"a key of the benchmark's own"
PAIRS, CLONED_DAYS, LEAST_WORK_DAYS = 8, 182, 60


def planted(told: Told, *, seed: int) -> tuple[Told, list[int]]:
    """What is told once `PAIRS` machines tell, over the last half-year, the days of machines of other obligors; and the
    positions of the obligors that do so. Every machine and obligor takes part once at most."""
    random = np.random.default_rng(seed)
    works = (np.nan_to_num(told.measures["executing_seconds"][:, -CLONED_DAYS:]) > 0).sum(axis=1)
    _, first = np.unique(told.owner, return_index=True)
    usable = random.permutation(first[works[first] >= LEAST_WORK_DAYS])
    count = min(PAIRS, len(usable) // 2)
    sources, copies = usable[:count], usable[count : 2 * count]
    measures = {name: values.copy() for name, values in told.measures.items()}
    for values in measures.values():
        values[copies, -CLONED_DAYS:] = values[sources, -CLONED_DAYS:]
    return replace(told, measures=measures), told.owner[copies].tolist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How strongly obligors stand out by fingerprints alone: those with a planted machine, and, before any was planted,
    everybody."""

    planted: Floats
    honest: Floats


def swept(told: Told, settings: TrustSettings, *, seed: int) -> Sweep:
    """What a sweep makes of an honest book, and of the same book with planted machines."""
    copied, who = planted(told, seed=seed)
    honest, seen = (
        examine_between(book, settings, keyed_traces([book], KEY)).strengths[BETWEEN.name] for book in (told, copied)
    )
    return Sweep(planted=np.asarray(seen[who]), honest=honest[~np.isnan(honest)])
