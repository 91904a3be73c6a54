"""Premiums and hazards beside the truth of the frozen base world: `python -m benchmarks.insurance_truth --json`.

Each world is simulated, taken in through admission, and priced by the model that the pipeline trains on it; the truth is
opened only afterwards. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import t as student

from api.models.service import scoring_parameters
from api.snapshots.service import feature_parameters, reader
from benchmarks.insurance import idle_engine, idle_truth, warranty_truth
from benchmarks.insurance.idle_truth import PATHS
from benchmarks.worlds.built import END, KINDS, LOCAL_AHEAD, MONTHS, BuiltWorld, built, month_end
from data_contracts.contract import RecordKind
from features.as_of import InsuranceTrainingSet, insurance_training_set
from scoring.insurance.tariff import dislocation
from scoring.training.insurance import train_insurance
from simulator.insurance.severity import chance_above, mean_payout
from simulator.parameter_values import load_parameters
from simulator.summary import STATEMENT
from simulator.world import PARAMETERS_AS_OF

FIRST_SEED = 101
SEEDS = 10
OBLIGORS = 1500
MACHINES = 2.0
SEED = 20260701
OBSERVED = (3, 9, 15, 21, 35)
"""Months after the first instant; the last one, a year clear of the one before, is the test's."""
YEAR = 12
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
WITH_INSURANCE = KINDS | {RecordKind.INSURANCE_POLICY, RecordKind.INSURANCE_CLAIM}

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


def main() -> None:
    """Measure world by world and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds (10)")
    parser.add_argument("--first", type=int, default=FIRST_SEED, help=f"seed of the first world ({FIRST_SEED})")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (1500)")
    parser.add_argument(
        "--only",
        choices=["idle_cover", "idle_engine", "premiums", "warranty"],
        help="one part; premiums is all but idle cover, idle_engine is idle cover with the true process's parameters",
    )
    parser.add_argument(
        "--kept", type=Path, help="a folder in which each world's premiums and seasons are kept, and taken from"
    )
    parser.add_argument("--paths", type=int, default=PATHS, help=f"of each world's season lived again ({PATHS})")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.only == "idle_cover":
        told = idle_truth.measure(
            seeds,
            obligors=arguments.obligors,
            machines_per_obligor=MACHINES,
            paths=arguments.paths,
            kept=arguments.kept,
        )
        found = {"idle_cover": told, "seeds": list(seeds), "obligors": arguments.obligors, "statement": STATEMENT}
    elif arguments.only == "idle_engine":
        engine = idle_engine.measure(seeds, months=MONTHS, paths=arguments.paths, kept=arguments.kept)
        found = {"idle_engine": engine, "seeds": list(seeds), "statement": STATEMENT}
    elif arguments.only == "warranty":
        worlds = warranty_truth.measure(
            seeds,
            obligors=arguments.obligors,
            machines_per_obligor=MACHINES,
            months=MONTHS,
            settings=_hazard_settings(),
        )
        found = {**_largest(worlds), "warranty_table": warranty_truth.mean_table(worlds), "worlds": worlds}
        found |= {"seeds": list(seeds), "obligors": arguments.obligors, "statement": STATEMENT}
    else:
        paths = None if arguments.only else arguments.paths
        found = measure(seeds, obligors=arguments.obligors, paths=paths, kept=arguments.kept)
    print(json.dumps(found, indent=2) if arguments.json else text(found))


def measure(
    seeds: Sequence[int], *, obligors: int, paths: int | None = PATHS, kept: Path | None = None
) -> dict[str, Any]:
    """Every world's figures, and their means with 95 % intervals over worlds where there are several; without `paths`
    nothing of idle cover."""
    worlds, idle, lived = [], [], []
    for seed in seeds:
        file = None if kept is None else kept / f"{seed}-{obligors}.json"
        if file is not None and file.exists() and paths is None:
            worlds.append(json.loads(file.read_text()))
            continue
        with built("base", seed=seed, obligors=obligors, machines_per_obligor=MACHINES, kinds=WITH_INSURANCE) as world:
            worlds.append(_world(world))
            if paths is not None:
                lived.append(idle_engine.lives(seed, months=MONTHS, paths=paths, kept=kept))
                idle.append(idle_truth.idle_cover(world.folder, lived[-1]))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(worlds[-1]))
        print(f"seed {seed}: slope {worlds[-1]['slope']:.3f}", file=sys.stderr, flush=True)
    slopes = [world["slope"] for world in worlds]
    return {
        "slopes": slopes,
        "mean_slope": float(np.mean(slopes)),
        "mean_slope_interval": _interval(slopes),
        "balance": [world["balance"] for world in worlds],
        "balance_standard_errors": [world["balance_standard_errors"] for world in worlds],
        "balance_standard_errors_as_drawn": [world["balance_standard_errors_as_drawn"] for world in worlds],
        "largest_gap_to_observed_claims": max(world["gap_to_observed_claims"] for world in worlds),
        **_largest(worlds),
        "redistribution_at_equal_premium": {
            name: float(np.mean([world["redistribution"][name] for world in worlds]))
            for name in worlds[0]["redistribution"]
        },
        **({"idle_cover": idle_truth.together(idle, lived)} if idle else {}),
        "worlds": worlds,
        "seeds": list(seeds),
        "obligors": obligors,
        "statement": STATEMENT,
    }


def text(found: Mapping[str, Any]) -> str:
    """The headline, a line each."""
    return "\n".join(f"{name}: {found[name]}" for name in found if name != "worlds")


def _largest(worlds: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The largest gap of any world, each way to look at a warranty's hazard."""
    return {name: max(world[name] for world in worlds) for name in worlds[0] if name.startswith("warranty_z_max")}


