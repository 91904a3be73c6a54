"""The ladder of baselines on the base world, out of time: from the intercept to the oracle.

`python -m benchmarks.ladder --json`; `--write` also writes the figures into docs/world-benchmark.md. Synthetic; effect
sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

from api.models.service import scoring_parameters
from benchmarks.worlds.built import CALIBRATE, TEST, TRAIN, BuiltWorld, built, month_end, quiet_stdout, split
from benchmarks.worlds.compared import fitted, margins
from benchmarks.worlds.power_points import power_points
from features.as_of import CreditTrainingSet
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import Calibrator, PdScale, fit_logistic
from scoring.credit.master_scale import pd_ceiling
from scoring.training.features import credit_sign, input_columns
from scoring.training.metrics import credit_metrics
from scoring.training.scorecard import fit_scorecard
from simulator.summary import STATEMENT

PAGE = Path(__file__).parent.parent / "docs" / "world-benchmark.md"
BEGIN, END = "<!-- ladder: python -m benchmarks.ladder --write -->", "<!-- end of ladder -->"
FIRST_SEED = 101
SEEDS = 10
OBLIGORS = 1500
MACHINES = 2.0
PROCESSES = 2
RUNGS = {
    "intercept": "intercept: the default rate of the calibration months",
    "power_points": "power-only points of 电E贷",
    "scorecard": "scorecard: weights of evidence, logistic regression",
    "model": "Millgrade: monotone trees, calibrated",
    "oracle": "oracle: the exact PD",
}

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of the training set by slice."""

    train: NDArray[np.int64]
    calibrate: NDArray[np.int64]
    test: NDArray[np.int64]


def main() -> None:
    """Climb, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds (10)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (1500)")
    arguments = parser.parse_args()
    found = measure(range(FIRST_SEED, FIRST_SEED + arguments.seeds), obligors=arguments.obligors)
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(json.dumps(found, indent=2) if arguments.json else table(found))


def measure(seeds: Sequence[int], *, obligors: int) -> dict[str, Any]:
    """Every rung's figures on the test month, as means over worlds with their 95 % intervals over worlds."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=quiet_stdout) as pool:
        worlds = list(pool.map(climb, seeds, [obligors] * len(seeds)))
    return {
        "rungs": {
            name: {"label": label, **_over_worlds([world[name] for world in worlds])} for name, label in RUNGS.items()
        },
        "test_defaults": sum(world["defaults"] for world in worlds),
        "test_obligors": sum(world["obligors"] for world in worlds),
        **worlds[0]["identity"],
        "worlds": len(worlds),
        "seeds": list(seeds),
        "obligors": obligors,
        "statement": STATEMENT,
    }


def climb(seed: int, obligors: int) -> dict[str, Any]:
    """Every rung's figures in one world."""
    with built("base", seed=seed, obligors=obligors, machines_per_obligor=MACHINES) as world:
        data = world.training_set((*TRAIN, *CALIBRATE, *TEST))
        rows = _rows(data)
        truth = _truth(world, data, rows.test)
        chances = {
            "intercept": np.full(len(rows.test), float(data.defaulted[rows.calibrate].mean())),
            "power_points": _by_points(world, data, rows),
            "scorecard": _by_scorecard(data, rows),
            "model": _by_model(fitted(data, split()), data, rows.test),
            "oracle": truth,
        }
    outcome = data.defaulted[rows.test]
    print(f"seed {seed}: {len(outcome)} obligors, {int(outcome.sum())} defaults", file=sys.stderr, flush=True)
    figures = {name: _figures(pd, truth, outcome) for name, pd in chances.items()}
    identity = {name: getattr(world.summary, name) for name in ("world", "version", "parameters_hash")}
    return {**figures, "identity": identity, "defaults": int(outcome.sum()), "obligors": len(outcome)}


