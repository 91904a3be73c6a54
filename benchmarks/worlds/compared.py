"""Paired comparisons of scores on the same obligors, and what telemetry adds to what was known without it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from api.models.service import scoring_parameters
from api.snapshots.service import reader
from benchmarks.worlds.built import END, BuiltWorld, month_end, split
from data_contracts.contract import RecordKind
from features.as_of import CreditTrainingSet
from scoring.boosters import mean_of_members
from scoring.cards import Estimate, within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.training.credit import train_credit
from scoring.training.metrics import Z_95, area_under_curve
from scoring.training.split import TimeSplit

SEED = 20260701
WINDOW = timedelta(days=365)
PLACEBOS = 30
NEWTON_STEPS = 25
FEWEST_DEFAULTS = 5

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplift:
    """AUC on the test month with and without telemetry, and their paired difference."""

    without: Estimate
    with_telemetry: Estimate
    difference: Estimate
    free: Estimate
    """The paired difference where the weight may also lower risk."""
    placebo: float
    """The same difference with the telemetry score of another obligor, on average."""
    weight: float
    """Of the telemetry score (log-odds) beside the other one; at 0 the difference is exactly 0."""
    defaults: int


def uplift(world: BuiltWorld, data: CreditTrainingSet, model: CreditArtefact) -> Uplift:
    """What the pipeline's telemetry score adds, out of time, to a scorecard of everything else.

    Both scores are fitted on the training months, `model` by the pipeline. On the calibration months a logistic regression that starts from the
    other score gives the telemetry score a weight, which may not lower risk; all is judged on the test month. A weight
    fitted to a useless score costs a little AUC: `placebo` says how much.
    """
    slices = split()
    rows = {name: _rows(data, getattr(slices, name)) for name in ("train", "calibrate", "test")}
    others = other_columns(world, data)
    telemetry = margins(model, data)
    card = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000))
    card.fit(others[rows["train"]], data.defaulted[rows["train"]])
    without = card.decision_function(others)
    free = _weight(without, telemetry, data.defaulted, rows["calibrate"])
    weight = max(free, 0.0)
    together = without + weight * telemetry
    test, defaulted = rows["test"], data.defaulted[rows["test"]]
    assert defaulted.sum() >= FEWEST_DEFAULTS, f"{defaulted.sum()} defaults in the test month: simulate more obligors"
    return Uplift(
        without=area_under_curve(without[test], defaulted),
        with_telemetry=area_under_curve(together[test], defaulted),
        difference=auc_difference(together[test], without[test], defaulted),
        free=auc_difference((without + free * telemetry)[test], without[test], defaulted),
        placebo=_placebo(without, telemetry, data, rows["calibrate"], test),
        weight=weight,
        defaults=int(defaulted.sum()),
    )


def fitted(data: CreditTrainingSet, slices: TimeSplit) -> CreditArtefact:
    """The pipeline's own model."""
    return train_credit(data, split=slices, parameters=scoring_parameters(), seed=SEED)


def margins(model: CreditArtefact, data: CreditTrainingSet) -> Matrix:
    """Log-odds of every row before calibration."""
    columns = [data.names.index(item.key) for item in model.card.features]
    rows = within_reach(np.ascontiguousarray(data.values[:, columns]), model.card.features)
    return mean_of_members(list(model.bag.margins(rows)))


def auc_difference(one: Matrix, other: Matrix, outcomes: Mask) -> Estimate:
    """AUC of `one` less that of `other` on the same rows, with DeLong's interval for paired scores."""
    placed = [_placements(scores, outcomes) for scores in (one, other)]
    of_events, of_others = (placed[0][part] - placed[1][part] for part in (0, 1))
    difference = float(of_events.mean())
    half = Z_95 * float(np.sqrt(of_events.var(ddof=1) / len(of_events) + of_others.var(ddof=1) / len(of_others)))
    return Estimate(value=difference, lower=difference - half, upper=difference + half)


def other_columns(world: BuiltWorld, data: CreditTrainingSet) -> Matrix:
    """What is known of each row's obligor without telemetry: division, legal form, machines owned and their value, and
    how late it paid the instalments of the year before."""
    instants = sorted({stamp.item() for stamp in data.as_of})
    blocks = np.empty((len(data.as_of), 0))
    with world.home.engine.connect() as connection:
        source = reader(connection, world.home)
        profiles = {row["obligor_id"]: row for row in source.obligor_profiles(as_of=END).to_pylist()}
        divisions = sorted({row["industry_division"] for row in profiles.values()})
        for stamp in instants:
            rows = np.flatnonzero(data.as_of == np.datetime64(stamp, "us"))
            as_of = stamp.replace(tzinfo=month_end(0).tzinfo)
            obligors = [data.obligor_ids[row] for row in rows]
            machines = source.machines(as_of=as_of).to_pylist()
            payments = source.rows(RecordKind.REPAYMENT, as_of=as_of)
            found = _facts(obligors, profiles, divisions, machines, _lateness(payments, as_of))
            if not blocks.shape[1]:
                blocks = np.zeros((len(data.as_of), found.shape[1]))
            blocks[rows] = found
    return blocks


