"""How near the probabilities of default come to the exact ones of the frozen base world.

    python -m benchmarks.credit_truth --json            (seeds 101-110, 5,000 firms over four years each)
    python -m benchmarks.credit_truth --write           (also writes the figures into docs/credit-truth.md)

Fitted on months 3 to 11, calibrated a year later and judged a year after that. The truth is set apart before anything is
fitted and read for judging alone. `--worlds FOLDER` keeps the worlds there for another run. Developed on seeds 1-10.
Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.credit_truth.figures import cells_of, coverage
from benchmarks.credit_truth.page import PAGE, written
from benchmarks.credit_truth.pooled import pooled_auc
from benchmarks.credit_truth.rungs import Judge, climb
from benchmarks.credit_truth.worlds import build, read_known, read_truth
from benchmarks.worlds.built import TEST, quiet_stdout
from scoring.credit.artefact import CreditArtefact
from simulator.summary import STATEMENT
from simulator.world import VERSION

FIRST_SEED = 101
SEEDS = 10
OBLIGORS = 5_000
"""Firms of a world of four years: 20,000 firm-years."""
YEARS = 4
PROCESSES = 2

Files = tuple[Path, Path]


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help=f"write the figures into {PAGE.name}")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="the first seed (101)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds (10)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (5000)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the worlds in")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(
            range(asked.first_seed, asked.first_seed + asked.seeds), asked.obligors, asked.worlds or Path(folder)
        )
    if asked.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    print(json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def measure(seeds: Sequence[int], obligors: int, folder: Path) -> dict[str, Any]:
    """All figures, as means over the worlds."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=quiet_stdout) as pool:
        files = list(pool.map(build, seeds, [obligors] * len(seeds), [folder] * len(seeds)))
        ten_times = pool.submit(pooled_auc, files)
        worlds = list(pool.map(climb, *zip(*files, strict=True)))
        held = interval_coverage(files, [model for _, model in worlds])
        told = [figures for figures, _ in worlds]
        model = _ladder(told)["model"]
        return {
            "slopes": [figures["slope"] for figures in told],
            "mean_slope": float(np.mean([figures["slope"] for figures in told])),
            "auc": model["auc"],
            "auc_ten_times_data": ten_times.result()["auc"],
            "oracle_auc": _ladder(told)["oracle"]["auc"],
            "interval_coverage": held["inside"],
            "ladder": _ladder(told),
            "expected_auc": model["expected_auc"],
            "expected_auc_ten_times_data": ten_times.result()["expected_auc"],
            "expected_oracle_auc": _ladder(told)["oracle"]["expected_auc"],
            "intervals": held,
            "lifetime": _lifetime(told),
            "worlds": told,
            "seeds": list(seeds),
            "obligors": obligors,
            "firm_years": obligors * YEARS,
            "version": VERSION,
            "statement": STATEMENT,
        }


def interval_coverage(files: Sequence[Files], models: Sequence[CreditArtefact]) -> dict[str, Any]:
    """The intervals of every model over cells of the test rows of all worlds together, as a mean over the models.

    The expected default rate of a kind of firm is that over worlds: one world's cell would have its own year and few
    firms in it.
    """
    values, truth, names = [], [], list[str]()
    for known, exact in files:
        world = read_known(known)
        rows, names = world.at(TEST), list(world.data.names)
        values.append(world.data.values[rows])
        truth.append(read_truth(exact)["pd_12m_true"][rows])
    together, chances = np.concatenate(values), np.concatenate(truth)
    cells = cells_of(together, names)
    found = []
    for model in models:
        judge = Judge(model=model)
        rows = judge.rows(together, names)
        lower, upper = judge.interval(rows)
        year = model.card.hyperparameters["interval_year"]
        told = coverage(cells, pd=judge.pd(rows), lower=lower, upper=upper, truth=chances, year_deviation=year)
        found.append(asdict(told))
        print(f"interval: {found[-1]}", file=sys.stderr, flush=True)
    return {
        **{name: float(np.mean([one[name] for one in found])) for name in found[0]},
        "by_world": [one["inside"] for one in found],
        "level_by_world": [one["level"] for one in found],
        "widening_log_odds": [model.card.interval_widening for model in models],
    }


def _ladder(told: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    rungs = told[0]["ladder"]
    return {
        rung: {name: float(np.mean([world["ladder"][rung][name] for world in told])) for name in rungs[rung]}
        for rung in rungs
    }


def _lifetime(told: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    return {name: np.mean([world["lifetime"][name] for world in told], axis=0).tolist() for name in told[0]["lifetime"]}


if __name__ == "__main__":
    main()
