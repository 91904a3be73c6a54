"""The order of keys, with and without equal ones."""

from __future__ import annotations

import numpy as np
import pytest

from features.data_trust.order import stable_order


@pytest.mark.parametrize("most", [1, 3, 50, 2**63])
@pytest.mark.parametrize("count", [0, 1, 2, 1_000])
def test_stable(count: int, most: int) -> None:
    keys = np.random.default_rng(count).integers(0, most, count, dtype=np.uint64)
    assert stable_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()
