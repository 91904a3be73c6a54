"""How fast a whole book is looked at on one date: `python -m benchmarks.snapshots --obligors 500 5000 --json`.

Books of 15 machines an obligor, with two years of daily reports and every ledger, are simulated and taken in (or
`--home` names homes that stand). Then everything that snapshots say of every obligor and machine is read and computed as
known at one instant (`features.snapshot_book`), by a process for each processor. The processor time that a machine
costs in the largest book over that in the smallest says how far the cost is linear.

The peak of memory is that of this process and, for each of the others, that of the largest.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from api.database.engine import reading
from api.home import open_home
from api.processes import processes_of
from api.snapshots.service import feature_parameters, reader
from benchmarks.simulated_book import alone, cpu_seconds, make_home, peak_memory_bytes
from data_contracts.identifiers import ObligorId
from features.snapshot_book import snapshot_book

OBLIGORS = (500, 5_000)
MACHINES_PER_OBLIGOR = 15.0
MONTHS = 25
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, as JSON or as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obligors", type=int, nargs="+", default=list(OBLIGORS), help="sizes of the books")
    parser.add_argument("--home", type=Path, nargs="*", default=[], help="homes that took in such books instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    books = [measured(home) for home in options.home] or [simulated(size) for size in options.obligors]
    by_size = sorted(books, key=lambda book: book["obligors"])
    ratio = by_size[-1]["cpu_milliseconds_per_machine"] / by_size[0]["cpu_milliseconds_per_machine"]
    result = {"books": books, "cost_of_a_machine_largest_over_smallest_book": ratio}
    json.dump(result, sys.stdout, indent=None if options.json else 1)
    sys.stdout.write("\n")


def simulated(obligors: int) -> dict[str, Any]:
    """A book of so many obligors, made, measured and forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        return measured(make_home(Path(folder), obligors=obligors, months=MONTHS, machines=MACHINES_PER_OBLIGOR))


def measured(home: Path) -> dict[str, Any]:
    """The book of a home, by a process that does nothing else."""
    return alone(partial(measure, home))


def measure(home: Path) -> dict[str, Any]:
    """Snapshots of everybody and every machine."""
    opened = open_home(home)
    processes = processes_of(opened)
    with reading(opened.engine) as connection:
        source = reader(connection, opened)
        ids = [ObligorId(word) for word in source.obligor_profiles(as_of=AS_OF)["obligor_id"].to_pylist()]
        began = time.perf_counter()
        book = snapshot_book(source, obligor_ids=ids, as_of=AS_OF, parameters=feature_parameters(), processes=processes)
        machines = [len(snapshot.machines) for snapshot in book]
        seconds = time.perf_counter() - began
    return {
        "obligors": len(machines),
        "machines": sum(machines),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds(),
        "processes": processes.count,
        "milliseconds_per_obligor": 1_000 * seconds / len(machines),
        "cpu_milliseconds_per_machine": 1_000 * cpu_seconds() / sum(machines),
        "peak_memory_bytes": peak_memory_bytes(processes.count),
    }


if __name__ == "__main__":
    main()
