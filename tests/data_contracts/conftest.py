"""Doors to admit through, mappings to vary, and a PostgreSQL server from a wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import Door, new_door, sample_mapping

from benchmarks.postgresql import postgresql as server_in
from data_contracts.contract import RecordKind
from data_contracts.mapping import Mapping as SourceMapping
from data_contracts.mapping import load_mapping
from data_contracts.observations.tables import metadata

ON_BOTH_DATABASES = {
    "test_admission",
    "test_observation_reader",
    "test_store_and_register",
    "test_compaction",
    "test_erasure",
    "test_quarantine",
}
"""Modules whose doors open on SQLite and on PostgreSQL; the others open on SQLite."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Which databases a test's doors open on."""
    if "database" in metafunc.fixturenames:
        both = metafunc.module.__name__ in ON_BOTH_DATABASES
        metafunc.parametrize("database", ["sqlite", "postgresql"] if both else ["sqlite"])


@pytest.fixture
def doors(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], Door]]:
    """As many fresh doors as a test wants."""
    opened: list[tuple[sa.Engine, Door]] = []
    server = request.getfixturevalue("postgresql_server") if database == "postgresql" else None

    def another() -> Door:
        folder = tmp_path / f"door{len(opened)}"
        folder.mkdir()
        opened.append(new_door(folder, server))
        return opened[-1][1]

    yield another
    for engine, door in opened:
        door.connection.close()
        engine.dispose()


@pytest.fixture
def door(doors: Callable[[], Door]) -> Door:
    """A fresh door."""
    return doors()


@pytest.fixture
def mapping_with() -> Callable[..., SourceMapping]:
    """The plain gateway's mapping with some keys changed."""
    return sample_mapping


@pytest.fixture
def canonical() -> Callable[..., SourceMapping]:
    """The shipped canonical mapping of a kind, with some keys changed."""

    def of(kind: RecordKind, **changes: Any) -> SourceMapping:
        return load_mapping(f"canonical_{kind}").model_copy(update=changes)

    return of


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """A PostgreSQL server of this session's own, with the register's tables."""
    with server_in(tmp_path_factory.mktemp("register")) as url:
        engine = sa.create_engine(url)
        metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def postgresql(postgresql_server: sa.Engine) -> sa.Engine:
    """The register on PostgreSQL, empty."""
    with postgresql_server.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return postgresql_server
