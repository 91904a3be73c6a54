"""A book read by several processes is the book read by one, and reading it keeps no writer waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import simulator
from api.database.engine import reading, unit_of_work
from api.home import Home, open_home
from api.processes import processes_of
from api.snapshots.service import feature_parameters, reader
from api.telemetry.service import ingest_folder
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import source_profile
from features import blocks
from features.grid.matrices import feature_grid
from features.history import Level
from features.matrix import FeatureMatrix
from features.peer_loading import load_peer_reference
from features.snapshot_book import snapshot_book
from tests.golden_world import AS_OF, NOW

AS_OFS = [AS_OF - timedelta(days=60), AS_OF]
PER_BLOCK = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("processes")
    simulator.simulate(out=folder / "files", obligors=8, months=14, machines_per_obligor=2.0, seed=3, samples_for=0)
    home = open_home(folder / "home")
    ingest_folder(home, folder / "files", received_time=NOW, progress=lambda *_: None)
    yield home
    home.engine.dispose()


@pytest.fixture(autouse=True)
def every_block_is_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WORTH_A_PROCESS", 1)


def grid(home: Home, level: Level, processes: int) -> dict[datetime, FeatureMatrix]:
    with reading(home.engine) as connection:
        return feature_grid(
            reader(connection, home),
            as_ofs=AS_OFS,
            level=level,
            parameters=feature_parameters(),
            obligors_per_block=PER_BLOCK,
            processes=processes_of(home, processes),
        )


@pytest.mark.parametrize("level", Level)
def test_a_grid_by_processes_is_the_same(home: Home, level: Level) -> None:
    alone, together = grid(home, level, 1), grid(home, level, 2)
    assert list(alone) == list(together) == AS_OFS
    for as_of, one in alone.items():
        assert len(one.units) > PER_BLOCK
        for field in fields(FeatureMatrix):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(together[as_of], field.name))


def test_snapshots_and_peers_by_processes_are_the_same(home: Home) -> None:
    found = []
    for count in (1, 2):
        with reading(home.engine) as connection:
            source = reader(connection, home)
            firms = [ObligorId(word) for word in source.obligor_profiles(as_of=AS_OF)["obligor_id"].to_pylist()]
            asked = {"obligor_ids": firms, "as_of": AS_OF, "parameters": feature_parameters()}
            processes = processes_of(home, count)
            peers = load_peer_reference(source, processes=processes, firms_per_block=PER_BLOCK, **asked)
            book = snapshot_book(
                source,
                processes=processes,
                obligors_per_block=PER_BLOCK,
                blocks_per_stretch=1,
                peers=peers,
                **asked,
            )
            found.append([snapshot.canonical() for snapshot in book])
    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_a_reader_keeps_no_writer_waiting_and_sees_one_state(home: Home) -> None:
    count = sa.select(sa.func.count()).select_from(source_profile)
    with reading(home.engine) as connection:
        before = connection.scalar(count)
        with unit_of_work(home.engine) as writing:
            writing.execute(sa.insert(source_profile).values(profile_id="0" * 64, canonical="{}"))
        assert connection.scalar(count) == before
    with unit_of_work(home.engine) as writing:
        assert writing.scalar(count) == before + 1
        writing.execute(sa.delete(source_profile).where(source_profile.c.profile_id == "0" * 64))


def test_a_reader_sees_one_state_on_postgresql_too(empty_postgresql_url: str, tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", database_url=empty_postgresql_url)
    count = sa.select(sa.func.count()).select_from(source_profile)
    with reading(home.engine) as connection:
        before = connection.scalar(count)
        with unit_of_work(home.engine) as writing:
            writing.execute(sa.insert(source_profile).values(profile_id="0" * 64, canonical="{}"))
        assert connection.scalar(count) == before
    with reading(home.engine) as connection:
        assert connection.scalar(count) == before + 1
    home.engine.dispose()
