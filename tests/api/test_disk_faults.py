"""A disk that is full or read-only, and files that were damaged: reported, and nothing that was acknowledged is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.home import open_home
from data_contracts.observations.tables import batch

OBLIGOR = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product\n"
SMALL_DISK = "600k"

Mount = Callable[..., Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mount]:
    """Puts a small disk of its own under a folder of the home; skipped where mounting is not allowed."""
    mounted: list[Path] = []

    def mount(folder: Path, options: str = f"size={SMALL_DISK}") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        if folder in mounted:
            options = f"remount,{options}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("mounting a disk of one's own is not allowed here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in dict.fromkeys(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def source(folder: Path, day: int, machines: int) -> Path:
    """A file of one-minute samples of a day."""
    path = folder / f"{day}-{machines}.csv"
    path.write_text(
        HEAD
        + "".join(
            f"2022-09-{day:02d} {minute // 60:02d}:{minute % 60:02d}:00,{machine},1.0,2.0,60.0,{minute % 7}.{machine},0.0,0,0\n"
            for machine in range(machines)
            for minute in range(300)
        ),
        encoding="utf-8",
    )
    return path


def ingest(run: Any, path: Path) -> Any:
    return run("ingest", path, "--mapping", "unipi_sme", "--obligor", OBLIGOR, "--json")


def machine_days(run: Any) -> Any:
    return run("machine-days", "--obligor", OBLIGOR, "--as-of", "2022-10-01", "--json").answer["machine_days"]


def test_a_full_disk_is_told_and_what_was_acknowledged_stays(run: Any, home: Path, disk: Mount, tmp_path: Path) -> None:
    run("migrate")
    kept = disk(home / "observations", "size=32k")
    assert ingest(run, source(tmp_path, 1, 1)).exit_code == 0
    before, files = machine_days(run), sorted(kept.rglob("*"))
    refused = ingest(run, source(tmp_path, 2, 60))
    assert refused.exit_code == 2
    assert "No space left on device" in refused.err
    assert "Nothing of this was kept" in refused.err
    assert "Hint" in refused.err
    assert [path for path in sorted(kept.rglob("*")) if path.is_file()] == [path for path in files if path.is_file()]
    assert machine_days(run) == before
    disk(home / "observations", "size=8m")
    assert ingest(run, source(tmp_path, 2, 60)).exit_code == 0
    assert len(machine_days(run)) == len(before) + 60


def test_a_read_only_disk_is_told(run: Any, home: Path, disk: Mount, tmp_path: Path) -> None:
    run("migrate")
    disk(home / "observations", "size=1m")
    assert ingest(run, source(tmp_path, 1, 1)).exit_code == 0
    disk(home / "observations", "ro")
    refused = ingest(run, source(tmp_path, 2, 1))
    assert (refused.exit_code, "Read-only file system" in refused.err) == (2, True)
    assert len(machine_days(run)) == 1
    found = run("doctor", "--json").answer["findings"]
    assert any(finding["check"] == "folders" and finding["level"] == "wrong" for finding in found)


def test_a_database_that_cannot_grow_is_told_and_keeps_what_it_had(
    run: Any, home: Path, disk: Mount, tmp_path: Path
) -> None:
    disk(home, "size=2m")
    run("migrate")
    acknowledged = 0
    for day in range(1, 29):
        ran = ingest(run, source(tmp_path, day, 60))
        if ran.exit_code:
            break
        acknowledged += 1
    assert ran.exit_code == 2, "the disk was never full"
    assert acknowledged, "nothing had room beside the tables"
    assert "Hint" in ran.err
    assert "Traceback" not in ran.err
    disk(home, "size=64m")
    opened = open_home(home)
    with opened.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(batch)) == acknowledged
    opened.engine.dispose()
    assert len(machine_days(run)) == 60 * acknowledged
    assert ingest(run, source(tmp_path, 28, 4)).exit_code == 0


DAMAGE: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("truncated", lambda data: data[: len(data) // 2]),
    ("empty", lambda _: b""),
    ("a byte flipped in the middle", lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:]),
    ("other content", lambda _: b"PAR1 something else PAR1"),
]


@pytest.mark.parametrize(("what", "change"), DAMAGE, ids=[case[0] for case in DAMAGE])
def test_a_damaged_file_is_told_by_name(
    run: Any, home: Path, tmp_path: Path, what: str, change: Callable[[bytes], bytes]
) -> None:
    assert ingest(run, source(tmp_path, 1, 1)).exit_code == 0
    (path,) = (home / "observations").rglob("*.parquet")
    path.write_bytes(change(path.read_bytes()))
    ran = run("doctor", "--json")
    assert ran.exit_code == 2, what
    told = [finding["message"] for finding in ran.answer["findings"] if finding["level"] == "wrong"]
    assert any(path.name in message for message in told), told
