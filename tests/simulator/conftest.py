"""A small world, simulated once for all tests that only read it."""

from __future__ import annotations

import pytest
from written_world import WrittenWorld

from simulator import simulate


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> WrittenWorld:
    """60 firms over 15 months; samples of 12 of them over the last 60 days."""
    folder = tmp_path_factory.mktemp("worlds") / "small"
    summary = simulate(obligors=60, months=15, seed=3, out=folder, samples_for=12, sample_days=60)
    return WrittenWorld(folder, summary)
