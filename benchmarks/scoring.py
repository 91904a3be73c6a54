"""Scoring speed, side by side in one run: our batch against the same trees called row by row and in one batch.

    python -m benchmarks.scoring --json

Four ways to the margins and contributions of the same rows under the same bag, fewest rows for the slowest: whole score
records from snapshots (grades, intervals, reasons, snapshot hashes), the room's batch call, xgboost's `predict` and
`pred_contribs` on one batch, and the same two calls row by row. Rates are rows a second, each the best of three
repetitions; ratios are between rates of this run only. All are on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import ObligorId, ParametersVersion
from data_contracts.reference.dated import ParameterBook, load_book
from data_contracts.vocabulary import DataOrigin
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE, catalogue_version
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from features.trust import DataTrust, TrustGrade
from scoring.boosters import THREADS
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score_many
from scoring.training.credit import train_credit
from scoring.training.split import add_months, time_split

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
OBLIGORS = 1_500
SINGLE_ROWS = 100
REPETITIONS = 3
SEED = 1

Matrix = NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="rows in the batch")
    arguments = parser.parse_args()
    figures = measure(obligors=arguments.obligors)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in figures.items()))


def measure(*, obligors: int) -> dict[str, Any]:
    """Rates in rows a second and their ratios, with what they were measured on."""
    parameters = load_book(files("scoring") / "parameters")
    artefact = train_credit(book(obligors), split=split_of(), parameters=parameters, seed=SEED)
    rows = features_of(np.random.default_rng(SEED).normal(size=obligors), seed=SEED + 1)
    keys = list(CATALOGUE)
    matrix = np.ascontiguousarray(rows[:, [keys.index(feature.key) for feature in artefact.card.features]])
    snapshots = [snapshot_of(row) for row in rows]
    rates = {
        "score_records": _rate(lambda: score_many(snapshots, artefact, parameters), obligors),
        "our_batch": _rate(lambda: artefact.bag.explain(matrix), obligors),
        "xgboost_batch": _rate(lambda: _by_xgboost(artefact, matrix), obligors),
        "xgboost_row_by_row": _rate(lambda: _row_by_row(artefact, matrix[:SINGLE_ROWS]), SINGLE_ROWS),
    }
    return {
        "rows": obligors,
        "features": matrix.shape[1],
        "members": len(artefact.bag.members),
        "rounds": artefact.card.rounds,
        "threads": THREADS,
        "xgboost": xgb.__version__,
        **{f"{name}_rows_per_second": round(rate, 1) for name, rate in rates.items()},
        "our_batch_over_xgboost_batch": round(rates["our_batch"] / rates["xgboost_batch"], 3),
        "our_batch_over_row_by_row": round(rates["our_batch"] / rates["xgboost_row_by_row"], 3),
        "score_records_over_row_by_row": round(rates["score_records"] / rates["xgboost_row_by_row"], 3),
        "largest_difference": _largest_difference(artefact, matrix),
        "score_records_of_the_batch_equal_single_ones": _batch_is_single(snapshots, artefact, parameters),
    }


def _by_xgboost(artefact: CreditArtefact, matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Mean margin and contributions, each member asked for the margin and then for its contributions."""
    margins, contributions = [], []
    for booster in artefact.bag.boosters:
        margins.append(booster.predict(xgb.DMatrix(matrix, nthread=THREADS), output_margin=True))
        contributions.append(booster.predict(xgb.DMatrix(matrix, nthread=THREADS), pred_contribs=True))
    return np.mean(margins, axis=0), np.mean(contributions, axis=0)


def _row_by_row(artefact: CreditArtefact, matrix: Matrix) -> list[tuple[Matrix, Matrix]]:
    return [_by_xgboost(artefact, matrix[row : row + 1]) for row in range(len(matrix))]


def _rate(run: Callable[[], object], rows: int) -> float:
    run()
    seconds = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return rows / min(seconds)


def _largest_difference(artefact: CreditArtefact, matrix: Matrix) -> float:
    ours = artefact.bag.explain(matrix)
    margins, contributions = _by_xgboost(artefact, matrix)
    return float(max(np.abs(ours.margin - margins).max(), np.abs(ours.contributions - contributions[:, :-1]).max()))


def _batch_is_single(snapshots: list[FeatureSnapshot], artefact: CreditArtefact, parameters: ParameterBook) -> bool:
    few = snapshots[:SINGLE_ROWS]
    return score_many(few, artefact, parameters) == [score_many([one], artefact, parameters)[0] for one in few]


def book(obligors: int) -> CreditTrainingSet:
    """Thirty-six months of a book whose features and defaults follow one latent health."""
    rng = np.random.default_rng(SEED)
    months = np.repeat(np.arange(36), obligors)
    health = np.tile(rng.normal(size=obligors), 36)
    instants = [add_months(AS_OF, int(index) - 47) for index in range(60)]
    stamps = np.array([instant.replace(tzinfo=None) for instant in instants], dtype="datetime64[us]")
    return CreditTrainingSet(
        obligor_ids=[f"OBLIGOR{index:05d}" for index in np.tile(np.arange(obligors), 36)],
        as_of=stamps[months],
        observed_until=stamps[months + 12],
        names=list(CATALOGUE),
        values=features_of(health, seed=SEED),
        defaulted=rng.random(len(health)) < 1 / (1 + np.exp(3.2 + 1.2 * health)),
    )


def split_of() -> Any:
    """Its slices."""
    return time_split([add_months(AS_OF, index - 47) for index in range(36)])


def features_of(health: Matrix, *, seed: int) -> Matrix:
    """The catalogue's features (n, k) of obligors with this health (n), some missing."""
    rng = np.random.default_rng(seed)
    signs = np.array([definition.credit_risk for definition in CATALOGUE.values()])
    values = 0.5 + 0.1 * (-signs * health[:, None] + rng.normal(size=(len(health), len(signs))))
    values[rng.random(values.shape) < 0.05] = np.nan
    return np.asarray(values)


def snapshot_of(row: Matrix) -> FeatureSnapshot:
    """A snapshot of the catalogue's features (all of them, in its order), NaN where not observed."""
    values = {
        key: FeatureValue(
            value=None if np.isnan(value) else float(value),
            unit=definition.unit,
            window_days=definition.window_days,
            missing=Missing.NOT_OBSERVED if np.isnan(value) else None,
            adverse_value=None if np.isnan(value) else float(value),
        )
        for (key, definition), value in zip(CATALOGUE.items(), row, strict=True)
    }
    return FeatureSnapshot(
        obligor_id=ObligorId("91999999MA0000001N"),
        as_of=AS_OF,
        first_day=None,
        history_days=400,
        industry_division=None,
        subject_kind=None,
        values=values,
        quantities={},
        machines={},
        data_origin=DataOrigin.SYNTHETIC,
        coverage_basis="observed",
        data_trust=DataTrust(grade=TrustGrade.T1, attested={AttestationLevel.SEALED: 1.0}),
        batches={},
        catalogue_version=catalogue_version(),
        parameters_version=ParametersVersion(""),
    )


if __name__ == "__main__":
    main()
