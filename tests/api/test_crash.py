"""A server killed under load: what it acknowledged is there, once. `benchmarks.crash` does the same two thousand times."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from api.home import Home, open_home
from api.main import create_app
from benchmarks.crash import by_command
from benchmarks.crash.inspect import Inspector, broken_roots, rows_kept
from benchmarks.crash.over_http import PATH, body, gateway_key, run, verify
from data_contracts.observations.tables import batch, observation_file, observation_file_batch

KILLS_OF_COMMANDS = 14
KILLS = {"sqlite": 7, "postgresql": 3}


@pytest.mark.parametrize("database", KILLS)
def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    url = None if database == "sqlite" else request.getfixturevalue("empty_postgresql_url")
    outcome = run(tmp_path, kills=KILLS[database], seed=3, database_url=url)
    assert outcome.acknowledged >= 4 * (KILLS[database] + 1)
    assert (outcome.lost, outcome.doubled, outcome.inconsistent) == (0, 0, 0)


def test_commands_that_were_killed_left_nothing_half(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    told = by_command.Operator(home, tmp_path, seed=5, database_url=None).run(KILLS_OF_COMMANDS)
    assert (told.kills, told.inconsistent, told.faults) == (KILLS_OF_COMMANDS, 0, [])
    assert told.files
    assert told.compactions
    assert 0 < told.compaction_kills < told.kills
    assert "Recovered: 1 ended without order" in (tmp_path / "commands.log").read_text()
    kept = rows_kept(home)
    assert {kept[key] for number in told.files for key in by_command.keys(number)} == {1}
    assert broken_roots(home) == 0
    home.engine.dispose()


def test_the_inspection_sees_what_is_wrong(acknowledged: tuple[Home, dict[str, bytes]]) -> None:
    home, _ = acknowledged
    assert Inspector(home).faults() == []
    with home.engine.begin() as connection:
        path = connection.scalars(sa.select(observation_file.c.path)).first()
        assert path is not None
        connection.execute(sa.update(batch).values(rows_admitted=4, rows_read=4))
    (home.observations / path).write_bytes(b"other")
    told = " ".join(Inspector(home).faults())
    assert "has other bytes" in told
    assert "admitted 4 rows and files hold 3" in told


@pytest.fixture
def acknowledged(tmp_path: Path) -> tuple[Home, dict[str, bytes]]:
    """A home with two batches, and what their sender was told."""
    home = open_home(tmp_path / "home")
    return home, asyncio.run(sent(home, gateway_key(home)))


async def sent(home: Home, key: str) -> dict[str, bytes]:
    """The answers to two batches."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    transport, told = httpx.ASGITransport(app=create_app(home)), {}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        for number in (0, 1):
            name = f"0-{number}"
            answer = await client.post(PATH, content=body(0, number), headers={"Idempotency-Key": name})
            assert answer.status_code == 201
            told[name] = answer.content
    return told


def test_what_is_whole_is_found_whole(acknowledged: tuple[Home, dict[str, bytes]]) -> None:
    assert verify(*acknowledged) == (0, 0)


def test_a_batch_that_is_gone_is_found_lost(acknowledged: tuple[Home, dict[str, bytes]]) -> None:
    home, told = acknowledged
    with home.engine.begin() as connection:
        path = connection.scalars(sa.select(observation_file.c.path)).first()
        gone = sa.select(observation_file.c.sha256).where(observation_file.c.path == path)
        connection.execute(observation_file_batch.delete().where(observation_file_batch.c.sha256.in_(gone)))
        connection.execute(observation_file.delete().where(observation_file.c.path == path))
    assert verify(home, told) == (1, 0)


def test_an_answer_that_was_not_kept_is_found_lost(acknowledged: tuple[Home, dict[str, bytes]]) -> None:
    home, told = acknowledged
    assert verify(home, {**told, "0-1": told["0-1"] + b" "}) == (1, 0)


def test_rows_that_are_there_twice_are_found(acknowledged: tuple[Home, dict[str, bytes]]) -> None:
    home, told = acknowledged
    with home.engine.begin() as connection:
        row = connection.execute(sa.select(observation_file).limit(1)).one()
        again = {**row._mapping, "sha256": "0" * 64, "path": f"{row.path}.again"}
        connection.execute(observation_file.insert().values(again))
    shutil.copy(home.observations / row.path, home.observations / again["path"])
    assert verify(home, told) == (0, 1)