def table(found: Mapping[str, Any]) -> str:
    """The ladder as a Markdown table."""
    lines = [
        f"World {found['version']}, parameters {found['parameters_hash'][:12]}, seeds {found['seeds'][0]}-{found['seeds'][-1]}, {found['obligors']:,} firms each; "
        f"{found['test_obligors']:,} obligors with {found['test_defaults']:,} defaults in the test months. "
        "Means over worlds, in brackets 95 % intervals of the mean.",
        "",
        "| rung | AUC | log-loss | RMSE of logit PD against the truth | calibration slope |",
        "|---|---|---|---|---|",
    ]
    for rung in found["rungs"].values():
        cells = [_cell(rung[name]) for name in ("auc", "log_loss", "rmse_logit", "calibration_slope")]
        lines.append(f"| {rung['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _by_points(world: BuiltWorld, data: CreditTrainingSet, rows: Rows) -> Matrix:
    """Points turned into probabilities by a logistic regression on the calibration months."""
    points = np.full(len(data.as_of), np.nan)
    for month in (*CALIBRATE, *TEST):
        as_of = month_end(month)
        found = power_points(world, as_of)
        for row in np.flatnonzero(data.as_of == np.datetime64(as_of.replace(tzinfo=None), "us")):
            points[row] = found.get(data.obligor_ids[row], 0.0)
    intercept, slope = fit_logistic(-points[rows.calibrate][:, None] / 100.0, data.defaulted[rows.calibrate])
    return np.asarray(expit(intercept - slope * points[rows.test] / 100.0))


def _by_scorecard(data: CreditTrainingSet, rows: Rows) -> Matrix:
    """Fitted on the training months; intercept and slope set anew on the calibration months."""
    card = fit_scorecard(
        data.values[rows.train],
        data.defaulted[rows.train],
        columns=input_columns(data.names, data.values[rows.train], credit_sign),
    )
    log_odds = card.log_odds(data.values)
    intercept, slope = fit_logistic(log_odds[rows.calibrate][:, None], data.defaulted[rows.calibrate])
    return np.asarray(expit(intercept + slope * log_odds[rows.test]))


def _by_model(model: CreditArtefact, data: CreditTrainingSet, test: NDArray[np.int64]) -> Matrix:
    """PDs as the service says them, central tendency and floor included."""
    values = scoring_parameters().at(month_end(TEST[-1]))
    card = model.card
    scale = PdScale(
        calibrator=Calibrator(**card.calibrator.model_dump()),
        reference_rate=card.reference_rate,
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
        ceiling=pd_ceiling(values),
    )
    return np.array([scale.pd_12m(float(margin)) for margin in margins(model, data)[test]])


def _figures(pd: Matrix, truth: Matrix, outcome: Mask) -> dict[str, float]:
    metrics = credit_metrics(pd, outcome)
    slope = metrics.calibration_slope
    return {
        "auc": metrics.auc.value if metrics.auc else float("nan"),
        "log_loss": metrics.log_loss,
        "rmse_logit": float(np.sqrt(np.mean((logit(pd) - logit(truth)) ** 2))),
        "calibration_slope": slope.value if slope else float("nan"),
    }


def _over_worlds(figures: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in figures[0]:
        values = np.array([figure[name] for figure in figures])
        if np.isnan(values).any():
            found[name] = None
            continue
        spread = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        half = float(student.ppf(0.975, len(values) - 1)) * spread if len(values) > 1 else None
        found[name] = {
            "mean": float(values.mean()),
            "lower": None if half is None else float(values.mean() - half),
            "upper": None if half is None else float(values.mean() + half),
        }
    return found


def _cell(figure: Mapping[str, float | None] | None) -> str:
    if figure is None:
        return "-"
    interval = "" if figure["lower"] is None else f" [{figure['lower']:.3f}, {figure['upper']:.3f}]"
    return f"{figure['mean']:.3f}{interval}"


def _truth(world: BuiltWorld, data: CreditTrainingSet, test: NDArray[np.int64]) -> Matrix:
    months = world.truth("obligor_month").to_pandas()
    months = months[months["as_of"] == month_end(TEST[-1])].set_index("obligor_id")["pd_12m_true"]
    return months.loc[[data.obligor_ids[row] for row in test]].to_numpy(dtype=np.float64)


def _rows(data: CreditTrainingSet) -> Rows:
    def at(months: Sequence[int]) -> NDArray[np.int64]:
        stamps = [np.datetime64(month_end(month).replace(tzinfo=None), "us") for month in months]
        return np.flatnonzero(np.isin(data.as_of, np.array(stamps)))

    return Rows(train=at(TRAIN), calibrate=at(CALIBRATE), test=at(TEST))


if __name__ == "__main__":
    main()