def _hazard_settings() -> Mapping[str, Any]:
    settings: Mapping[str, Any] = scoring_parameters().at(END.date())["warranty_hazard"]
    return settings


def _world(world: BuiltWorld) -> dict[str, Any]:
    with world.home.engine.connect() as connection:
        data = insurance_training_set(
            reader(connection, world.home),
            as_ofs=[month_end(month) for month in OBSERVED],
            parameters=feature_parameters(),
            known_until=END,
        )
    model = train_insurance(data, parameters=scoring_parameters(), seed=SEED)
    keys = [list(data.names).index(feature.key) for feature in model.card.features]
    margins = model.bag.margins(data.values[:, keys], base_margin=float(np.log(model.card.portfolio_rate)))[0]
    expected = data.exposure_years * np.exp(margins) * model.card.balance_factor
    ours = expected * model.card.damage_ratio * data.sums_insured_minor
    true = _true_premiums(world.truth("machine_month"), data)
    last = data.as_of == data.as_of.max()
    return {
        "slope": _slope(true[last], ours[last]),
        **_balance(data, ours, true, expected, ~last, lump=_lump(world.truth("machine_month"))),
        "redistribution": _redistribution(data, ours, last),
        **warranty_truth.gaps(world.truth("machine_month"), _hazard_settings()),
        "test_rows": int(last.sum()),
        "train_claims": int(data.claim_counts[~last].sum()),
    }


def _true_premiums(truth: pa.Table, data: InsuranceTrainingSet) -> Vector:
    """What the claims of each row's twelve months cost on average, given what the machine did (minor units)."""
    months = truth["month"].to_numpy().astype("datetime64[M]").astype(np.int64)
    uids, premiums = truth["machine_uid"].to_pylist(), truth["pure_premium_minor"].to_numpy()
    place = {uid: at for at, uid in enumerate(dict.fromkeys(uids))}
    first = int(months.min())
    table = np.zeros((len(place), int(months.max()) - first + 1))
    np.add.at(table, ([place[uid] for uid in uids], months - first), premiums)
    since = np.concatenate([np.zeros((len(place), 1)), np.cumsum(table, axis=1)], axis=1)
    ahead = np.timedelta64(int(LOCAL_AHEAD.total_seconds()), "s")
    begins = (data.as_of + ahead).astype("datetime64[M]").astype(np.int64) - first
    ends = np.minimum(begins + YEAR, table.shape[1])
    rows = np.array([place.get(uid, -1) for uid in data.machine_uids])
    return np.where(rows >= 0, since[rows, ends] - since[rows, begins], 0.0)


