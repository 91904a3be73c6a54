"""What a lender earns by the model, by the exact probabilities of the frozen base world, and without telemetry.

    python -m benchmarks.profit --json                  (seeds 101-110, 5,000 firms over four years each)

Every firm of the test months asks for one loan of a year, at the rate that earns the hurdle at the default rate of the
calibration months. A lender grants it where it expects to earn at the PD that it believes: that of the truth, of the
model, or of electricity points alone; one without telemetry cannot tell firms apart and lends to all at that rate. What
they then earn, costs of capital taken off, is reckoned by the exact PDs. Regret is what it earns less than the lender who knows them, in
minor units for each 100 yuan asked for. `--worlds FOLDER` keeps the worlds there for another run, as
benchmarks.credit_truth does. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from api.models.service import scoring_parameters
from benchmarks.credit_truth.rungs import Judge
from benchmarks.credit_truth.worlds import KnownWorld, build, read_known, read_truth
from benchmarks.worlds.built import CALIBRATE, TEST, month_end, split
from benchmarks.worlds.compared import fitted
from scoring.credit.calibration import fit_logistic
from scoring.credit.price import capital_share, price_inputs, waterfall
from scoring.money import exact
from simulator.summary import STATEMENT
from simulator.world import VERSION

FIRST_SEED, SEEDS, OBLIGORS = 101, 10, 5_000
LENT_MINOR = 10_000
"""100 yuan, which every firm asks for."""
LGD = 0.40
CONFIDENCE = 0.95
RIVALS = ("model", "power_points", "no_telemetry")

Floats = NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="the first seed (101); developed on 1-3")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds (10)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (5000)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the worlds in")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(
            range(asked.first_seed, asked.first_seed + asked.seeds), asked.obligors, asked.worlds or Path(folder)
        )
    text = json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    sys.stdout.write(text + "\n")


def measure(seeds: Sequence[int], obligors: int, folder: Path) -> dict[str, Any]:
    """All figures, as means over the worlds with their intervals."""
    worlds = []
    for seed in seeds:
        known, truth = build(seed, obligors, folder)
        worlds.append(of_world(read_known(known), truth))
        print(f"world {seed}: {worlds[-1]}", file=sys.stderr, flush=True)
    earned = {name: np.array([world[name]["earned_minor"] for world in worlds]) for name in ("truth", *RIVALS)}
    return {
        "unit": "minor units for each 100 yuan asked for, a year, costs of capital taken off",
        "earned_minor": {name: _mean(values) for name, values in earned.items()},
        "regret_minor": {name: _mean(earned["truth"] - earned[name]) for name in RIVALS},
        "gain_on_no_telemetry_minor": {
            name: _mean(earned[name] - earned["no_telemetry"]) for name in ("truth", "model", "power_points")
        },
        "granted_share": {name: _mean(np.array([world[name]["granted"] for world in worlds])) for name in earned},
        "rate_ratio": [world["rate"]["annual_ratio"] for world in worlds],
        "seeds": list(seeds),
        "obligors": obligors,
        "confidence": CONFIDENCE,
        "version": VERSION,
        "statement": STATEMENT,
    }


def of_world(world: KnownWorld, truth: Path) -> dict[str, dict[str, float]]:
    """What each lender grants and earns in one world, by loan asked for."""
    calibrate, test = world.at(CALIBRATE), world.at(TEST)
    usual = float(world.data.defaulted[calibrate].mean())
    judge = Judge(model=fitted(world.data, split()))
    believed = {
        "model": judge.pd(judge.rows(world.data.values[test], list(world.data.names))),
        "power_points": _by_points(world, calibrate, test),
    }
    chances = read_truth(truth)["pd_12m_true"][test]  # only now: everything is fitted
    rate = market_rate(usual)
    earns = earnings(chances, rate)
    return {
        name: {"granted": float(granted.mean()), "earned_minor": LENT_MINOR * float((earns * granted).mean())}
        for name, granted in {
            "truth": earns > 0,
            **{name: earnings(pd, rate) > 0 for name, pd in believed.items()},
            "no_telemetry": np.ones(len(test), dtype=np.bool_),
        }.items()
    } | {"rate": {"annual_ratio": rate}}


def market_rate(pd_12m: float) -> float:
    """The annual rate that earns the hurdle at this PD."""
    rate, _ = waterfall(pd_12m, exact(LGD), _inputs())
    return float(rate)


def earnings(pd_12m: Floats, rate: float) -> Floats:
    """What a unit lent for a year earns at this rate, costs of funds, of operations and of capital taken off."""
    inputs = _inputs()
    capital = np.array([float(capital_share(float(pd), LGD, inputs)) for pd in pd_12m])
    costs = float(inputs.funds_transfer_price + inputs.operating_cost) + capital * float(inputs.cost_of_capital)
    return np.asarray((1.0 - pd_12m) * rate - pd_12m * LGD - costs)


def _inputs() -> Any:
    return price_inputs(scoring_parameters().at(month_end(TEST[-1]))["price_inputs"])


def _by_points(world: KnownWorld, calibrate: NDArray[np.int64], test: NDArray[np.int64]) -> Floats:
    """Points of electricity alone, intercept and slope set on the calibration months."""
    scores = -world.points / 100.0
    intercept, slope = fit_logistic(scores[calibrate][:, None], world.data.defaulted[calibrate])
    return np.asarray(expit(intercept + slope * scores[test]))


def _mean(values: Floats) -> Mapping[str, float]:
    """The mean over worlds with Student's interval; no interval of one world."""
    found = {"value": round(float(values.mean()), 4)}
    if len(values) > 1:
        half = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        found |= {"lower": round(float(values.mean() - half), 4), "upper": round(float(values.mean() + half), 4)}
    return found


if __name__ == "__main__":
    main()
