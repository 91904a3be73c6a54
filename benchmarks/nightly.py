"""What a night costs: days read, warnings, and cases kept, through the service as the worker runs it.

python -m benchmarks.nightly --json [--obligors 200 500 2000]
python -m benchmarks.nightly --json --home FOLDER ...     (homes that stand)
python -m benchmarks.nightly --json --decisions 20000 ... (with standing decisions, as many as there are obligors at most)

Books of fifteen machines an obligor with eight months of daily reports and every ledger are simulated and taken in;
then the last day is watched, by a process for each processor. One day of 20,000 obligors is 300,000 changed
machine-days. Processor seconds, so that other work on the machine hardly moves them; wall seconds beside them.
A line through the sizes says what a machine costs, and the largest against the line of the others how far the cost is
linear. With `--decisions` the night looks after the covenants of made-up decisions too, half a year old, a snapshot a
week (`standing_decisions`); what these cost is measured once more by itself. Synthetic; effect sizes are inputs, not
findings.
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

from api.consents.repository import shown_for_credit
from api.covenants.service import covenants_by_night
from api.database.tables import watch_day
from api.home import Home, open_home
from api.partners.repository import LOCAL
from api.snapshots.service import reader
from api.watch import service
from api.watch.nightly import last_day
from benchmarks.simulated_book import alone, cpu_seconds, make_home, peak_memory_bytes
from benchmarks.standing_decisions import standing
from data_contracts.identifiers import ObligorId
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
    parser.add_argument("--decisions", type=int, default=0, help="standing decisions of each home")
    asked = parser.parse_args(arguments)
    nights = [measured(home, asked.decisions) for home in asked.home] or [
        simulated(size, asked.decisions) for size in asked.obligors
    ]
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


def simulated(obligors: int, decisions: int) -> dict[str, Any]:
    """A night of a book that is made, measured and forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own too: one that is started later begins with the peak of memory of who starts it.
        return measured(Path(alone(partial(made, Path(folder), obligors))["home"]), decisions)


def made(folder: Path, obligors: int) -> dict[str, Any]:
    """A book in a home below the folder."""
    return {"home": str(make_home(folder, obligors=obligors, months=MONTHS, machines=MACHINES))}


def measured(home: Path, decisions: int) -> dict[str, Any]:
    """A night of a home, by a process that does nothing else."""
    return alone(partial(measure_standing if decisions else measure, home, *([decisions] if decisions else [])))


def measure_standing(home: Path, decisions: int) -> dict[str, Any]:
    """A night over so many standing decisions, and what of it their covenants cost."""
    opened = open_home(home)
    with opened.engine.connect() as connection:
        firms = shown_for_credit(connection, LOCAL, now=NOW)
    with standing(opened, firms[:decisions], as_of=AS_OF) as snapshots:
        night = measure(home)
        quarter = covenants_of(opened, firms[: decisions // 4])
        covenants = covenants_of(opened, firms)
    opened.engine.dispose()
    told = {"decisions": min(decisions, len(firms)), "snapshots": snapshots, **covenants}
    return {**night, "covenants": {**told, "cpu_seconds_of_a_quarter": quarter["cpu_seconds"]}}


def covenants_of(home: Home, firms: Sequence[ObligorId]) -> dict[str, Any]:
    """What a night warns of in the covenants of these obligors, by itself."""
    began, used = time.perf_counter(), cpu_seconds()
    with home.engine.connect() as connection:
        found = covenants_by_night(connection, home, firms, as_of=AS_OF, day=last_day(AS_OF), now=NOW)
    return {
        "warnings": sum(map(len, found.values())),
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(cpu_seconds() - used, 2),
    }


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
