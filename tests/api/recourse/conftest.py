"""One small home for all tests of recourse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from recourse_world import RecourseWorld, around

from api.database.engine import unit_of_work
from api.home import Home
from api.obligors.repository import all_ids
from api.snapshots.service import feature_parameters, reader
from benchmarks import small_home
from data_contracts.identifiers import ObligorId
from features.what_if import what_if


@pytest.fixture(scope="session")
def recourse_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = small_home.build(tmp_path_factory.mktemp("recourse"), obligors=4, months=16)
    yield home
    home.engine.dispose()


@pytest.fixture(scope="session")
def world(recourse_home: Home) -> RecourseWorld:
    with unit_of_work(recourse_home.engine) as connection:
        source = reader(connection, recourse_home)
        firms = tuple(
            what_if(source, obligor_id=ObligorId(firm), as_of=small_home.AS_OF, parameters=feature_parameters())
            for firm in all_ids(connection)
        )
    return RecourseWorld(home=recourse_home, firms=firms, model=around([firm.base for firm in firms]))
