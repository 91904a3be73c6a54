"""`millgrade rollup`: incremental, never seen in an answer, and never half done, whenever it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.home import open_home
from data_contracts.observations.tables import machine_day_file, machine_day_place

A = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product\n"
DAYS = 8


@pytest.fixture
def told(run: Any, tmp_path: Path) -> Any:
    """What a home with samples of some days answers."""
    ingest(
        run,
        tmp_path / "days.csv",
        [(day, hour, asset) for day in range(1, DAYS + 1) for hour in range(24) for asset in (1, 2)],
    )
    return answers(run)


def ingest(run: Any, source: Path, hours: list[tuple[int, int, int]]) -> None:
    rows = [f"2022-09-{day:02d} {hour:02d}:05:00,{asset},1.0,2,60.0,{hour}.5,0.0,0,0\n" for day, hour, asset in hours]
    source.write_text(HEAD + "".join(rows), encoding="utf-8")
    assert run("ingest", source, "--mapping", "unipi_sme", "--obligor", A).exit_code == 0


def answers(run: Any) -> Any:
    found = [run("machine-days", "--obligor", A, "--as-of", f"2022-09-{day}", "--json") for day in ("04", "22")]
    return [ran.answer for ran in found]


def test_rollup_is_incremental_and_never_seen(run: Any, told: Any, tmp_path: Path) -> None:
    first = run("rollup", "--json").answer
    assert (first["versions"], first["postponed"]) == (2 * DAYS, 0)
    assert answers(run) == told
    assert run("rollup", "--json").answer == {"places": 0, "versions": 0, "files": 0, "postponed": 0}
    ingest(run, tmp_path / "late.csv", [(3, 1, 1)])  # the same row again: nothing new
    assert run("rollup", "--json").answer["versions"] == 0
    (tmp_path / "late.csv").write_text(f"{HEAD}2022-09-03 01:15:00,1,1.0,2,60.0,9.0,0.0,0,0\n", encoding="utf-8")
    assert run("ingest", tmp_path / "late.csv", "--mapping", "unipi_sme", "--obligor", A).exit_code == 0
    changed = answers(run)
    assert changed != told
    assert run("rollup", "--json").answer["versions"] == 1
    assert answers(run) == changed
    assert run("doctor", "--json").exit_code == 0


def test_a_rollup_that_is_killed_leaves_nothing_half(run: Any, told: Any, home: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "rollup", "--home", str(home)]
    killed = 0
    for wait in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0):
        process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        killed += process.poll() is None
        process.kill()
        process.wait()
        assert answers(run) == told
        assert whole(home)
    assert killed
    assert run("rollup").exit_code == 0
    assert answers(run) == told
    assert run("rollup", "--json").answer["places"] == 0


def whole(home: Path) -> bool:
    """Every file that counts is there, and every place that is rolled has one."""
    here = open_home(home)
    with here.engine.connect() as connection:
        paths = list(connection.scalars(sa.select(machine_day_file.c.path)))
        rolled = list(connection.execute(sa.select(machine_day_place.c.partition, machine_day_place.c.bucket)))
        months = set(connection.execute(sa.select(machine_day_file.c.partition, machine_day_file.c.bucket)))
    here.engine.dispose()
    return all((home / "observations" / path).is_file() for path in paths) and {
        (partition[:7], bucket) for partition, bucket in rolled
    } <= {tuple(month) for month in months}


def test_a_cluster_that_is_not_there_is_told_by_name(run: Any, told: Any) -> None:
    pytest.importorskip("distributed")
    ran = run("rollup", "--cluster", "tcp://127.0.0.1:1")
    assert ran.exit_code != 0
    assert "tcp://127.0.0.1:1" in ran.err
