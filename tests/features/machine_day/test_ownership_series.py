"""Whose each sample or report is, against a look at one row after another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from features.machine_day.ownership import FIRST_SAMPLE, FOREVER, Ownership, series_of


def drawn(random: np.random.Generator, machines: int, until: int) -> Ownership:
    """Some machines with some owners one after the other, some of nobody in between."""
    rows = []
    for machine in range(machines):
        bounds = np.unique(random.integers(0, until, 2 * random.integers(0, 4)))
        spans = bounds[: len(bounds) // 2 * 2].reshape(-1, 2).tolist()
        for number, (start, end) in enumerate(spans):
            begins = FIRST_SAMPLE if number == 0 and random.random() < 0.3 else start
            ends = FOREVER if number == len(spans) - 1 and random.random() < 0.5 else end
            rows.append((f"M{machine}", begins, ends))
    starts, ends = (np.array([row[place] for row in rows], dtype=np.int64) for place in (1, 2))
    return Ownership(tuple(row[0] for row in rows), ("O",) * len(rows), starts, ends)


@pytest.mark.parametrize("until", [50, 10**6, 2 * 10**18])
@pytest.mark.parametrize("seed", range(10))
def test_series(seed: int, until: int) -> None:
    """The longest times leave room for few machines in one number."""
    random = np.random.default_rng(seed)
    ownership = drawn(random, 8, until)
    machine, instant = random.integers(0, 10, 80), random.integers(0, until, 80)
    found = series_of(ownership, pa.chunked_array([pa.array([f"M{at}" for at in machine])]), instant)
    for row in range(80):
        own = [
            at
            for at, uid in enumerate(ownership.machine_uids)
            if uid == f"M{machine[row]}" and ownership.starts[at] <= instant[row] < ownership.ends[at]
        ]
        assert found[row] == (own[0] if own else -1)


def test_no_row_and_no_owner() -> None:
    nobody = Ownership((), (), np.empty(0, np.int64), np.empty(0, np.int64))
    words = pa.chunked_array([pa.array(["M1"])])
    assert series_of(nobody, words, np.array([5])).tolist() == [-1]
    assert series_of(nobody, words.slice(0, 0), np.empty(0, np.int64)).tolist() == []
