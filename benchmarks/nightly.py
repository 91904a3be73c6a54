"""What a night costs: days read, warnings, and cases kept, through the service as the worker runs it.

python -m benchmarks.nightly --json [--obligors 200 500 2000]
python -m benchmarks.nightly --json --home FOLDER ...     (homes that stand)

Books of fifteen machines an obligor with eight months of daily reports and every ledger are simulated and taken in;
then the last day is watched, by a process for each processor. One day of 20,000 obligors is 300,000 changed
machine-days. Processor seconds, so that other work on the machine hardly moves them; wall seconds beside them.
A line through the sizes says what a machine costs, and the largest against the line of the others how far the cost is
linear. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import sqlalchemy as sa

from api.database.tables import watch_day
from api.home import open_home
from api.snapshots.service import reader
from api.watch import service
from benchmarks.simulated_book import alone, cpu_seconds, make_home, peak_memory_bytes
from simulator.summary import STATEMENT

SIZES = (200, 500, 2000)
MACHINES = 15.0
MONTHS = 8
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FULL_MACHINES = 300_000
LIMIT_SECONDS = 120.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--obligors", type=int, nargs="*", default=SIZES)
    parser.add_argument("--home", type=Path, nargs="*", default=[], help="homes that took in such books instead")
    asked = parser.parse_args(arguments)
    nights = [measured(home) for home in asked.home] or [simulated(size) for size in asked.obligors]
    told = {"nights": nights, **line_through(nights), "limit_seconds": LIMIT_SECONDS, "statement": STATEMENT}
    print(json.dumps(told, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


def line_through(nights: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a machine costs and what a night costs however few there are, by least squares; what that makes of 300,000
    machines; and how far the largest night lies from the line through the others."""
    machines = np.array([night["changed_machine_days"] for night in nights], dtype=np.float64)
    used = np.array([night["cpu_seconds"] for night in nights])
    if len(nights) < 2:
        return {}
    slope, base = np.polyfit(machines, used, 1)
    told = {
        "cpu_milliseconds_a_machine": round(1000 * slope, 3),
        "cpu_seconds_a_night": round(base, 2),
        "cpu_seconds_for_300000_machines": round(base + slope * FULL_MACHINES, 1),
    }
    if len(nights) == 2:
        return told
    largest = int(np.argmax(machines))
    others = np.delete(np.arange(len(nights)), largest)
    expected = np.polyval(np.polyfit(machines[others], used[others], 1), machines[largest])
    return {**told, "largest_over_line_of_the_others": round(float(used[largest] / expected), 3)}


def simulated(obligors: int) -> dict[str, Any]:
    """A night of a book that is made, measured and forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own too: one that is started later begins with the peak of memory of who starts it.
        return measured(Path(alone(partial(made, Path(folder), obligors))["home"]))


def made(folder: Path, obligors: int) -> dict[str, Any]:
    """A book in a home below the folder."""
    return {"home": str(make_home(folder, obligors=obligors, months=MONTHS, machines=MACHINES))}


def measured(home: Path) -> dict[str, Any]:
    """A night of a home, by a process that does nothing else."""
    return alone(partial(measure, home))


def measure(home: Path) -> dict[str, Any]:
    """The last day, and once more to see that nothing is done twice."""
    opened = open_home(home)
    with opened.engine.begin() as connection:
        connection.execute(sa.delete(watch_day))
        register = reader(connection, opened).machines(as_of=AS_OF)
    machines = pc.sum(pc.is_null(register["owned_until"])).as_py()
    began, used = time.perf_counter(), cpu_seconds()
    told = service.watch(opened, as_of=AS_OF, now=NOW)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - used
    again = service.watch(opened, as_of=AS_OF, now=NOW + timedelta(minutes=1))
    opened.engine.dispose()
    return {
        "obligors": told["obligors"],
        "changed_machine_days": machines,
        "warnings": told["warnings"],
        "cases": len(told["cases"]),
        "done_again": again["obligors_watched_now"],
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_memory_bytes": peak_memory_bytes(2),
    }


if __name__ == "__main__":
    main()
