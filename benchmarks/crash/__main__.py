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
import time
from concurrent.futures import ProcessPoolExecutor

from benchmarks.crash.run import lane, summed


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
        arguments.kills // arguments.lanes + (number < arguments.kills % arguments.lanes)
        for number in range(arguments.lanes)
    ]
    with ProcessPoolExecutor(arguments.lanes, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = [
            pool.submit(lane, kills, arguments.seed + number, is_on_postgresql=arguments.postgresql)
            for number, kills in enumerate(shares)
        ]
        told = {**summed([run.result() for run in runs]), "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(told) if arguments.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    if told["lost"] or told["doubled"] or told["inconsistent"] or told["broken_roots"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
