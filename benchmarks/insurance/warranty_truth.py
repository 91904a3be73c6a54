"""A warranty's hazard beside the truth of a simulated world, by tercile of usage: in months to come, and on machines
that it was not fitted on. Synthetic; effect sizes are inputs, not findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import simulator
from api.models.service import scoring_parameters
from api.snapshots.service import feature_parameters
from scoring.insurance.linear import LinearPredictor
from scoring.insurance.warranty.power_law import PowerLaw, Watched, fit_power_law
from scoring.training.features import fold_of
from scoring.training.warranty import RECORD, FittedHazard, MachineMonths, fit_hazard, own_record, recent_failure_rate
from scoring.training.warranty_table import repair_table
from simulator.world import PARAMETERS_AS_OF

FITTED_MONTHS = 36
"""Months of failures that a hazard is fitted on; the rest judges it."""
FOLDS = 2
YEAR, QUARTER = 12, 3
SEED = 20260701

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]
Fitted = Callable[[Mask], FittedHazard]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """A world's machine-months, by machine and month: what a service record holds, the month (n), hours in it (n), true
    failures (n), and what the law of hours alone expects (n; fitted on the first months)."""

    months: MachineMonths
    month: NDArray[np.int64]
    hours: Vector
    true: Vector
    law: PowerLaw
    by_law: Vector
    quoted: NDArray[np.float64]
    """What a quote knows of each (n, 2): hours a year by the last three months, and their shrunk failure rate."""

    @property
    def firms(self) -> list[str]:
        """Whose machine it is (n): a machine's name begins with its firm's."""
        return [uid.split("/")[0] for uid in self.months.machines]

    @property
    def usage(self) -> Vector:
        """Hours a month before the month: a price can go by these. Machines new to the book are of the lowest."""
        return np.nan_to_num(self.months.rows[:, 0])


def measure(
    seeds: Sequence[int], *, obligors: int, machines_per_obligor: float, months: int, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The gaps of worlds that are simulated here and forgotten."""
    found = []
    for seed in seeds:
        with TemporaryDirectory() as folder:
            simulator.simulate(
                out=Path(folder) / "files",
                obligors=obligors,
                months=months,
                seed=seed,
                samples_for=0,
                machines_per_obligor=machines_per_obligor,
                threads=1,
            )
            truth = pq.read_table(Path(folder) / "files" / "truth" / "machine_month.parquet")
        found.append(gaps(truth, settings))
        print(f"seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def gaps(truth: pa.Table, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The largest gaps between expected and true failures by tercile of usage, in standard errors of the failures: in
    the months after those fitted on, by the law with its trees and by the law alone; and of machines held back in turns
    (`_of_other_machines`), all months, where no year to come is in the way. `warranty_ratio` is expected over true of
    all months to come, `warranty_terciles` by tercile, `warranty_by_year` by year of the world, those fitted on first: a
    hazard that falls from year to year ages too slowly. `warranty_table` is the hazard in the form of a filing, which knows
    of the months to come neither hours nor record (`warranty_z_max_of_its_table`).

    Usage is what a machine worked before the month: a failure shortens its own month, so that months of few hours hold
    more failures than the hazard in them (`by_hours_of_the_month` takes them all the same).
    """
    lived = _lived(truth)
    late = lived.month >= FITTED_MONTHS

    def fitted(chosen: Mask) -> FittedHazard:
        part = lived.months.part(chosen)
        return fit_hazard(part, lived.law, signs=tuple(RECORD.values()), settings=settings, seed=SEED)

    found = fitted(~late)
    expected, true, usage = found.expected(lived.months.part(late)), lived.true[late], lived.usage[late]
    others, clustered = _of_other_machines(lived, fitted), gaps_by_firm(lived, found, late)
    table = _filed_form(lived, found, ~late)
    return {
        "warranty_z_max": largest_gap(expected, true, usage),
        "warranty_z_max_by_firms": float(np.abs(clustered).max()),
        "warranty_z_by_firms": clustered.tolist(),
        "warranty_z_max_by_hours_of_the_month": largest_gap(expected, true, lived.hours[late]),
        "warranty_z_max_of_the_law_alone": largest_gap(lived.by_law[late], true, usage),
        "warranty_z_max_of_other_machines": largest_gap(others, lived.true, lived.usage),
        "warranty_z_max_of_its_table": largest_gap(np.exp(table.logs(lived.quoted[late])) / YEAR, true, usage),
        "warranty_table": _relativities(table) | {"base_of_an_equal_book": _equal_base(table, lived.quoted[~late])},
        "warranty_ratio": float(expected.sum() / true.sum()),
        "warranty_by_year": by_year(found.expected(lived.months), lived.true, lived.month),
        "warranty_terciles": [float(sums[0] / sums[1]) for sums in by_tercile(expected, true, usage).T],
        "warranty_rounds": found.rounds,
    }


def mean_table(worlds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The worlds' tables as one: the geometric mean of each figure, as relativities multiply."""
    tables = [pd.json_normalize(world["warranty_table"], sep="/") for world in worlds]
    return {name: float(value) for name, value in np.exp(np.log(pd.concat(tables)).mean()).items()}


def largest_gap(expected: Vector, true: Vector, usage: Vector) -> float:
    """By tercile of usage, in standard errors of the failures."""
    sums = by_tercile(expected, true, usage)
    return float((np.abs(sums[0] - sums[1]) / sums[1] ** 0.5).max())


def gaps_by_firm(lived: Lived, found: FittedHazard, late: Mask) -> Vector:
    """Gaps of the months to come by tercile (3), in standard errors that clusters make: firms are who maintains, so
    that their machines and months go wrong together.

    Two errors are added: of these firms' gaps around their mean, and of what the fit could know, the firms' failures
    around what it expects in the months fitted on, as a share. What a year does to all firms at once is in neither.
    """
    expected = found.expected(lived.months)
    cuts = np.quantile(lived.usage[late], (1 / 3, 2 / 3))
    place, firm = np.digitize(lived.usage, cuts), np.unique(lived.firms, return_inverse=True)[1]
    found_gaps = []
    for tercile in range(3):
        ahead, before = late & (place == tercile), ~late & (place == tercile)
        gap = np.bincount(firm[ahead], weights=(expected - lived.true)[ahead])
        there = np.bincount(firm[ahead], minlength=len(gap)) > 0
        missed = np.bincount(firm[before], weights=(lived.months.failures - expected)[before])
        of_fit = (missed**2).sum() / expected[before].sum() ** 2 * expected[ahead].sum() ** 2
        found_gaps.append(gap.sum() / (there.sum() * gap[there].var() + of_fit) ** 0.5)
    return np.array(found_gaps)


def by_tercile(expected: Vector, true: Vector, usage: Vector) -> NDArray[np.float64]:
    """Expected and true failures (2 x 3) by tercile of usage; NaN is of the lowest."""
    known = np.nan_to_num(usage)
    place = np.digitize(known, np.quantile(known, (1 / 3, 2 / 3)))
    return np.stack([np.bincount(place, weights=column, minlength=3) for column in (expected, true)])


def by_year(expected: Vector, true: Vector, month: NDArray[np.int64]) -> list[float]:
    """Expected over true failures in each year of the world."""
    sums = [np.bincount(month // YEAR, weights=column) for column in (expected, true)]
    return [float(ratio) for ratio in sums[0] / sums[1]]


def _filed_form(lived: Lived, found: FittedHazard, early: Mask) -> LinearPredictor:
    """What the hazard expects of the months fitted on, as a table over the bands of the trial filing."""
    starts = {factor["name"]: factor["starts"] for factor in _filed_factors()}
    expected = found.expected(lived.months.part(early))
    return repair_table(lived.quoted[early], expected, np.full(len(expected), 1 / YEAR), starts)


def _equal_base(table: LinearPredictor, quoted: NDArray[np.float64]) -> float:
    """The base rate at which a book of these machine-months (n, 2) earns with the table's relativities what it earns
    with those filed: a failure that a machine tells of is not a repair that the cover pays, so that the level is the
    filing's."""
    known = quoted[~np.isnan(quoted).any(axis=1)]
    products = np.ones(len(known))
    for at, factor in enumerate(_filed_factors()):
        products *= np.array(factor["relativities"])[np.searchsorted(factor["starts"], known[:, at], side="right")]
    ours = np.exp(table.logs(known) - table.intercept)
    return float(_filing()["base_rate"] * products.mean() / ours.mean())


def _relativities(table: LinearPredictor) -> dict[str, Any]:
    """Failures a machine-year at the base bands, and the relativity of each band but the missing one."""
    told: dict[str, Any] = {"failures_a_machine_year": float(np.exp(table.intercept))}
    for factor in table.factors:
        names, values = factor.banding.names(), np.exp(factor.coefficients)
        told[factor.banding.key] = dict(zip(names[:-1], map(float, values[:-1]), strict=True))
    return told


def _filed_factors() -> list[Mapping[str, Any]]:
    """Of a machine: hours a year and failures a thousand hours, in the order of `Lived.quoted`."""
    filed = {factor["name"]: factor for factor in _filing()["factors"]}
    return [filed["hours_a_year"], filed["failures_a_1000_hours"]]


def _filing() -> Mapping[str, Any]:
    filing: Mapping[str, Any] = scoring_parameters().at(PARAMETERS_AS_OF)["insurance_filings"]["extended_warranty"]
    return filing


def _of_other_machines(lived: Lived, fitted: Fitted) -> Vector:
    """What a hazard expects that was fitted on other machines, all their months (n)."""
    own, expected = fold_of(lived.months.machines, FOLDS, seed=SEED), np.zeros(len(lived.true))
    for fold in np.unique(own):
        expected[own == fold] = fitted(own != fold).expected(lived.months.part(own == fold))
    return expected


def _lived(truth: pa.Table) -> Lived:
    """Of months in which a machine worked. Hours and failures are what a service record holds; only `faults_expected`
    is truth. A machine's meter starts when it is first seen: what it worked before is not known."""
    names = np.array(truth["machine_uid"].to_pylist())
    month = truth["month"].to_numpy().astype("datetime64[M]").astype(np.int64)
    order = np.lexsort((month, names))
    names, month = names[order], month[order] - month.min()
    hours, failed, true = (
        truth[name].to_numpy()[order].astype(np.float64) for name in ("executing_hours", "faults", "faults_expected")
    )
    start, end = _meters(np.unique(names, return_inverse=True)[1], hours)
    worked = end > start
    early = worked & (month < FITTED_MONTHS)
    law = _law(start[early], end[early], failed[early])
    by_law = law.expected(start, end)
    rows = own_record(names.tolist(), hours, failed, by_law)
    prior = feature_parameters().at(PARAMETERS_AS_OF)["failure_rate_prior"]
    rate = recent_failure_rate(
        names.tolist(),
        hours,
        failed,
        months=QUARTER,
        prior_mean=prior["mean_per_1000_hours"],
        prior_hours=prior["weight_hours"],
    )
    months = MachineMonths(rows=rows, start_hours=start, end_hours=end, failures=failed, machines=names.tolist()).part(
        worked
    )
    return Lived(
        months=months,
        month=month[worked],
        hours=hours[worked],
        true=true[worked],
        law=law,
        by_law=by_law[worked],
        quoted=np.column_stack([YEAR * rows[:, 0], rate])[worked],
    )


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