def _slope(true: Vector, ours: Vector) -> float:
    """Of the true pure premium on ours, by least squares."""
    return float(np.cov(true, ours)[0, 1] / np.var(ours, ddof=1))


def _balance(
    data: InsuranceTrainingSet, ours: Vector, true: Vector, expected: Vector, fitted: Mask, *, lump: float
) -> dict[str, float]:
    """Ours over the truth on the rows fitted on, in standard errors of the claims there, and the gap to the claims
    observed.

    Claims are a compound Poisson sum, whose variance is the sum of squared claims: of those expected, true premium x
    sum insured x `lump`, or of those drawn (`as_drawn`), which are few and small exactly where the sum came out low, so
    that a low balance seems further away than it is.

    Rows of half-yearly instants overlap by half a year; their claims are counted as often as their premiums are, which
    makes the standard error larger by the root of that count.
    """
    count, amount = data.claim_counts[fitted], data.claim_amounts_minor[fitted].astype(np.float64)
    drawn = float((amount[count > 0] ** 2 / count[count > 0]).sum())
    squares = lump * float(true[fitted] @ data.sums_insured_minor[fitted].astype(np.float64))
    gap = float(ours[fitted].sum() - true[fitted].sum())
    return {
        "balance": float(ours[fitted].sum() / true[fitted].sum()),
        "balance_standard_errors": gap / (2 * squares) ** 0.5,
        "balance_standard_errors_as_drawn": gap / (2 * drawn) ** 0.5,
        "gap_to_observed_claims": float(abs(expected[fitted].sum() / count.sum() - 1)),
    }


def _lump(truth: pa.Table) -> float:
    """Mean square of a claim over its mean, in shares of the sum insured, over the kinds of claims as their failures
    and hours come, at ordinary maintenance: E[(min(X, 1) - d)+^2] is the integral of 2 (x - d) P(X > x)."""
    insurance = load_parameters(PARAMETERS_AS_OF).insurance
    failures, hours = (float(np.sum(truth[name].to_numpy())) for name in ("faults_expected", "executing_hours"))
    least, one = insurance.deductible_share, np.ones(1)
    shares = np.geomspace(least, 1.0, 2_000)
    first = second = 0.0
    for kind in insurance.kinds.values():
        losses = failures * kind.per_failure + hours * kind.per_1000_hours / 1000
        above = np.array([chance_above(kind.severity, scale=one, deductible_share=x)[0] for x in shares])
        first += losses * float(mean_payout(kind.severity, scale=one, deductible_share=least)[0])
        second += losses * float(np.trapezoid(2 * (shares - least) * above, shares))
    return second / first


def _redistribution(data: InsuranceTrainingSet, ours: Vector, last: Mask) -> dict[str, float]:
    """How premiums move from one rate for all (a share of the sum insured a year) to ours, the book earning the same."""
    basis = (data.exposure_years * data.sums_insured_minor)[last]
    flat = np.full(int(last.sum()), float(ours[last].sum() / basis.sum()))
    told = dislocation(flat, ours[last] / basis, basis, shares=SHARES)
    change = ours[last] / (flat * basis) - 1
    return {**told, "pay_at_least_20_percent_less": float(basis[change <= -0.2].sum() / basis.sum())}


def _interval(values: Sequence[float]) -> list[float] | None:
    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return [float(np.mean(values)) - half, float(np.mean(values)) + half]


if __name__ == "__main__":
    main()
