"""How fast training sets are made, beside plain pandas: `python -m benchmarks.training_set --json`.

A synthetic book is simulated and taken in (or `--home` names one that stands): machines' daily reports over six years,
with outages, late uplinks, machines that change hands, and every ledger. Then:

* the grid: every feature of every obligor at 48 month ends, as known at each (`features.grid`), by a process for each
  processor;
* the reference: the features that one frame of an obligor's days gives, by plain pandas as-of joins in one process
  (`benchmarks.pandas_features`), on a sample of obligors and month ends, compared value by value with the grid's.

Values per second are features times rows, over the seconds that it took to read and compute them. The reference makes
fewer features than the grid, and those that rest on ledgers are not among them. So `times_faster` is told by the value,
and `times_faster_same_features` counts of the grid only the features that the reference makes as well, though its seconds
are those of all: the most that can be held against it. The peak of memory is that of this process and, for each of the
others, that of the largest.
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

import numpy as np

from api.database.engine import reading
from api.home import open_home
from api.processes import processes_of
from api.snapshots.service import feature_parameters, reader
from benchmarks.pandas_features import NAMES, PandasFeatures
from benchmarks.simulated_book import alone, cpu_seconds, make_home, peak_memory_bytes
from data_contracts.identifiers import ObligorId
from data_contracts.reference.calendars import add_months
from features.grid.matrices import feature_grid
from features.history import Level
from features.matrix import FeatureMatrix

OBLIGORS = 2_000
MACHINES_PER_OBLIGOR = 5.0
MONTHS = 72
GRID = 48
END = datetime(2026, 6, 30, 16, tzinfo=UTC)
SAMPLE_OBLIGORS = 200
SAMPLE_INSTANTS = 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, as JSON or as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obligors", type=int, default=OBLIGORS)
    parser.add_argument("--home", type=Path, help="a home that took in such a book; else one is made and forgotten")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or make_home(
            Path(folder) / "book", obligors=options.obligors, months=MONTHS, machines=MACHINES_PER_OBLIGOR
        )
        result = alone(partial(measure, home))
    json.dump(result, sys.stdout, indent=None if options.json else 1)
    sys.stdout.write("\n")


def measure(home: Path) -> dict[str, Any]:
    """The grid and the reference on one home."""
    as_ofs = [add_months(END, -back) for back in range(GRID - 1, -1, -1)]
    opened = open_home(home)
    processes = processes_of(opened)
    with reading(opened.engine) as connection:
        source = reader(connection, opened)
        began = time.perf_counter()
        grid = feature_grid(
            source, as_ofs=as_ofs, level=Level.OBLIGOR, parameters=feature_parameters(), processes=processes
        )
        seconds = time.perf_counter() - began
        peak, cpu = peak_memory_bytes(processes.count), cpu_seconds()
        rows = sum(len(matrix.units) for matrix in grid.values())
        features = len(next(iter(grid.values())).names)
        chosen = [as_ofs[at] for at in np.linspace(0, GRID - 1, SAMPLE_INSTANTS).round().astype(int)]
        sample = _sample([grid[as_of] for as_of in chosen])
        began = time.perf_counter()
        reference = PandasFeatures(source, sample, until=chosen[-1])
        told = [reference.at(as_of) for as_of in chosen]
        reference_seconds = time.perf_counter() - began
    reference_values = sum(frame.size for frame in told)
    pairs = [(grid[as_of], frame) for as_of, frame in zip(chosen, told, strict=True)]
    ours, theirs = rows * features / seconds, reference_values / reference_seconds
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "processes": processes.count,
        "obligors": max(len(matrix.units) for matrix in grid.values()),
        "as_ofs": GRID,
        "features": features,
        "values": rows * features,
        "values_per_second": ours,
        "reference_features": len(NAMES),
        "reference_rows": reference_values // len(NAMES),
        "reference_values": reference_values,
        "reference_values_said": sum(int(frame.notna().sum().sum()) for frame in told),
        "reference_seconds": reference_seconds,
        "reference_values_per_second": theirs,
        "times_faster": ours / theirs,
        "times_faster_same_features": ours * len(NAMES) / features / theirs,
        "peak_memory_bytes": peak,
        "max_relative_difference": max(largest_difference(matrix, frame) for matrix, frame in pairs),
    }


def largest_difference(matrix: FeatureMatrix, told: Any) -> float:
    """The largest relative difference of a value that both tell; infinite where only one tells one."""
    position = {unit: at for at, unit in enumerate(matrix.units)}
    rows = [position[unit] for unit in told.index]
    ours = matrix.values[np.ix_(rows, [matrix.names.index(name) for name in told.columns])]
    theirs = told.to_numpy(dtype=np.float64)
    if (np.isnan(ours) != np.isnan(theirs)).any():
        return float("inf")
    scale = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), 1e-12)
    return float(np.nanmax(np.abs(ours - theirs) / scale, initial=0.0))


def _sample(matrices: Sequence[FeatureMatrix]) -> list[ObligorId]:
    """Some obligors that are known at all of these instants, spread over the book."""
    common = sorted(set.intersection(*(set(matrix.units) for matrix in matrices)))
    places = np.linspace(0, len(common) - 1, min(SAMPLE_OBLIGORS, len(common))).round().astype(int)
    return [ObligorId(common[at]) for at in places]


if __name__ == "__main__":
    main()
