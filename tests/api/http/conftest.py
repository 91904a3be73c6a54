"""One small world a module, built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from http_world import World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A home with models, behind its app."""
    made = make_world(tmp_path_factory.mktemp("http"))
    yield made
    made.close()
