"""One run, and several side by side: kill on two fresh homes, one over HTTP and one by commands, and count."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from api.home import open_home
from benchmarks.crash import by_command, over_http
from benchmarks.crash.inspect import broken_roots, rows_kept
from benchmarks.postgresql import postgresql


def crash(folder: Path, *, kills: int, seed: int, urls: Sequence[str | None] = (None, None)) -> dict[str, Any]:
    """Kill so many processes, on two fresh homes with a database each, and count."""
    began = time.monotonic()
    for name in ("http", "commands"):
        (folder / name).mkdir()
    http = over_http.run(folder / "http", kills=kills // 2, seed=seed, database_url=urls[0])
    home = open_home(folder / "commands" / "home", database_url=urls[1])
    operator = by_command.Operator(home, folder / "commands", seed=seed, database_url=urls[1])
    commands = operator.run(kills - kills // 2)
    kept = rows_kept(home)
    found = [[kept[key] for key in by_command.keys(number)] for number in commands.files]
    answer = {
        "kills": http.kills + commands.kills,
        "acknowledged": http.acknowledged + len(commands.files),
        "lost": http.lost + sum(min(counts) == 0 for counts in found),
        "doubled": http.doubled + sum(max(counts) > 1 for counts in found),
        "inconsistent": http.inconsistent + commands.inconsistent,
        "broken_roots": broken_roots(home),
        "kills_of": {
            "serve": http.kills,
            "ingest": commands.kills - commands.compaction_kills,
            "compact": commands.compaction_kills,
        },
        "recoveries": recoveries([folder / "http" / "server.log", folder / "commands" / "commands.log"]),
        "left_over": sum(path.is_file() for path in folder.glob("*/home/left_over/**/*")),
        "faults": [*http.faults, *commands.faults][:5],
        "database": home.engine.dialect.name,
        "seconds": round(time.monotonic() - began, 1),
    }
    home.engine.dispose()
    return answer


def recoveries(logs: Sequence[Path]) -> int:
    """How often a process said at its start that it cleared what another had left."""
    return sum(log.read_text(encoding="utf-8").count("Recovered: ") for log in logs)


def summed(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The counts of several runs as those of one."""
    total = dict(answers[0])
    for other in answers[1:]:
        for name, value in other.items():
            if isinstance(value, dict):
                total[name] = {key: total[name][key] + count for key, count in value.items()}
            elif not isinstance(value, str):
                total[name] += value
    return total


def lane(kills: int, seed: int, *, is_on_postgresql: bool) -> dict[str, Any]:
    """A run in a folder, and with servers, of its own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        urls: list[str | None] = [None, None]
        if is_on_postgresql:
            urls = [servers.enter_context(postgresql(folder / f"postgresql{number}")) for number in (1, 2)]
        return crash(folder, kills=kills, seed=seed, urls=urls)
