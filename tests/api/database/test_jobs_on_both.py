"""Jobs on SQLite and PostgreSQL: claimed by one worker at a time, and a night whose worker is killed is done once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import watch_case, watch_day, watch_event
from api.home import Home, open_home
from api.jobs import repository as jobs
from api.jobs import service
from api.obligors import service as registration
from data_contracts.identifiers import ObligorId
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
FIRMS = [ObligorId(f"91999999MA00{number:05}X") for number in range(12)]

DYING_WORKER = """
import os, signal, sys
from pathlib import Path
from test_jobs_on_both import NOW, night
from api.home import open_home
from api.jobs import service
from api.watch import service as watching

watching.found_by_night, watching.BLOCK = night, 3
finish, begun = watching.cases.finish, []

def die(*args, **more):
    finish(*args, **more)
    begun.append(1)
    if len(begun) == 3:  # in the middle of the third block's transaction, after all of its rows
        os.kill(os.getpid(), signal.SIGKILL)

watching.cases.finish = die
service.work(open_home(Path(sys.argv[1]), database_url=sys.argv[2]), clock=lambda: NOW, worker="first")
"""


def night(
    _connection: sa.Connection, _home: Home, firms: list[ObligorId], **_: object
) -> dict[str, list[EarlyWarning]]:
    """Every other firm is weak."""
    return {
        firm: [
            EarlyWarning(
                unit=firm,
                day=date(2026, 6, 30),
                code=WarningCode.WEAK_PRODUCTION,
                severity=Severity.SERIOUS,
                strength=2.0,
                evidence={},
            )
        ]
        for firm in sorted(firms)[::2]
    }


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(service.watching, "found_by_night", night)
    monkeypatch.setattr(service.watching, "BLOCK", 3)
    home = open_home(tmp_path / "home", database_url=database_url)
    with home.engine.begin() as connection:
        registration.register(connection, FIRMS, now=NOW)
        service.queue_watch(connection, as_of=AS_OF, now=NOW)
    yield home
    home.engine.dispose()


def rows(home: Home, table: sa.Table) -> int:
    with home.engine.begin() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_a_job_is_queued_once_and_done_once(home: Home) -> None:
    with unit_of_work(home.engine) as connection:
        again = service.queue_watch(connection, as_of=AS_OF.astimezone(), now=NOW + timedelta(hours=1))
    ended = service.work(home, clock=lambda: NOW)
    assert [(item["job_id"], item["state"], item["attempts"]) for item in ended] == [(again["job_id"], "done", 1)]
    assert ended[0]["result"] | {"parameters_version": ""} == {
        "day": "2026-06-30", "obligors": 12, "obligors_watched_now": 12, "warnings": 6, "parameters_version": "",
        "news": 6, "cases": 6, "watch_list": 0,
    }  # fmt: skip
    assert service.work(home, clock=lambda: NOW + timedelta(days=1)) == []


def test_of_many_workers_one_has_it(home: Home) -> None:
    def claim(worker: int) -> bool:
        with unit_of_work(home.engine) as connection:
            told = jobs.claim(connection, worker=f"w{worker}", now=NOW, lease_until=NOW + timedelta(minutes=1))
            return told is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_a_killed_worker_leaves_nothing_half_done_and_the_next_misses_nothing(
    home: Home, tmp_path: Path, database_url: str
) -> None:
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    killed = subprocess.run(
        [sys.executable, "-c", DYING_WORKER, str(tmp_path / "home"), database_url],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert rows(home, watch_day) == 6  # two blocks of three are kept, the third is as if it had never begun
    assert rows(home, watch_case) == rows(home, watch_event) == 3
    assert service.work(home, clock=lambda: NOW) == []  # its lease runs still
    (ended,) = service.work(home, clock=lambda: NOW + timedelta(minutes=11))
    assert (ended["state"], ended["attempts"], ended["result"]["obligors_watched_now"]) == ("done", 2, 6)
    assert rows(home, watch_day) == 12
    assert rows(home, watch_case) == rows(home, watch_event) == 6


def test_who_lost_its_lease_says_nothing_more(home: Home) -> None:
    with unit_of_work(home.engine) as connection:
        first = jobs.claim(connection, worker="slow", now=NOW, lease_until=NOW)
        assert first is not None
    later = NOW + timedelta(minutes=1)
    with unit_of_work(home.engine) as connection:
        assert jobs.claim(connection, worker="next", now=later, lease_until=later + timedelta(minutes=1)) is not None
        told = jobs.tell(connection, first.job_id, worker="slow", done=1, total=2, lease_until=later)
        jobs.finish(connection, first.job_id, worker="slow", state=jobs.JobState.DONE, result={}, error=None, now=later)
        assert (told, jobs.load(connection, first.job_id).state) == (False, "running")


def test_a_job_that_fails_says_why_and_can_be_queued_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(service.watching, "found_by_night", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            service.work(home, clock=lambda: NOW)
    with unit_of_work(home.engine) as connection:
        (failed,) = jobs.listed(connection, limit=5)
        assert (failed.state, failed.error) == ("failed", "ZeroDivisionError: division by zero")
        assert jobs.requeue(connection, failed.job_id).state == "queued"
    assert [item["state"] for item in service.work(home, clock=lambda: NOW)] == ["done"]
