"""A disk that refuses, without one of our own: at the doors of the operating system. What was acknowledged stays."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.home import Home, open_home
from api.main import create_app
from api.operations import evidence, keeping
from api.operations.audit.discrepancy import Verdict
from api.operations.audit.examine import audit
from benchmarks.crash.inspect import Inspector, rows_kept
from benchmarks.crash.over_http import FIRST, OBLIGOR, PATH, body, gateway_key
from data_contracts.errors import StoreUnwritable
from data_contracts.evidence import verify
from data_contracts.observations.tables import batch

SENDERS = 4


@contextmanager
def largest_file(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: the operating system refuses the write itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full_at_writing(patch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def half(path: Path, *arguments: Any, **named: Any) -> Any:
        file = opened(path, *arguments, **named)
        if path.suffix == ".partial":
            whole = file.write

            def write(data: Any) -> int:
                whole(bytes(data)[: len(bytes(data)) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            return _Writer(file, write)
        return file

    patch.setattr(Path, "open", half)


class _Writer:
    """A file whose writes go to a function."""

    def __init__(self, file: Any, write: Callable[[Any], int]) -> None:
        self.file, self.write = file, write

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def full_at_syncing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("data_contracts.observations.store.os.fsync", refusing(errno.ENOSPC))


def read_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "mkdir", refusing(errno.EROFS))
    patch.setattr("data_contracts.observations.store.Path.rename", refusing(errno.EROFS))


def refusing(number: int) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


DISKS = [
    (full_at_writing, "No space left on device"),
    (full_at_syncing, "No space left on device"),
    (read_only, "Read-only file system"),
]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "kept")
    yield home
    home.engine.dispose()


def post(home: Home, key: str, numbers: range) -> list[httpx.Response]:
    """Batches of several senders, all at once."""

    async def sent() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
        transport = httpx.ASGITransport(app=create_app(home))
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            places = [(sender, number) for sender in range(SENDERS) for number in numbers]
            posts = [
                client.post(PATH, content=body(*place), headers={"Idempotency-Key": f"{place[0]}-{place[1]}"})
                for place in places
            ]
            return list(await asyncio.gather(*posts))

    return asyncio.run(sent())


def files(home: Home) -> list[Path]:
    return sorted(path for path in home.observations.rglob("*") if path.is_file())


def is_as_before(home: Home, before: list[Path], kept: Any) -> bool:
    return (files(home), rows_kept(home), Inspector(home).faults()) == (before, kept, [])


@pytest.mark.parametrize("breaks", [breaks for breaks, _ in DISKS])
def test_a_group_that_the_disk_refuses_is_refused_whole(
    here: Home, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[pytest.MonkeyPatch], None]
) -> None:
    key = gateway_key(here)
    assert {answer.status_code for answer in post(here, key, range(1))} == {201}
    before, kept = files(here), rows_kept(here)
    with monkeypatch.context() as patch:
        breaks(patch)
        for answer in post(here, key, range(1, 3)):
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unwritable")
            assert "Nothing of this request was kept" in answer.json()["detail"]
    assert is_as_before(here, before, kept)
    assert {answer.status_code for answer in post(here, key, range(1, 3))} == {201}  # the same ones, once there is room
    assert set(rows_kept(here).values()) == {1}
    assert len(rows_kept(here)) == 3 * len(kept)
    assert Inspector(here).faults() == []


@pytest.mark.parametrize(("breaks", "says"), DISKS, ids=[case[0].__name__ for case in DISKS])
def test_a_compaction_that_the_disk_refuses_changes_nothing(
    here: Home, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[pytest.MonkeyPatch], None], says: str
) -> None:
    key = gateway_key(here)
    for number in range(3):
        post(here, key, range(number, number + 1))
    before, kept = files(here), rows_kept(here)

    def compact() -> Any:
        return keeping.compact(here, least_files=2, now=FIRST.replace(year=2030), progress=lambda *_: None)

    with monkeypatch.context() as patch:
        breaks(patch)
        with pytest.raises(StoreUnwritable, match=says):
            compact()
    assert is_as_before(here, before, kept)
    assert compact().files_before > 1
    assert (rows_kept(here), Inspector(here).faults()) == (kept, [])


def test_a_file_that_may_not_grow_is_told_by_the_system_itself(here: Home) -> None:
    """Not injected: the kernel refuses what goes beyond the limit, first of the store's files, then of the database."""
    key = gateway_key(here)
    post(here, key, range(1))
    before, kept = files(here), rows_kept(here)
    codes = set()
    for limit in (2_000, 16_000):
        with largest_file(limit):
            answers = post(here, key, range(1, 2))
        codes |= {(answer.status_code, answer.json()["code"]) for answer in answers}
        assert is_as_before(here, before, kept)
    assert codes <= {(503, "store_unwritable"), (503, "database_unavailable")}
    assert {answer.status_code for answer in post(here, key, range(1, 2))} == {201}
    assert Inspector(here).faults() == []


