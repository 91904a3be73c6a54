"""Recovery at start: what a killed process left is set aside and told of, once; what others are at work on is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.database.engine import unit_of_work
from api.home import Home, open_home
from api.operations.recovery import Recovered, at_work, recover
from data_contracts.observations import register

OBLIGOR = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product\n"
FOLDER = "observations/sample/2022-09-01/0"

DIES = """
import os, sys, time
from pathlib import Path
from api.home import open_home
from api.operations.recovery import at_work
home = open_home(Path(sys.argv[1]))
with at_work(home):
    folder = home.root / sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("0" * 64 + ".parquet")).write_bytes(b"PAR1 of a transaction that never was committed")
    (folder / ("1" * 64 + ".partial")).write_bytes(b"PA")
    print("at work", flush=True)
    time.sleep(60)
"""

WAITS = """
import sys
from pathlib import Path
from api.home import open_home
from api.operations.recovery import recover
home = open_home(Path(sys.argv[1]))
print("waits", flush=True)
sys.stdin.readline()
print(recover(home).set_aside)
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "home")
    yield home
    home.engine.dispose()


def begun(home: Home) -> subprocess.Popen[str]:
    """A process that is at work, with a file that is written and one that is half written."""
    command = [sys.executable, "-c", DIES, str(home.root), FOLDER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_what_a_killed_process_left_is_set_aside_once(here: Home, capsys: pytest.CaptureFixture[str]) -> None:
    process = begun(here)
    assert recover(here) is None  # it lives
    killed(process)
    draft = here.snapshots / f".name.{'a' * 32}"
    for path, age in ((draft, 2), (draft.with_suffix("." + "b" * 32), 0)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
        then = time.time() - age * 3600
        os.utime(path, (then, then))
    with at_work(here):
        told = capsys.readouterr().err
    assert told == (
        "Recovered: 1 ended without order; 2 files that no transaction committed lie in left_over/ now, "
        "1 half-written ones are gone.\n"
    )
    assert sorted(path.name[0] for path in here.left_over.rglob("*") if path.is_file()) == ["0", "1"]
    assert list(here.observations.rglob("*.*")) == []
    assert [path.suffix[1] for path in here.snapshots.iterdir()] == ["b"]  # it may be at work still
    with at_work(here):
        pass
    assert capsys.readouterr().err == ""
    assert list(here.at_work.iterdir()) == []


def test_it_waits_for_who_is_at_work_and_takes_nothing_of_theirs(here: Home) -> None:
    killed(begun(here))
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, str(here.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as beside:
        assert beside.stdout is not None
        assert beside.stdout.readline() == "waits\n"
        with unit_of_work(here.engine) as connection:
            register.take_turn(connection)
            own = here.root / FOLDER / f"{'2' * 64}.parquet"
            own.write_bytes(b"written, not registered yet")
            assert beside.stdin is not None
            beside.stdin.write("go\n")
            beside.stdin.flush()
            time.sleep(0.5)
            assert beside.poll() is None
            assert own.exists()
            own.rename(here.root / "registered")  # as if this transaction's file counted now
        told, _ = beside.communicate(timeout=60)
    assert [name * 64 in told for name in "012"] == [True, True, False]


def test_what_is_older_than_the_crash_and_what_is_registered_stays(run: Any, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text(HEAD + "2022-09-01 00:00:00,0,1.0,2.0,60.0,1.0,0.0,0,0\n", encoding="utf-8")
    assert run("ingest", path, "--mapping", "unipi_sme", "--obligor", OBLIGOR).exit_code == 0
    (kept,) = (home / "observations").rglob("*.parquet")
    older = kept.with_name("f" * 64 + ".parquet")
    older.write_bytes(b"left by somebody else, long ago")
    then = datetime.now(UTC).timestamp() - 7200
    os.utime(older, (then, then))
    opened = open_home(home)
    killed(begun(opened))
    kept.write_bytes(kept.read_bytes()[:-1])
    found = recover(opened)
    opened.engine.dispose()
    assert isinstance(found, Recovered)
    assert (older.exists(), kept.exists()) == (True, True)
    assert [Path(name).name for name in found.damaged] == [kept.name]
    assert "1 registered files are missing or cut short" in str(found)


def test_a_mark_that_came_with_a_backup_is_no_crash(here: Home, tmp_path: Path) -> None:
    process = begun(here)
    shutil.copytree(here.root, tmp_path / "restored")
    killed(process)
    restored = open_home(tmp_path / "restored")
    assert recover(restored) is None
    assert list(restored.at_work.iterdir()) == []
    assert len([path for path in restored.observations.rglob("*") if path.is_file()]) == 2
    restored.engine.dispose()


def test_a_disk_that_takes_no_mark_hinders_nobody(
    here: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.operations.recovery.os.open", full)
    with at_work(here):
        assert "No space left on device" in capsys.readouterr().err


def test_a_sweep_clears_what_was_set_aside_a_week_ago(run: Any, here: Home) -> None:
    killed(begun(here))
    recover(here)
    assert run("sweep", "--json").answer["left_over"] == 0
    then = (datetime.now(UTC) - timedelta(days=8)).timestamp()
    for path in here.left_over.rglob("*.*"):
        os.utime(path, (then, then))
    assert run("sweep", "--json").answer["left_over"] == 2
