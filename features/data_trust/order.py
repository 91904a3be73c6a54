"""Sorting keys of days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stable_order(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """`np.argsort(keys, kind="stable")`, five times as fast where most keys are alone: an unstable sort is done by
    vector instructions, and only what it left together is put in order afterwards."""
    assert len(keys) < 2**31, "a run and a place fit into one number"
    order = np.argsort(keys)
    again = np.diff(keys[order]) == 0
    tied = np.flatnonzero(np.append(again, False) | np.insert(again, 0, False))
    if len(tied):
        run = np.cumsum(np.insert(~again, 0, True))[tied]
        order[tied] = np.sort(run * np.int64(len(keys)) + order[tied]) % len(keys)
    return order