def test_a_database_that_takes_nothing_acknowledges_nothing(here: Home) -> None:
    """SQLite's own refusal, as on a read-only disk."""
    key = gateway_key(here)
    post(here, key, range(1))
    before, kept = files(here), rows_kept(here)
    here.engine.dispose()

    def refuse(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    sa.event.listen(here.engine, "connect", refuse)
    answers = post(here, key, range(1, 2))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "database_unavailable")}
    sa.event.remove(here.engine, "connect", refuse)
    here.engine.dispose()
    assert is_as_before(here, before, kept)
    assert {answer.status_code for answer in post(here, key, range(1, 2))} == {201}


# --- Register and log, damaged ---------------------------------------------------------------------------------------


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def overwritten_head(data: bytes) -> bytes:
    return b"\0" * 4096 + data[4096:]


def overwritten_middle(data: bytes) -> bytes:
    return data[:8192] + b"\xff" * (len(data) - 16384) + data[-8192:]


@pytest.mark.parametrize("change", [cut_in_half, overwritten_head, overwritten_middle])
def test_a_damaged_register_is_told_and_takes_nothing(
    run: Any, home: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    opened = open_home(home)
    post(opened, gateway_key(opened), range(2))
    opened.engine.dispose()
    database = home / "millgrade.db"
    database.write_bytes(change(database.read_bytes()))
    source = tmp_path / "day.csv"
    source.write_bytes(body(0, 7))
    for command in (
        ("ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR),
        ("doctor",),
        ("machine-days", "--obligor", OBLIGOR),
    ):
        ran = run(*command)
        assert ran.exit_code == 2, command
        assert "Traceback" not in ran.err
        assert any(word in ran.err + ran.out for word in ("malformed", "not a database", "disk I/O error")), ran.err


@pytest.mark.parametrize("change", [cut_in_half, overwritten_head, overwritten_middle])
def test_a_damaged_register_is_told_over_http(here: Home, change: Callable[[bytes], bytes]) -> None:
    key = gateway_key(here)
    assert {answer.status_code for answer in post(here, key, range(2))} == {201}
    here.engine.dispose()
    database = here.root / "millgrade.db"
    database.write_bytes(change(database.read_bytes()))
    told = post(here, key, range(2, 3))
    assert {(answer.status_code, answer.json()["code"]) for answer in told} == {(500, "database_damaged")}
    assert {answer.headers["content-type"] for answer in told} == {"application/problem+json"}
    assert {"millgrade doctor" in answer.json()["hint"] for answer in told} == {True}


def test_a_statement_of_ours_that_is_wrong_is_no_damage(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise sa.exc.IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))

    monkeypatch.setattr("api.telemetry.service.record_batch", wrong)
    told = post(here, gateway_key(here), range(1))
    assert {(answer.status_code, answer.json()["code"]) for answer in told} == {(500, "internal_error")}


def test_a_log_that_was_cut_to_an_older_state_is_told_by_a_later_checkpoint(here: Home, tmp_path: Path) -> None:
    """Truncating the write-ahead log takes the last commits away; what was signed after them, and the files, tell."""
    key = gateway_key(here)
    post(here, key, range(1))
    here.engine.dispose()
    database = here.root / "millgrade.db"
    older = database.read_bytes()
    post(here, key, range(1, 2))
    now = FIRST.replace(year=2030)
    signed = evidence.sign(here, since=None, now=now)
    here.engine.dispose()
    database.write_bytes(older)
    restored = open_home(here.root)
    checkpoint, keys = verify.parse_checkpoint(signed["text"]), verify.parse_keys("\n".join(signed["keys"]))
    with unit_of_work(restored.engine) as connection:
        found = audit(connection, restored, checkpoint=checkpoint, keys=keys).discrepancies
        registered = connection.scalar(sa.select(sa.func.count()).select_from(batch))
    restored.engine.dispose()
    assert registered == SENDERS
    assert Verdict.ROLLED_BACK in {item.verdict for item in found}
