"""How much of the time of honest firms nobody observes: `python -m benchmarks.trust.unobserved SEED ...`.

A grade that took what was not told at its worst would speak of this and of nothing else (docs/withholding.md). Printed
is the share of honest obligors of whom more than some share of the machine time of two years was not observed, and of
those with a machine-day of which nothing was: one such day can hold what a severe finding rests on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.trust.worlds import build
from data_contracts.vocabulary import ELEMENTS
from features.data_trust.told import Told

ALLOWANCES = (0.0, 0.01, 0.02, 0.05, 0.1)
WHOLE = 0.999
"""Share of a day: what a day of summer time or a rounding leaves out is no word."""
SECONDS_PER_DAY = 86_400.0

Floats = NDArray[np.float64]


def unobserved(told: Told) -> tuple[Floats, Floats]:
    """(obligor,): the share of the machine time, from each machine's first machine-day to its last, that was not
    observed, and on how many machine-days nothing was; obligors without machine-days are left out."""
    unknown = told.measures["unknown_seconds"]
    said = ~np.isnan(unknown)
    length = np.where(said, sum(told.measures[name] for name in ELEMENTS), SECONDS_PER_DAY)
    between = said.cumsum(axis=1).astype(bool) & said[:, ::-1].cumsum(axis=1)[:, ::-1].astype(bool)
    hidden = np.where(said, unknown, length) * between
    heard = told.by_obligor(said.astype(np.float64)).sum(axis=1) > 0
    silent = between & (hidden >= WHOLE * length)
    share = told.by_obligor(hidden).sum(axis=1)[heard] / told.by_obligor(length * between).sum(axis=1)[heard]
    return share, told.by_obligor(silent.astype(np.float64)).sum(axis=1)[heard]


def figures(worlds: Sequence[tuple[Floats, Floats]]) -> dict[str, float]:
    """The shares of all obligors of these worlds."""
    share, days = (np.concatenate(parts) for parts in zip(*worlds, strict=True))
    return {
        "honest_obligors": len(share),
        **{f"more_than_{allowed:g}_unobserved": float((share > allowed).mean()) for allowed in ALLOWANCES},
        "with_a_silent_machine_day": float((days > 0).mean()),
    }


def main() -> None:
    """Print the figures of honest worlds of these seeds."""
    worlds = [unobserved(build(seed=int(seed)).told[-1]) for seed in sys.argv[1:]]
    print(json.dumps(figures(worlds), indent=1))


if __name__ == "__main__":
    main()