def _facts(
    obligors: list[str],
    profiles: dict[str, dict[str, str]],
    divisions: list[str],
    machines: list[dict[str, object]],
    lateness: dict[str, tuple[float, float, float]],
) -> Matrix:
    count: dict[str, int] = {}
    value: dict[str, float] = {}
    for machine in machines:
        owner = str(machine["obligor_id"])
        count[owner] = count.get(owner, 0) + 1
        value[owner] = value.get(owner, 0.0) + float(machine["asset_value_minor"] or 0)  # type: ignore[arg-type]
    return np.array(
        [
            [
                *(profiles[obligor]["industry_division"] == division for division in divisions),
                profiles[obligor]["subject_kind"] == "sole_trader",
                np.log1p(count.get(obligor, 0)),
                np.log1p(value.get(obligor, 0.0)),
                *lateness.get(obligor, (0.0, 0.0, 0.0)),
            ]
            for obligor in obligors
        ],
        dtype=np.float64,
    )


def _lateness(payments: pa.Table, as_of: datetime) -> dict[str, tuple[float, float, float]]:
    """By obligor, of instalments due in the year before: share paid late, mean and most days late (logs), by `as_of`."""
    today = np.datetime64(as_of.replace(tzinfo=None), "D")
    due = payments["due_date"].to_numpy().astype("datetime64[D]")
    paid = payments["paid_date"].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    days = (np.where(np.isnat(paid), today, np.minimum(paid, today)) - due).astype(np.int64).clip(0)
    recent = (due <= today) & (due > today - np.timedelta64(WINDOW.days, "D"))
    by_obligor: dict[str, list[int]] = {}
    for obligor, late in zip(np.array(payments["obligor_id"].to_pylist())[recent], days[recent], strict=True):
        by_obligor.setdefault(str(obligor), []).append(int(late))
    return {
        obligor: (float(np.mean(np.array(late) > 0)), float(np.log1p(np.mean(late))), float(np.log1p(max(late))))
        for obligor, late in by_obligor.items()
    }


def _weight(without: Matrix, telemetry: Matrix, defaulted: Mask, rows: Rows) -> float:
    """The weight of the telemetry score beside `without`, fitted on `rows`."""
    start, score, outcome = without[rows], telemetry[rows] - telemetry[rows].mean(), defaulted[rows]
    design = np.column_stack([np.ones(len(rows)), score])
    found = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chances = expit(start + design @ found)
        information = design.T @ (design * (chances * (1 - chances))[:, None])
        found = found + np.linalg.solve(information, design.T @ (outcome - chances))
    return float(found[1])


def _placebo(without: Matrix, telemetry: Matrix, data: CreditTrainingSet, calibrate: Rows, test: Rows) -> float:
    """Mean difference where each obligor has the telemetry score of another: what a useless score costs."""
    drawn = np.random.default_rng(SEED)
    differences = []
    for _ in range(PLACEBOS):
        shuffled = telemetry.copy()
        for rows in (calibrate, test):
            shuffled[rows] = telemetry[drawn.permutation(rows)]
        together = without + max(_weight(without, shuffled, data.defaulted, calibrate), 0.0) * shuffled
        differences.append(auc_difference(together[test], without[test], data.defaulted[test]).value)
    return float(np.mean(differences))


def _placements(scores: Matrix, outcomes: Mask) -> tuple[Matrix, Matrix]:
    events, others = scores[outcomes], scores[~outcomes]
    together = rankdata(np.concatenate([events, others]))
    of_events = (together[: len(events)] - rankdata(events)) / len(others)
    of_others = 1 - (together[len(events) :] - rankdata(others)) / len(events)
    return of_events, of_others


def _rows(data: CreditTrainingSet, instants: tuple[datetime, ...]) -> NDArray[np.int64]:
    stamps = np.array([instant.replace(tzinfo=None) for instant in instants], dtype="datetime64[us]")
    return np.flatnonzero(np.isin(data.as_of, stamps))
