"""One world for every test of the manufacturer's page; a fresh visitor and clock for each."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from portal_world import Clock, PortalWorld, Visitor, build_world, visit


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    built = build_world(tmp_path_factory.mktemp("portal"))
    yield built
    built.home.engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visitor(world: PortalWorld, clock: Clock) -> Visitor:
    return visit(world.home, clock=clock)


@pytest.fixture
def user(world: PortalWorld) -> str:
    """A sign-in of this test alone, for the graded firm."""
    name = uuid4().hex
    world.add_user(world.graded, name)
    return name
