"""`python -m benchmarks.crash --kills 2000 --json`: kills, acknowledged, lost, doubled, inconsistent.

Half of the kills hit `millgrade serve` while four gateways post, the other half `millgrade ingest` and `millgrade
compact`, two fifths of them compactions. After every kill the home is inspected: registered files are there with the bytes that were registered, every
admitted row lies in a file of its batch, every root follows from its leaves, every record is as the log says. In the
end every acknowledged row must lie in the files exactly once, and every root follow from the rows. `--postgresql` keeps
the registers in PostgreSQL servers of its own in place of SQLite.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
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


def _lane(kills: int, seed: int, *, is_on_postgresql: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        urls: list[str | None] = [None, None]
        if is_on_postgresql:
            urls = [servers.enter_context(postgresql(folder / f"postgresql{number}")) for number in (1, 2)]
        return crash(folder, kills=kills, seed=seed, urls=urls)


def main() -> None:
    """Run it and print what was found; exit code 1 where anything was lost, doubled or inconsistent."""
    parser = argparse.ArgumentParser(description="Kill processes at work; count what they acknowledged.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=1, help="so many runs side by side, on homes of their own")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    began = time.monotonic()
    shares = [
        arguments.kills // arguments.lanes + (lane < arguments.kills % arguments.lanes)
        for lane in range(arguments.lanes)
    ]
    with ProcessPoolExecutor(arguments.lanes, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = [
            pool.submit(_lane, kills, arguments.seed + lane, is_on_postgresql=arguments.postgresql)
            for lane, kills in enumerate(shares)
        ]
        told = {**summed([run.result() for run in runs]), "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(told) if arguments.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    if told["lost"] or told["doubled"] or told["inconsistent"] or told["broken_roots"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
