"""A command line without a new process for each call, on a home of its own; a PostgreSQL server from a wheel."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import simulator
from api import cli
from api.home import Home, open_home
from api.models import service as models
from api.scores import service as scores
from api.telemetry import service as telemetry
from benchmarks.postgresql import postgresql
from scoring.records import ScoreRecord
from tests.golden_world import AS_OF, NOW, WORLD

OBLIGOR = "91999999MA0000001N"


@dataclass
class Ran:
    """What a command did."""

    exit_code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `millgrade` with the arguments given, on the test's own home."""

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["millgrade", *map(str, arguments), "--home", str(home)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of this test session's own."""
    with postgresql(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql_url: str) -> str:
    """The same server with nothing in its database; what a test left there is gone."""
    engine = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return postgresql_url


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, list[ScoreRecord]]]:
    """A home with the golden world ingested, both models trained, everybody scored."""
    folder = tmp_path_factory.mktemp("world")
    simulator.simulate(out=folder / "files", **WORLD)  # type: ignore[arg-type]
    home = open_home(folder / "home")
    results = telemetry.ingest_folder(home, folder / "files", received_time=NOW, progress=lambda *_: None)
    assert sum(result.rows_quarantined for result in results) == 0
    models.train_credit(home, as_of=AS_OF)
    models.train_insurance(home, as_of=AS_OF)
    yield home, scores.score_all(home, as_of=AS_OF, now=NOW)
    home.engine.dispose()
