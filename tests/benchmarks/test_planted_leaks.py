"""Leaks that lie in the data, from files to findings: base is as it was known then, a backfilled world is not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.worlds.built import CALIBRATE, BuiltWorld, built, known_by, month_end, offered_features
from features.catalogue import CATALOGUE
from scoring.training.leakage import Detector, as_known_then

OBLIGORS = 60
OFTEN = 0.15
"""Share of firms whose features a careless builder gets wrong."""
AS_OF = month_end(CALIBRATE[-1])


@pytest.fixture(scope="module", params=["base", "leak/backfilled_telemetry"])
def world(request: pytest.FixtureRequest) -> Iterator[BuiltWorld]:
    """A small world, taken in."""
    with built(request.param, seed=9, obligors=OBLIGORS, machines_per_obligor=1.0) as made:
        yield made


def test_the_pipeline_knows_what_was_known_and_a_careless_builder_more(world: BuiltWorld) -> None:
    units, offered = offered_features(world.home, AS_OF)
    seen_later, hindsight = offered_features(world.home, AS_OF, hindsight=True)
    chosen = list(units[:30])
    with known_by(world, AS_OF, chosen) as home:
        found, recomputed = offered_features(home, AS_OF)
    assert list(found) == chosen
    assert as_known_then(offered[:30], recomputed, tuple(CATALOGUE)) == []
    rows = [list(seen_later).index(unit) for unit in chosen]
    findings = as_known_then(hindsight[rows], recomputed, tuple(CATALOGUE))
    assert {finding.detector for finding in findings} <= {Detector.AS_KNOWN_THEN}
    changed = np.mean([finding.value for finding in findings]) if findings else 0.0
    # in base, too, some gateways fall behind for days
    assert (changed > OFTEN) == (world.summary.world == "leak/backfilled_telemetry")
