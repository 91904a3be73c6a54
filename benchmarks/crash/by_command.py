"""`millgrade ingest` and `millgrade compact`, killed at random moments and run again until they are through."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.home import Home
from benchmarks.crash.inspect import Inspector
from benchmarks.crash.lives import Life

OBLIGOR = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product"
FIRST = datetime(2022, 9, 1, tzinfo=UTC)
MACHINES = 3
MINUTES = 40
FILES_BETWEEN_COMPACTIONS = 2


@dataclass
class Told:
    """What commands acknowledged: the number of each file, and how the kills fell."""

    files: set[int] = field(default_factory=set)
    kills: int = 0
    compaction_kills: int = 0
    faults: list[str] = field(default_factory=list)
    inconsistent: int = 0


class Operator:
    """Ingests file after file and compacts now and then; each command is killed until it has got through once."""

    def __init__(self, home: Home, folder: Path, *, seed: int, database_url: str | None) -> None:
        self.home, self.folder, self.database_url = home, folder, database_url
        self.draw = random.Random(seed)
        self.inspector = Inspector(home)
        self.told = Told()
        self.usual: dict[str, float] = {}

    def run(self, kills: int) -> Told:
        """Go on until so many commands were killed; the last file is ingested to its end."""
        number = 0
        while self.told.kills < kills:
            source = self.folder / f"{number}.csv"
            source.write_text(content(number), encoding="utf-8")
            command = ["ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR, "--json"]
            self._through("ingest", command, kills)
            self.told.files.add(number)
            number += 1
            if number % FILES_BETWEEN_COMPACTIONS == 0:
                before = self.told.kills
                self._through("compact", ["compact", "--least-files", "2", "--json"], kills)
                self.told.compaction_kills += self.told.kills - before
        return self.told

    def _through(self, name: str, command: Sequence[str | Path], kills: int) -> None:
        """Run a command until it acknowledged; kill it before, at some moment of its usual time."""
        while True:
            began = time.monotonic()
            life = Life([*command, "--home", self.home.root], self.folder / "commands.log", self.database_url)
            wait = (
                self.draw.uniform(0, 1.2) * self.usual.get(name, self.usual.get("ingest", 1.0))
                if self.told.kills < kills
                else 60.0
            )
            ended = life.is_over(wait)
            life.kill()
            if not ended:
                self.told.kills += 1
            else:
                self.usual[name] = time.monotonic() - began
            self._inspect()
            if is_acknowledged(life.printed()):
                return
            if ended and life.process.exitcode != 0:
                raise RuntimeError(f"{name} ended with exit code {life.process.exitcode}; see commands.log")

    def _inspect(self) -> None:
        found = self.inspector.faults()
        self.told.inconsistent += bool(found)
        self.told.faults += found


def content(number: int) -> str:
    """A file that no other is like: rows of three machines at instants that are the file's own."""
    start = FIRST + timedelta(minutes=number * MINUTES)
    rows = [
        f"{start + timedelta(minutes=minute)},{machine},1.0,2.0,60.0,2.5,0.0,0,0"
        for machine in range(MACHINES)
        for minute in range(MINUTES)
    ]
    return "\n".join([HEAD, *rows, ""])


def keys(number: int) -> list[tuple[str, str]]:
    """(machine, instant) of each row of a file."""
    start = FIRST + timedelta(minutes=number * MINUTES)
    return [
        (f"{OBLIGOR}/{machine}", (start + timedelta(minutes=minute)).isoformat())
        for machine in range(MACHINES)
        for minute in range(MINUTES)
    ]


def is_acknowledged(printed: str) -> bool:
    """Whether a command printed its whole answer."""
    try:
        return isinstance(json.loads(printed), dict)
    except ValueError:
        return False
