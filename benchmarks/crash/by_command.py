"""`millgrade ingest` and `millgrade compact`, killed at random moments and begun again."""

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
from data_contracts.observations.compaction import crowded_folders

OBLIGOR = "91999999MA0000001N"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product"
FIRST = datetime(2022, 9, 1, tzinfo=UTC)
MACHINES = 3
MINUTES = 40
COMPACTION_SHARE = 0.4
"""Of the commands that are begun, so many are compactions, as far as there is something to compact."""
LEAST_FILES = 2
LONGEST_SECONDS = 60.0


@dataclass
class Told:
    """What commands acknowledged: the number of each file, compactions that found work, and how the kills fell."""

    files: set[int] = field(default_factory=set)
    compactions: int = 0
    kills: int = 0
    compaction_kills: int = 0
    faults: list[str] = field(default_factory=list)
    inconsistent: int = 0


class Operator:
    """Ingests file after file and compacts in between; whatever is begun is killed at some moment of its usual time,
    and what was killed before it got through is begun again."""

    def __init__(self, home: Home, folder: Path, *, seed: int, database_url: str | None) -> None:
        self.home, self.folder, self.database_url = home, folder, database_url
        self.draw = random.Random(seed)
        self.inspector = Inspector(home)
        self.told = Told()
        self.usual: dict[str, float] = {}
        self.number = 0

    def run(self, kills: int) -> Told:
        """Go on until so many commands were killed, from files on that are enough to compact; then the last file is
        ingested and the store compacted to the end."""
        for _ in range(LEAST_FILES):
            self._ingest(is_spared=True)
        while self.told.kills < kills:
            if self.draw.random() < COMPACTION_SHARE and self._is_crowded():
                self._compact()
            else:
                self._ingest()
        self._ingest(is_spared=True)
        self._compact(is_spared=True)
        return self.told

    def _ingest(self, *, is_spared: bool = False) -> None:
        """Begin to ingest the file whose turn it is; the next one's comes when this one is acknowledged."""
        source = self.folder / f"{self.number}.csv"
        source.write_text(content(self.number), encoding="utf-8")
        command = ["ingest", source, "--mapping", "unipi_sme", "--obligor", OBLIGOR, "--json"]
        if self._begin("ingest", command, is_spared=is_spared):
            self.told.files.add(self.number)
            self.number += 1

    def _compact(self, *, is_spared: bool = False) -> None:
        before = self.told.kills
        command = ["compact", "--least-files", str(LEAST_FILES), "--json"]
        self.told.compactions += self._begin("compact", command, is_spared=is_spared)
        self.told.compaction_kills += self.told.kills - before

    def _begin(self, name: str, command: Sequence[str | Path], *, is_spared: bool) -> bool:
        """Begin a command and kill it unless it is spared or over before; whether it printed its whole answer."""
        began = time.monotonic()
        life = Life([*command, "--home", self.home.root], self.folder / "commands.log", self.database_url)
        wait = LONGEST_SECONDS if is_spared else self._moment(name)
        ended = life.is_over(wait)
        life.kill()
        if ended:
            self.usual[name] = time.monotonic() - began
        else:
            self.told.kills += 1
        self._inspect()
        told = is_acknowledged(life.printed())
        if ended and not told:
            raise RuntimeError(f"{name} ended with exit code {life.process.exitcode}; see commands.log")
        return told

    def _moment(self, name: str) -> float:
        """Some moment of a command's usual time, or a little after it."""
        return self.draw.uniform(0, 1.2) * self.usual.get(name, self.usual["ingest"])

    def _is_crowded(self) -> bool:
        with self.home.engine.connect() as connection:
            return bool(crowded_folders(connection, least_files=LEAST_FILES))

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
