"""Premiums and hazards beside the truth of the frozen base world: `python -m benchmarks.insurance_truth --json`.

Each world is simulated, taken in through admission, and priced by the model that the pipeline trains on it; the truth is
opened only afterwards. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import t as student

from api.models.service import scoring_parameters
from api.snapshots.service import feature_parameters, reader
from benchmarks.insurance import idle_truth
from benchmarks.insurance.idle_truth import PATHS
from benchmarks.worlds.built import END, KINDS, LOCAL_AHEAD, BuiltWorld, built, month_end
from data_contracts.contract import RecordKind
from features.as_of import InsuranceTrainingSet, insurance_training_set
from scoring.insurance.tariff import dislocation
from scoring.insurance.warranty.power_law import PowerLaw, Watched, fit_power_law
from scoring.training.insurance import train_insurance
from simulator.summary import STATEMENT

FIRST_SEED = 101
SEEDS = 10
OBLIGORS = 1500
MACHINES = 2.0
SEED = 20260701
OBSERVED = (3, 9, 15, 21, 35)
"""Months after the first instant; the last one, a year clear of the one before, is the test's."""
FITTED_MONTHS = 36
"""Months of failures that the warranty's law is fitted on; the rest judges it."""
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
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (1500)")
    parser.add_argument("--only", choices=["idle_cover"], help="this part alone; nothing is taken in or trained")
    parser.add_argument("--paths", type=int, default=PATHS, help=f"of each world's season lived again ({PATHS})")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    if arguments.only:
        told = idle_truth.measure(
            seeds, obligors=arguments.obligors, machines_per_obligor=MACHINES, paths=arguments.paths
        )
        found = {"idle_cover": told, "seeds": list(seeds), "obligors": arguments.obligors, "statement": STATEMENT}
    else:
        found = measure(seeds, obligors=arguments.obligors, paths=arguments.paths)
    print(json.dumps(found, indent=2) if arguments.json else text(found))


def measure(seeds: Sequence[int], *, obligors: int, paths: int = PATHS) -> dict[str, Any]:
    """Every world's figures, and their means with 95 % intervals over worlds where there are several."""
    worlds, idle = [], []
    for seed in seeds:
        with built("base", seed=seed, obligors=obligors, machines_per_obligor=MACHINES, kinds=WITH_INSURANCE) as world:
            worlds.append(_world(world))
            idle.append(idle_truth.idle_cover(world.folder, seed, paths=paths))
        print(f"seed {seed}: slope {worlds[-1]['slope']:.3f}", file=sys.stderr, flush=True)
    slopes = [world["slope"] for world in worlds]
    return {
        "slopes": slopes,
        "mean_slope": float(np.mean(slopes)),
        "mean_slope_interval": _interval(slopes),
        "balance": [world["balance"] for world in worlds],
        "balance_standard_errors": [world["balance_standard_errors"] for world in worlds],
        "largest_gap_to_observed_claims": max(world["gap_to_observed_claims"] for world in worlds),
        "warranty_z_max": max(world["warranty_z_max"] for world in worlds),
        "redistribution_at_equal_premium": {
            name: float(np.mean([world["redistribution"][name] for world in worlds]))
            for name in worlds[0]["redistribution"]
        },
        "idle_cover": idle_truth.together(idle),
        "worlds": worlds,
        "seeds": list(seeds),
        "obligors": obligors,
        "statement": STATEMENT,
    }


def text(found: Mapping[str, Any]) -> str:
    """The headline, a line each."""
    return "\n".join(f"{name}: {found[name]}" for name in found if name != "worlds")


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
        **_balance(data, ours, true, expected, ~last),
        "redistribution": _redistribution(data, ours, last),
        "warranty_z_max": _warranty(world.truth("machine_month")),
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
    data: InsuranceTrainingSet, ours: Vector, true: Vector, expected: Vector, fitted: Mask
) -> dict[str, float]:
    """Ours over the truth on the rows fitted on, in standard errors of the claims drawn there (a compound Poisson sum:
    its variance is the sum of squared claims), and the gap to the claims observed.

    Rows of half-yearly instants overlap by half a year; their claims are counted as often as their premiums are, which
    makes the standard error larger by the root of that count.
    """
    count, amount = data.claim_counts[fitted], data.claim_amounts_minor[fitted].astype(np.float64)
    squares = float((amount[count > 0] ** 2 / count[count > 0]).sum()) * 2
    return {
        "balance": float(ours[fitted].sum() / true[fitted].sum()),
        "balance_standard_errors": float((ours[fitted].sum() - true[fitted].sum()) / squares**0.5),
        "gap_to_observed_claims": float(abs(expected[fitted].sum() / count.sum() - 1)),
    }


def _redistribution(data: InsuranceTrainingSet, ours: Vector, last: Mask) -> dict[str, float]:
    """How premiums move from one rate for all (a share of the sum insured a year) to ours, the book earning the same."""
    basis = (data.exposure_years * data.sums_insured_minor)[last]
    flat = np.full(int(last.sum()), float(ours[last].sum() / basis.sum()))
    told = dislocation(flat, ours[last] / basis, basis, shares=SHARES)
    change = ours[last] / (flat * basis) - 1
    return {**told, "pay_at_least_20_percent_less": float(basis[change <= -0.2].sum() / basis.sum())}


def _warranty(truth: pa.Table) -> float:
    """The largest gap, in standard errors, between failures expected by a power law in operating hours and the true
    ones, by tercile of usage, in the months after those fitted on.

    Hours and failures are what a service record holds; only `faults_expected` is truth. A machine's meter starts when
    it is first seen: what it worked before is not known.
    """
    uid = np.unique(np.array(truth["machine_uid"].to_pylist()), return_inverse=True)[1]
    month = truth["month"].to_numpy().astype("datetime64[M]").astype(np.int64)
    order = np.lexsort((month, uid))
    uid, month = uid[order], month[order] - month.min()
    hours, failed, true = (
        truth[name].to_numpy()[order].astype(np.float64) for name in ("executing_hours", "faults", "faults_expected")
    )
    start, end = _meters(uid, hours)
    early = (month < FITTED_MONTHS) & (end > start)
    law = _law(start[early], end[early], failed[early])
    late = (month >= FITTED_MONTHS) & (end > start)
    usage = np.digitize(hours[late], np.quantile(hours[late], (1 / 3, 2 / 3)))
    expected = law.expected(start[late], end[late])
    gaps = [
        abs(expected[usage == tercile].sum() - true[late][usage == tercile].sum())
        / true[late][usage == tercile].sum() ** 0.5
        for tercile in range(3)
    ]
    return float(max(gaps))


def _law(start: Vector, end: Vector, failed: Vector) -> PowerLaw:
    """The law of machine-months, each failure put in the middle of its month's hours."""
    machine = np.repeat(np.arange(len(start)), failed.astype(np.int64))
    middle = (start + end) / 2
    return fit_power_law(
        Watched(entry_hours=start, exit_hours=end, failure_hours=middle[machine], failure_machine=machine)
    )


def _meters(uid: NDArray[np.int64], hours: Vector) -> tuple[Vector, Vector]:
    """Each machine's meter before and after each of its months, rows sorted by machine and month."""
    total = np.cumsum(hours)
    firsts = np.flatnonzero(np.r_[True, uid[1:] != uid[:-1]])
    base = np.repeat((total - hours)[firsts], np.diff(np.r_[firsts, len(uid)]))
    return total - hours - base, total - base


def _interval(values: Sequence[float]) -> list[float] | None:
    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return [float(np.mean(values)) - half, float(np.mean(values)) + half]


if __name__ == "__main__":
    main()
