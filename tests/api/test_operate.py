"""Serving, migrating and examining a home."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from api.database.migrate import head_revision
from api.database.tables import idempotent_request
from api.home import open_home
from api.operations.doctor import files, software
from api.operations.doctor.examine import examine
from api.operations.doctor.finding import Level
from api.operations.serving import listen
from api.snapshots.service import keep_parameters
from data_contracts.observations.tables import observation_file
from data_contracts.reference.dated import load_book

ROOT = Path(__file__).parent.parent.parent
A = "91999999MA0000001N"
START_SECONDS = 60
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def kept(run: Any, home: Path) -> Path:
    """A home with one registered observation file and a kept parameter book."""
    options = ("--name", "x", "--subject-kind", "legal_person", "--industry-division", "C34")
    assert run("obligor", "add", "--obligor", A, *options).exit_code == 0
    opened = open_home(home)
    keep_parameters(opened, load_book(ROOT / "scoring" / "parameters"))
    opened.engine.dispose()
    return home


def levels(home: Path, **options: Any) -> dict[str, Level]:
    """The worst level of each check."""
    found: dict[str, Level] = {}
    order = list(Level)
    for finding in examine(home, database_url=options.get("database_url"), now=NOW, sample=options.get("sample", 10)):
        found[finding.check] = max(found.get(finding.check, Level.OK), finding.level, key=order.index)
    return found


def test_a_home_that_is_in_order(run: Any, kept: Path) -> None:
    ran = run("doctor", "--json")
    assert (ran.exit_code, ran.answer["is_well"]) == (0, True)
    assert {finding["level"] for finding in ran.answer["findings"]} <= {"ok", "warning"}
    found = levels(kept)
    assert {check for check, level in found.items() if level is Level.OK} >= {
        "folders", "database", "observations", "snapshots", "parameters",
    }  # fmt: skip


def the_file(home: Path) -> Path:
    (path,) = (home / "observations").rglob("*.parquet")
    return path


def lose(home: Path) -> None:
    the_file(home).unlink()


def cut(home: Path) -> None:
    the_file(home).write_bytes(the_file(home).read_bytes()[:-1])


def flip(home: Path) -> None:
    data = bytearray(the_file(home).read_bytes())
    data[len(data) // 2] ^= 1
    the_file(home).write_bytes(bytes(data))


def spoil_the_book(home: Path) -> None:
    (path,) = (home / "parameters").glob("*.json")
    path.write_text(path.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")


def promote_nothing(home: Path) -> None:
    (home / "models" / "credit").mkdir(parents=True)
    (home / "models" / "credit" / "promoted.json").write_text('{"model_version": "%s"}' % ("0" * 64), encoding="utf-8")


def name_a_snapshot(home: Path) -> None:
    values = (f"'{'0' * 64}'", f"'{A}'", "0", "0")
    engine = sa.create_engine(f"sqlite:///{home / 'millgrade.db'}")
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"INSERT INTO snapshot (snapshot_id, obligor_id, as_of, taken_time) VALUES ({', '.join(values)})")
        )
    engine.dispose()


def put_the_revision_back(home: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{home / 'millgrade.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()


def lose_the_database(home: Path) -> None:
    (home / "millgrade.db").unlink()


DAMAGE: list[tuple[Callable[[Path], None], str, str]] = [
    (lose, "observations", "missing"),
    (cut, "observations", "length"),
    (flip, "observations", "bytes"),
    (spoil_the_book, "parameters", "damaged"),
    (promote_nothing, "models", "does not load"),
    (name_a_snapshot, "snapshots", "missing"),
    (put_the_revision_back, "database", "0000"),
    (lose_the_database, "database", "no database"),
]


@pytest.mark.parametrize(("damage", "check", "word"), DAMAGE, ids=[case[0].__name__ for case in DAMAGE])
def test_what_is_wrong_is_found(run: Any, kept: Path, damage: Callable[[Path], None], check: str, word: str) -> None:
    damage(kept)
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file() and ".db" not in path.name}
    ran = run("doctor", "--json")
    assert (ran.exit_code, ran.answer["is_well"]) == (2, False)
    (finding,) = (finding for finding in ran.answer["findings"] if finding["level"] == "wrong")
    assert (finding["check"], word in finding["message"]) == (check, True)
    assert finding["hint"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_file_that_no_transaction_committed_is_told_of_and_counts_for_nothing(run: Any, kept: Path) -> None:
    the_file(kept).with_name("f" * 64 + ".parquet").write_bytes(b"PAR1")
    assert levels(kept)["observations"] is Level.WARNING
    assert run("doctor").exit_code == 0


def test_what_nobody_needs_is_swept(run: Any, kept: Path) -> None:
    leftover = the_file(kept).with_name("0" * 64 + ".parquet")
    leftover.write_bytes(b"of an admission that was never committed")
    registered = sorted(path for path in (kept / "observations").rglob("*.parquet") if path != leftover)
    now = datetime.now(UTC)
    home = open_home(kept)
    with home.engine.begin() as connection:
        for key, age in (("old", 31), ("young", 29)):
            connection.execute(
                idempotent_request.insert().values(
                    owner="bank", route="r", idempotency_key=key, fingerprint="f", status=201, body=b"",
                    created_time=now - timedelta(days=age),
                )
            )  # fmt: skip
    assert run("sweep", "--home", kept, "--json").answer["observation_files"] == 0  # it may be at work still
    long_ago = (now - timedelta(hours=2)).timestamp()
    os.utime(leftover, (long_ago, long_ago))
    assert run("sweep", "--home", kept, "--json").answer == {
        "observation_files": 1,
        "left_over": 0,
        "idempotency_keys": 0,
        "sessions": 0,
    }
    with home.engine.begin() as connection:
        assert list(connection.scalars(sa.select(idempotent_request.c.idempotency_key))) == ["young"]
    home.engine.dispose()
    assert sorted((kept / "observations").rglob("*.parquet")) == registered


def test_a_sample_bounds_what_is_read(kept: Path) -> None:
    flip(kept)
    assert levels(kept, sample=0)["observations"] is Level.OK
    assert levels(kept, sample=1)["observations"] is Level.WRONG


def test_a_home_that_is_not_there_is_not_made(run: Any, home: Path) -> None:
    assert run("doctor").exit_code == 2
    assert not home.exists()


def test_it_does_not_hold_up_who_is_writing(kept: Path) -> None:
    opened = open_home(kept)
    with opened.engine.begin() as connection:
        connection.execute(sa.update(observation_file).values(received_time=NOW))
        assert levels(kept)["database"] is Level.OK
    opened.engine.dispose()


def test_fonts_are_known_by_their_names(tmp_path: Path) -> None:
    (finding,) = software.fonts([tmp_path, tmp_path / "absent"])
    assert finding.level is Level.WARNING
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"")
    (finding,) = software.fonts([tmp_path])
    assert finding.level is Level.OK


@pytest.mark.parametrize(("free", "level"), [(2**20, Level.WRONG), (2**30, Level.WARNING), (2**40, Level.OK)])
def test_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level) -> None:
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    (finding,) = files.space(tmp_path)
    assert finding.level is level


def test_libraries_are_held_against_what_the_package_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software.metadata, "requires", lambda _: ["numpy>=1", "numpy<1; extra == 'old'", "xgboost>=3"])
    (finding,) = software.libraries()
    assert finding.level is Level.OK
    monkeypatch.setattr(software.metadata, "requires", lambda _: ["numpy<1", "no-such-library"])
    (finding,) = software.libraries()
    assert finding.level is Level.WRONG
    assert "numpy<1" in finding.message
    assert "no-such-library (found none)" in finding.message


def test_migrating_up_and_down(run: Any, home: Path) -> None:
    assert run("migrate", "--json").answer == {"from": None, "to": head_revision()}
    assert run("migrate", "--json").answer == {"from": head_revision(), "to": head_revision()}
    assert run("migrate", "--to", "base", "--json").answer == {"from": head_revision(), "to": None}
    assert run("migrate", "--to", head_revision(), "--json").answer == {"from": None, "to": head_revision()}
    refused = run("migrate", "--to", "9999")
    assert (refused.exit_code, "'9999'" in refused.err) == (2, True)


def test_an_outdated_home_is_refused_until_it_is_migrated(run: Any, home: Path) -> None:
    run("migrate")
    put_the_revision_back(home)
    refused = run("partner", "list")
    assert refused.exit_code == 2
    assert "millgrade migrate" in refused.err


def test_migrating_postgresql(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_postgresql_url: str
) -> None:
    secret = tmp_path / "database_url"
    secret.write_text(f"{empty_postgresql_url}\n", encoding="utf-8")
    monkeypatch.setenv("MILLGRADE_DATABASE_URL_FILE", str(secret))
    assert run("migrate", "--json").answer == {"from": None, "to": head_revision()}
    ran = run("doctor", "--json")
    assert f"postgresql at revision {head_revision()}" in [finding["message"] for finding in ran.answer["findings"]]
    assert run("migrate", "--to", "base", "--json").answer == {"from": head_revision(), "to": None}


UNUSABLE = [
    ("MILLGRADE_DATABASE_URL", "postgresql+psycopg://millgrade:hush@127.0.0.1:1/millgrade"),
    ("MILLGRADE_DATABASE_URL", "no address"),
    ("MILLGRADE_DATABASE_URL_FILE", "/absent/secret"),
]


@pytest.mark.parametrize(("variable", "value"), UNUSABLE)
@pytest.mark.parametrize("command", ["partner list", "migrate", "serve"])
def test_a_database_that_cannot_be_had(
    run: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, command: str
) -> None:
    monkeypatch.setenv(variable, value)
    ran = run(*command.split())
    assert ran.exit_code == 2
    assert "Hint" in ran.err
    assert "hush" not in ran.err
    assert "Traceback" not in ran.err


def test_a_home_that_is_a_file(run: Any, home: Path) -> None:
    home.write_text("", encoding="utf-8")
    for command in ("partner list", "migrate", "doctor"):
        ran = run(*command.split())
        assert ran.exit_code == 2
        assert "Traceback" not in ran.err


def test_the_document_of_the_api(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    assert run("openapi", "--out", out).exit_code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == run("openapi", "--json").answer
    refused = run("openapi", "--out", tmp_path / "absent" / "openapi.json")
    assert (refused.exit_code, "absent" in refused.err) == (2, True)


def test_an_answer_does_not_wait_for_the_peers_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("serve", "--port", taken.getsockname()[1])
    assert ran.exit_code == 2
    assert "AddressTaken" in ran.err
    assert run("serve", "--host", "no host").exit_code == 2


@pytest.fixture
def server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`millgrade serve` as a process, and where it answers."""
    command = [
        sys.executable,
        "-c",
        "from api.cli import main; main()",
        "serve",
        "--port",
        "0",
        "--json",
        "--home",
        str(home),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = b"".join(process.stdout.readline() for _ in range(4))
        yield process, json.loads(said)["url"]
    finally:
        process.kill()
        process.communicate()


def test_it_serves_until_it_is_told_to_end(server: tuple[subprocess.Popen[bytes], str]) -> None:
    process, url = server
    with urllib.request.urlopen(f"{url}/readyz", timeout=START_SECONDS) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/v1/obligors", timeout=START_SECONDS)
    with refused.value as answer:
        assert answer.code == 401
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=START_SECONDS) == 0
    assert process.stderr is not None
    lines = [json.loads(line) for line in process.stderr.read().splitlines()]
    assert [line["status"] for line in lines] == [200, 401]
