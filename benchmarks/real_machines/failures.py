"""A hundred machines of one year: whether failure features rank who fails in the next 30 days, out of time.

The machines were simulated by their publisher. Days, errors and failures come through the same door and formulas as any
machine's; what is asked at the first of a month is answered by the 30 days after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from api.database.engine import unit_of_work
from api.home import open_home
from api.snapshots import service as snapshots
from api.telemetry.service import ingest_file
from data_contracts.mapping import load_mapping
from features.as_of import FeatureMatrix, feature_matrix
from features.catalogue import CATALOGUE
from features.history import Level

FOLDER = "pdm_azure"
OBLIGOR = "91999999MA00000066"
HORIZON = timedelta(days=30)
DAY_BEGINS = pd.Timedelta(hours=6)
LATER = pd.DateOffset(years=3)
"""The source is of 2015, and the shipped parameters begin with 2018: everything is told as of three years later."""

TRAIN = [datetime(2018, month, 1, 6, tzinfo=UTC) for month in (3, 4, 5, 6, 7)]
TEST = [datetime(2018, month, 1, 6, tzinfo=UTC) for month in (9, 10, 11, 12)]
"""The last answer of the training months is known on 31 July, a month before the first test question."""
ALONE = "failure_rate_90d"
BOOTSTRAPS = 1000
SEED = 7

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """An AUC with its 95 % interval (machines drawn with replacement)."""

    auc: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Counts, and how well the next 30 days' failures were ranked in the test months."""

    machine_days: int
    rows_quarantined: int
    questions: int
    failing_ratio: float
    features: Sequence[str]
    alone: Ranking
    together: Ranking


def daily_reports(folder: Path) -> pd.DataFrame:
    """A row for each machine and day (06:00 to 06:00): errors and failures that began in it; worked throughout."""
    machines = pd.read_csv(folder / "PdM_machines.csv")["machineID"]
    days = pd.date_range("2018-01-01", "2018-12-31", freq="D")
    begun = pd.concat([_begun(folder / name) for name in ("PdM_errors.csv", "PdM_failures.csv")])
    counts = begun.groupby(["machine", "day"]).size()
    every = pd.MultiIndex.from_product([machines, days], names=["machine", "day"])
    rows = counts.reindex(every, fill_value=0).rename("fault_starts").reset_index()
    return rows.assign(day=rows["day"].dt.strftime("%Y-%m-%d"), executing_seconds=86_400.0, other_seconds=0.0)


def _begun(file: Path) -> pd.DataFrame:
    rows = pd.read_csv(file, parse_dates=["datetime"])
    return pd.DataFrame({"machine": rows["machineID"], "day": (rows["datetime"] + LATER - DAY_BEGINS).dt.normalize()})


def failures_ranked(source: Path, folder: Path) -> Failures:
    """Ingest the year; ask at the first of each test month who fails in the next 30 days."""
    file = folder / "pdm.csv"
    reports = daily_reports(source)
    reports.to_csv(file, index=False)
    home = open_home(folder / "pdm")
    result = ingest_file(
        home, file, mapping=load_mapping("pdm_azure"), obligor=OBLIGOR, received_time=datetime.now(UTC)
    )
    failed = pd.read_csv(source / "PdM_failures.csv", parse_dates=["datetime"])
    failed["datetime"] += LATER
    with unit_of_work(home.engine) as connection:
        reader = snapshots.reader(connection, home)
        parameters = snapshots.feature_parameters()
        asked = {
            as_of: feature_matrix(reader, as_of=as_of, level=Level.MACHINE, parameters=parameters)
            for as_of in (*TRAIN, *TEST)
        }
    home.engine.dispose()
    keys = _failure_keys(asked[TRAIN[-1]])
    train, test = (_questions([(when, asked[when]) for when in months], keys, failed) for months in (TRAIN, TEST))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(train.values, train.fails)
    alone = test.values[:, keys.index(ALONE)]
    return Failures(
        machine_days=len(reports),
        rows_quarantined=result.rows_quarantined,
        questions=len(test.fails),
        failing_ratio=float(test.fails.mean()),
        features=keys,
        alone=_ranking(alone, test),
        together=_ranking(model.decision_function(test.values), test),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Questions:
    values: Array
    fails: NDArray[np.bool_]
    machines: NDArray[np.int64]


def _failure_keys(matrix: FeatureMatrix) -> list[str]:
    """Features of family breakdown of which every machine has a value."""
    known = ~np.isnan(matrix.values).any(axis=0)
    return [
        key
        for key, is_known in zip(matrix.names, known, strict=True)
        if is_known and CATALOGUE[key].family == "breakdown"
    ]


def _questions(
    asked: Sequence[tuple[datetime, FeatureMatrix]], keys: Sequence[str], failed: pd.DataFrame
) -> _Questions:
    values, fails, machines = [], [], []
    for as_of, matrix in asked:
        own = np.array([int(unit.rsplit("/", 1)[1]) for unit in matrix.units])
        begins = pd.Timestamp(as_of).tz_localize(None)
        inside = (failed["datetime"] >= begins) & (failed["datetime"] < begins + HORIZON)
        values.append(matrix.values[:, [matrix.names.index(key) for key in keys]])
        fails.append(np.isin(own, failed.loc[inside, "machineID"]))
        machines.append(own)
    return _Questions(np.concatenate(values), np.concatenate(fails), np.concatenate(machines))


def _ranking(score: Array, asked: _Questions) -> Ranking:
    """The AUC, and its interval by drawing machines with replacement, all months of a machine together."""
    random = np.random.default_rng(SEED)
    rows_of = {machine: np.flatnonzero(asked.machines == machine) for machine in np.unique(asked.machines)}
    drawn = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([rows_of[machine] for machine in random.choice(list(rows_of), len(rows_of))])
        if asked.fails[rows].any() and not asked.fails[rows].all():
            drawn.append(roc_auc_score(asked.fails[rows], score[rows]))
    lower, upper = np.percentile(drawn, [2.5, 97.5])
    return Ranking(auc=float(roc_auc_score(asked.fails, score)), lower=float(lower), upper=float(upper))
