"""Hazards that read telemetry: trees on machine-months, started at the power law, and accelerated failure times.

The power law says what hours do; the trees only what telemetry knows beyond that, so that a machine nobody measures
still has a hazard and one that runs hot has another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from scoring.boosters import THREADS
from scoring.errors import InvalidRequest, NotEnoughEvents
from scoring.insurance.balance import global_factor
from scoring.insurance.warranty.power_law import PowerLaw
from scoring.training.features import fold_of

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

FEWEST_FAILURES = 10
YEAR = 12
RECORD: Mapping[str, int] = {
    "hours_a_month_3m": 0,
    "hours_a_month_12m": 0,
    "failures_to_expected_12m": 1,
    "failures_to_expected": 1,
    "months_of_record_12m": 0,
}
"""What a machine's own record says when a month begins, with the signs of its columns (+1: more is riskier).

How many of the last twelve months were watched, and no more: months since a machine was first watched are the calendar
where most of a book was connected at once, and trees that see it learn what the past was like and carry on with it.
"""

GROWTH = ("eta", "subsample", "colsample_bytree", "reg_lambda", "min_child_weight", "max_depth")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MachineMonths:
    """Machines month by month: telemetry known when the month began (n, k; NaN where missing), hours on the meter at
    its start and end (n), failures in it (n), and the machine (n). Months before a machine was watched and after it was
    sold are not among them."""

    rows: Matrix
    start_hours: Vector
    end_hours: Vector
    failures: Vector
    machines: Sequence[str]

    def part(self, chosen: NDArray[np.bool_]) -> MachineMonths:
        """The chosen months."""
        return MachineMonths(
            rows=self.rows[chosen],
            start_hours=self.start_hours[chosen],
            end_hours=self.end_hours[chosen],
            failures=self.failures[chosen],
            machines=[self.machines[int(row)] for row in np.flatnonzero(chosen)],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedHazard:
    """Expected failures = power law x exp(trees) x factor; the factor makes them sum to those observed."""

    law: PowerLaw
    booster: Any
    rounds: int
    factor: float

    def expected(self, months: MachineMonths) -> Vector:
        """Expected failures of each month (n)."""
        return np.asarray(self.booster.predict(_matrix(months, self.law)), dtype=np.float64) * self.factor


def fit_hazard(
    months: MachineMonths, law: PowerLaw, *, signs: Sequence[int], settings: Mapping[str, Any], seed: int
) -> FittedHazard:
    """Trees from the power law, their rounds chosen by machines held back in turns.

    Raises NotEnoughEvents, and InvalidRequest for a month without hours: it has no hazard, and is no row.
    """
    idle = np.flatnonzero(~(months.end_hours > months.start_hours))
    if len(idle):
        raise InvalidRequest(
            f"Month {int(idle[0])} of {len(months.failures)} has no operating hours.",
            hint="A hazard is by hours worked: leave out months in which nothing was, and read the meter of those.",
        )
    if months.failures.sum() < FEWEST_FAILURES:
        raise NotEnoughEvents(f"{int(months.failures.sum())} failures were watched; a hazard needs {FEWEST_FAILURES}.")
    growth = {
        "objective": "count:poisson",
        "tree_method": "hist",
        "base_score": 1.0,
        "monotone_constraints": tuple(int(sign) for sign in signs),
        "nthread": THREADS,
        "seed": seed,
        **{name: settings[name] for name in GROWTH},
    }
    own, total = fold_of(months.machines, settings["folds"], seed=seed), np.zeros(settings["maximum_rounds"])
    for fold in np.unique(own):
        told: dict[str, dict[str, list[float]]] = {}
        grown, judged = (_matrix(months.part(own == fold if held else own != fold), law) for held in (False, True))
        xgb.train(growth, grown, len(total), evals=[(judged, "held")], evals_result=told, verbose_eval=False)
        (curve,) = told["held"].values()
        total += judged.num_row() * np.array(curve)
    rounds = int(np.argmin(total)) + 1
    booster = xgb.train(growth, _matrix(months, law), num_boost_round=rounds)
    raw = FittedHazard(law=law, booster=booster, rounds=rounds, factor=1.0)
    factor = global_factor(months.failures, raw.expected(months))
    return FittedHazard(law=law, booster=booster, rounds=rounds, factor=factor)


def own_record(machines: Sequence[str], hours: Vector, failures: Vector, expected: Vector) -> Matrix:
    """What was known of each machine-month (n) when it began: the columns of `RECORD` (n, 5; NaN in a first month).

    Rows are sorted by machine and month; `hours` and `failures` are those of the month itself, `expected` what the
    power law says of it. Only earlier rows of the same machine count: a failure shortens the hours of its own month,
    so that these would tell of it. The ratios of failures to expected ones have one of each added, as a machine's
    proneness is shrunk whose prior is worth one failure.
    """
    begins = np.flatnonzero(np.r_[True, np.array(machines[1:]) != np.array(machines[:-1])])
    first = np.repeat(begins, np.diff(np.r_[begins, len(hours)]))
    watched = np.arange(len(hours)) - first
    told = [
        *(_before(hours, first, months) / np.maximum(np.minimum(watched, months), 1) for months in (3, YEAR)),
        *(
            (_before(failures, first, months) + 1) / (_before(expected, first, months) + 1)
            for months in (YEAR, len(hours))
        ),
        np.minimum(watched, YEAR).astype(np.float64),
    ]
    return np.where(watched[:, None] > 0, np.column_stack(told), np.nan)


def recent_failure_rate(
    machines: Sequence[str], hours: Vector, failures: Vector, *, months: int, prior_mean: float, prior_hours: float
) -> Vector:
    """Failures a thousand hours of the months before each machine-month (n; NaN in a first one), shrunk towards
    `prior_mean` as worth `prior_hours`: what the feature `failure_rate` tells of a quarter. Rows as in `own_record`."""
    begins = np.flatnonzero(np.r_[True, np.array(machines[1:]) != np.array(machines[:-1])])
    first = np.repeat(begins, np.diff(np.r_[begins, len(hours)]))
    failed, worked = (_before(column, first, months) for column in (failures, hours))
    rate = 1000 * (failed + prior_mean * prior_hours / 1000) / (worked + prior_hours)
    return np.where(np.arange(len(hours)) > first, rate, np.nan)


def _before(column: Vector, first: NDArray[np.int64], months: int) -> Vector:
    """The sum over so many rows before each (n), none before the `first` of its machine (n)."""
    since, at = np.r_[0.0, np.cumsum(column)], np.arange(len(column))
    return np.asarray(since[at] - since[np.maximum(first, at - months)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLife:
    """Remaining life by accelerated failure time: the median in the unit of the labels."""

    booster: Any
    rounds: int

    def medians(self, rows: Matrix) -> Vector:
        """The median remaining life of each row (n)."""
        matrix = xgb.DMatrix(rows, missing=np.nan, nthread=THREADS)
        return np.asarray(self.booster.predict(matrix), dtype=np.float64)


def fit_life(
    rows: Matrix,
    lower: Vector,
    upper: Vector,
    groups: Sequence[str],
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> FittedLife:
    """`survival:aft` on remaining lives known to lie from `lower` to `upper` (n; equal where seen, infinite where
    censored). Groups (one machine's rows) are held back in turns to choose the rounds: `xgb.cv` cannot, it loses the
    bounds (dmlc/xgboost#7118)."""
    if not ((lower > 0) & (upper >= lower)).all():
        raise InvalidRequest("A remaining life lies between bounds above 0, the lower one first.")
    growth = {
        "objective": "survival:aft",
        "eval_metric": "aft-nloglik",
        "aft_loss_distribution": settings["distribution"],
        "aft_loss_distribution_scale": settings["distribution_scale"],
        "tree_method": "hist",
        "base_score": float(np.exp(np.log(lower).mean())),
        "nthread": settings.get("threads", THREADS),
        "seed": seed,
        **{name: settings[name] for name in GROWTH},
    }
    own, total = fold_of(groups, settings["folds"], seed=seed), np.zeros(settings["maximum_rounds"])
    for fold in np.unique(own):
        told: dict[str, dict[str, list[float]]] = {}
        sides = [_lives(rows[mask], lower[mask], upper[mask]) for mask in (own != fold, own == fold)]
        xgb.train(growth, sides[0], len(total), evals=[(sides[1], "held")], evals_result=told, verbose_eval=False)
        total += int((own == fold).sum()) * np.array(told["held"]["aft-nloglik"])
    rounds = int(np.argmin(total)) + 1
    return FittedLife(booster=xgb.train(growth, _lives(rows, lower, upper), num_boost_round=rounds), rounds=rounds)


def _lives(rows: Matrix, lower: Vector, upper: Vector) -> xgb.DMatrix:
    return xgb.DMatrix(rows, label_lower_bound=lower, label_upper_bound=upper, missing=np.nan, nthread=THREADS)


def _matrix(months: MachineMonths, law: PowerLaw) -> xgb.DMatrix:
    start = np.log(law.expected(months.start_hours, months.end_hours))
    return xgb.DMatrix(months.rows, label=months.failures, base_margin=start, missing=np.nan, nthread=THREADS)
