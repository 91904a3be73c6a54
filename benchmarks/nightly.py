"""What the nightly look costs once machine-days are read: warnings of obligors and machines, and their cases kept.

python -m benchmarks.nightly --json [--obligors 250 500 1000]

Processor seconds, so that other work on the machine hardly moves them. Reading machine-days is `benchmarks.machine_day`'s.
The days are drawn at random, a hundredth of the machines have fallen. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from api.database.tables import obligor
from api.home import open_home
from api.watch import service
from scoring.monitoring.warnings import EarlyWarning, Severity, Watched, early_warnings
from simulator.summary import STATEMENT

SIZES = (250, 500, 1000)
MACHINES = 15
DAYS = 210
INDUSTRIES = 8
FALLEN = 0.01
TODAY = date(2026, 6, 30)
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--obligors", type=int, nargs="*", default=SIZES)
    asked = parser.parse_args()
    told = {"runs": [measure(size) for size in asked.obligors], "statement": STATEMENT}
    print(json.dumps(told, indent=2) if asked.json else "\n".join(map(str, told["runs"])))


def measure(obligors: int) -> dict[str, Any]:
    """One night of so many obligors with fifteen machines each."""
    values = service.monitoring_parameters().at(TODAY)
    firms = [f"9{number:017}" for number in range(obligors)]
    machines = [f"{firm}/M{number:02}" for firm in firms for number in range(MACHINES)]
    units = [drawn(firms), drawn(machines)]
    started = time.process_time()
    found = [item for watched in units for item in early_warnings(watched, values)]
    warned = time.process_time()
    news, done = _kept(firms, found)
    ended = time.process_time()
    return {
        "obligors": obligors,
        "changed_machine_days": len(machines),
        "warnings": len(found),
        "cases": len(news),
        "obligors_done": done,
        "warning_seconds": round(warned - started, 2),
        "keeping_seconds": round(ended - warned, 2),
        "seconds_per_1000_obligors": round((ended - started) / obligors * 1000, 2),
    }


def drawn(units: Sequence[str]) -> Watched:
    """Units whose days differ by chance; some have worked a third as long of late."""
    random = np.random.default_rng(len(units))
    shape = (len(units), DAYS)
    level = np.ones(shape)
    level[random.random(len(units)) < FALLEN, -14:] = 0.33
    usual = {"executing_seconds": 20_000.0, "parts": 500.0, "energy_kwh": 80.0, "fault_seconds": 600.0}
    measures = {name: mean * level * random.lognormal(0.0, 0.3, shape) for name, mean in usual.items()}
    whole = np.full(shape, 86_400.0)
    return Watched(
        units=units,
        industry=np.arange(len(units)) % INDUSTRIES,
        today=TODAY,
        measures={**measures, "observed_seconds": whole, "owned_seconds": whole},
    )


def _kept(firms: Sequence[str], found: Sequence[EarlyWarning]) -> tuple[list[dict[str, Any]], int]:
    by_firm: dict[str, list[EarlyWarning]] = defaultdict(list)
    for item in found:
        by_firm[item.unit.partition("/")[0]].append(item)
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder) / "home")
        with home.engine.begin() as connection:
            rows = [{"obligor_id": firm, "registered_time": NOW, "registered_by": "benchmark"} for firm in firms]
            connection.execute(obligor.insert(), rows)
        told = service.keep(
            home, by_firm, firms, day=TODAY, opens_at=Severity.SERIOUS, parameters_version="benchmark", now=NOW
        )
        home.engine.dispose()
    return told


if __name__ == "__main__":
    main()
