"""Group commit: whoever comes in together is committed together, and fails alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import api.group_commit
from api.database.engine import unit_of_work
from api.errors import IntakeBusy
from api.evidence.service import record_batch
from api.group_commit import GroupCommit, Member
from api.home import Home, open_home
from api.snapshots.service import reader
from benchmarks.crash.inspect import Inspector
from data_contracts.adapters.source import source_of
from data_contracts.admission import AdmissionResult, enter, prepare
from data_contracts.contract import RecordKind
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import Mapping, load_mapping
from data_contracts.observations.gathering import Gathering
from data_contracts.observations.tables import batch, observation_file, observation_file_batch

OBLIGOR = ObligorId("91999999MA0000001N")
HEAD = "machine_uid,event_time,item_state,operation_mode,power_kw\n"
START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 5, 5, tzinfo=UTC)
MAPPING: Mapping = load_mapping("canonical_sample").model_copy(update={"recorded_time": "now", "format": "csv"})


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Iterator[Home]:
    made = open_home(tmp_path / "home", database_url=database_url)
    yield made
    made.engine.dispose()


def text(machine: str, minutes: range, power: float = 1.0) -> bytes:
    rows = [
        f"{OBLIGOR}/{machine},{(START + timedelta(minutes=minute)).isoformat()},Executing,None,{power}"
        for minute in minutes
    ]
    return (HEAD + "\n".join(rows) + "\n").encode()


def admission(content: bytes, *, now: datetime = NOW) -> Member[AdmissionResult]:
    prepared = prepare(source_of("request.csv", content), MAPPING, obligor=OBLIGOR, received_time=now)

    def member(connection: sa.Connection, gathered: Gathering) -> AdmissionResult:
        result = enter(connection, gathered, prepared, received_time=now)
        record_batch(connection, result.batch_id, now=now)
        return result

    return member


def failing_after(member: Member[Any], error: Exception) -> Member[Any]:
    def failed(connection: sa.Connection, gathered: Gathering) -> None:
        member(connection, gathered)
        raise error

    return failed


class Together:
    """Has members wait behind one that is at work, so that they come into one group, in this order."""

    def __init__(self, home: Home) -> None:
        self.intake = GroupCommit(home)

    def __call__(self, *members: Member[Any]) -> list[Any]:
        is_in, may_go = threading.Event(), threading.Event()

        def first(_connection: sa.Connection, _gathered: Gathering) -> None:
            is_in.set()
            assert may_go.wait(30)

        with ThreadPoolExecutor(len(members) + 1) as pool:
            leading = pool.submit(self.intake.commit, first)
            assert is_in.wait(30)
            waiting = []
            for count, member in enumerate(members, start=1):
                waiting.append(pool.submit(self.intake.commit, member))
                until(lambda count=count: len(self.intake._waiting) == count)
            may_go.set()
            leading.result()
            return [job.exception() or job.result() for job in waiting]


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to be")


def kept(home: Home, column: sa.Column[Any]) -> list[Any]:
    with home.engine.connect() as connection:
        return list(connection.scalars(sa.select(column)))


def rows(home: Home) -> list[dict[str, Any]]:
    with unit_of_work(home.engine) as connection:
        found = reader(connection, home).rows(
            RecordKind.SAMPLE, as_of=NOW + timedelta(days=1), columns=("machine_uid", "event_time", "power_kw")
        )
        return found.to_pylist()


def test_batches_that_come_together_share_one_file_and_keep_their_names(home: Home) -> None:
    results = Together(home)(*[admission(text("M1", range(n, n + 1))) for n in range(5)])
    assert [result.rows_admitted for result in results] == [1] * 5
    assert len(kept(home, observation_file.c.sha256)) == 1
    assert kept(home, observation_file.c.rows) == [5]
    assert sorted(kept(home, observation_file_batch.c.batch_id)) == sorted(result.batch_id for result in results)
    assert len(rows(home)) == 5
    assert Inspector(home).faults() == []


def test_a_member_that_fails_leaves_its_neighbours_alone(home: Home) -> None:
    wrong = failing_after(admission(text("M1", range(1, 2))), NotFound("nothing"))
    before, failed, after = Together(home)(admission(text("M1", range(1))), wrong, admission(text("M1", range(2, 3))))
    assert isinstance(failed, NotFound)
    assert sorted(kept(home, batch.c.batch_id)) == sorted([before.batch_id, after.batch_id])
    assert [row["event_time"].minute for row in rows(home)] == [0, 2]
    assert Inspector(home).faults() == []


def test_a_database_error_of_one_member_is_its_own(home: Home) -> None:
    def wrong(connection: sa.Connection, _gathered: Gathering) -> None:
        connection.execute(sa.text("SELECT * FROM no_such_table"))

    failed, after = Together(home)(wrong, admission(text("M1", range(1))))
    assert isinstance(failed, sa.exc.DBAPIError)
    assert kept(home, batch.c.batch_id) == [after.batch_id]


def test_a_repetition_within_the_group_is_a_duplicate_and_other_content_a_correction(home: Home) -> None:
    first, again, other = Together(home)(
        admission(text("M1", range(3))),
        admission(text("M1", range(4))),
        admission(text("M1", range(1), power=9.0), now=NOW + timedelta(seconds=1)),
    )
    assert (first.rows_admitted, again.rows_admitted, again.rows_duplicate) == (3, 1, 3)
    assert (other.rows_admitted, other.rows_duplicate) == (1, 0)
    assert kept(home, observation_file.c.merges) == [True]
    assert [row["power_kw"] for row in rows(home)] == [9.0, 1.0, 1.0, 1.0]


def test_what_one_group_wrote_the_next_one_knows(home: Home) -> None:
    together = Together(home)
    together(admission(text("M1", range(3))), admission(text("M2", range(3))))
    known, new = together(admission(text("M1", range(3))), admission(text("M3", range(3))))
    assert (known.rows_duplicate, new.rows_admitted) == (3, 3)


def test_a_group_that_cannot_be_written_fails_whole_and_leaves_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("data_contracts.observations.store._sync_folders", no_room)
        outcomes = Together(home)(admission(text("M1", range(1))), admission(text("M2", range(1))))
    assert [type(outcome).__name__ for outcome in outcomes] == ["StoreUnwritable"] * 2
    assert kept(home, batch.c.batch_id) == []
    assert [path for path in home.observations.rglob("*") if path.is_file()] == []
    assert [result.rows_admitted for result in Together(home)(admission(text("M1", range(1))))] == [1]


def test_too_many_who_wait_are_told_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.group_commit, "MOST_WAITING", 1)
    is_in, may_go = threading.Event(), threading.Event()
    intake = GroupCommit(home)

    def slow(_connection: sa.Connection, _gathered: Gathering) -> None:
        is_in.set()
        assert may_go.wait(30)

    with ThreadPoolExecutor(2) as pool:
        leading = pool.submit(intake.commit, slow)
        assert is_in.wait(30)
        second = pool.submit(intake.commit, admission(text("M1", range(1))))
        until(lambda: len(intake._waiting) == 1)
        with pytest.raises(IntakeBusy):
            intake.commit(admission(text("M2", range(1))))
        may_go.set()
        assert leading.result() is None
        assert second.result().rows_admitted == 1


@pytest.mark.parametrize("most", [1, 3, 64])
def test_many_threads_are_each_told_of_their_own_batch(home: Home, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(api.group_commit, "MOST_MEMBERS", most)
    intake = GroupCommit(home)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(intake.commit, admission(text(f"M{n}", range(n + 1)))) for n in range(16)]
        assert [job.result().rows_admitted for job in jobs] == list(range(1, 17))
    assert len(kept(home, batch.c.batch_id)) == 16
    assert len(rows(home)) == sum(range(1, 17))
