"""Explanations, side by side in one run: our tables against xgboost's `pred_contribs` and shap, of both kinds.

    python -m benchmarks.explanations --json

A bag of ten boosters of thirty trees of depth 4 over eighty features, some missing, on two threads. Rates are rows a
second, the best of three repetitions that take turns; each way explains as many rows as it can in about a second. shap
gets its masker's `max_samples` (without it, it takes a hundred rows of any reference group). Ratios are between rates of
this run only; the largest difference is over all four comparisons, in log-odds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shap
import xgboost as xgb
from numpy.typing import NDArray

from scoring.explanation.shapley import ShapleyTables, explainer

MEMBERS, ROUNDS, DEPTH, FEATURES = 10, 30, 4, 80
THREADS = 2
TRAINING_ROWS = 6_000
ROWS = {"ours": 100_000, "xgboost": 2_000, "shap": 2_000, "shap_interventional": 100, "shap_interventional_1000": 20}
MILLION = 1_000_000
CHUNK = 100_000
REPETITIONS = 3
PAIRS = 21
SINGLE_ROWS = 500
SEED = 1

Matrix = NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures = measure()
    print(json.dumps(figures, indent=2) if arguments.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))


def measure() -> dict[str, Any]:
    """Rates, ratios, the time of one row and of a million, and the largest difference."""
    rows = _rows(ROWS["ours"], seed=SEED)
    bag = _bag()
    _compiled(bag[:1], rows)  # the machine code itself is not what is measured
    started = time.perf_counter()
    by_path, against = _compiled(bag, rows)
    compile_seconds = time.perf_counter() - started
    ways: dict[str, tuple[Callable[[Matrix], Matrix], int]] = {
        "rows_per_second": (_ours(by_path), ROWS["ours"]),
        "xgboost_rows_per_second": (lambda some: _by_xgboost(bag, some), ROWS["xgboost"]),
        "shap_rows_per_second": (_by_shap(bag, None), ROWS["shap"]),
        "interventional_rows_per_second": (_ours(against[100]), ROWS["ours"]),
        "shap_interventional_rows_per_second": (_by_shap(bag, rows[:100]), ROWS["shap_interventional"]),
        "interventional_1000_rows_per_second": (_ours(against[1_000]), ROWS["ours"]),
        "shap_interventional_1000_rows_per_second": (_by_shap(bag, rows[:1_000]), ROWS["shap_interventional_1000"]),
    }
    rates = dict.fromkeys(ways, 0.0)
    for _ in range(REPETITIONS):
        for name, (explain, count) in ways.items():
            rates[name] = max(rates[name], _rate(explain, rows[:count]))
    faster = max(rates["xgboost_rows_per_second"], rates["shap_rows_per_second"])
    return {
        "trees": MEMBERS * ROUNDS,
        "depth": DEPTH,
        "features": FEATURES,
        "threads": THREADS,
        **{name: round(rate, 1) for name, rate in rates.items()},
        "over_the_faster": round(rates["rows_per_second"] / faster, 1),
        "interventional_over_shap": round(_ratio(rates, "interventional"), 1),
        "interventional_1000_over_shap_100": round(
            rates["interventional_1000_rows_per_second"] / rates["shap_interventional_rows_per_second"], 1
        ),
        "interventional_1000_over_100": round(_side_by_side(against[1_000], against[100], rows[: ROWS["ours"]]), 3),
        "interventional_1000_over_shap_1000": round(_ratio(rates, "interventional_1000"), 1),
        "single_row_microseconds": round(_one_row(against[100], rows), 1),
        "million_rows_seconds": round(_million(against[1_000], rows), 2),
        "compile_seconds_three_tables": round(compile_seconds, 2),
        "max_abs_difference": max(
            _difference(by_path, ways["xgboost_rows_per_second"], rows),
            _difference(by_path, ways["shap_rows_per_second"], rows),
            _difference(against[100], ways["shap_interventional_rows_per_second"], rows),
            _difference(against[1_000], ways["shap_interventional_1000_rows_per_second"], rows),
        ),
        "xgboost": xgb.__version__,
        "shap": shap.__version__,
    }


def _compiled(bag: Sequence[Any], rows: Matrix) -> tuple[ShapleyTables, dict[int, ShapleyTables]]:
    compiled = explainer(bag)
    against = {size: compiled.interventional(compiled.count(rows[:size])) for size in (100, 1_000)}
    return compiled.path_dependent(), against


def _ours(tables: ShapleyTables) -> Callable[[Matrix], Matrix]:
    return lambda some: tables.contributions(some, threads=THREADS)


def _by_xgboost(bag: Sequence[Any], rows: Matrix) -> Matrix:
    matrix = xgb.DMatrix(rows, nthread=THREADS)
    return np.mean([booster.predict(matrix, pred_contribs=True)[:, :-1] for booster in bag], axis=0)


def _by_shap(bag: Sequence[Any], reference: Matrix | None) -> Callable[[Matrix], Matrix]:
    """shap's explainers of every member, made beforehand."""
    how: dict[str, Any] = {"feature_perturbation": "tree_path_dependent"}
    if reference is not None:
        masker = shap.maskers.Independent(reference, max_samples=len(reference))
        how = {"data": masker, "feature_perturbation": "interventional"}
    explainers = [shap.TreeExplainer(booster, **how) for booster in bag]
    return lambda some: np.mean([one.shap_values(some) for one in explainers], axis=0)


def _side_by_side(one: ShapleyTables, other: ShapleyTables, rows: Matrix) -> float:
    """Median over pairs of runs, in alternating order, of how many times faster `one` answers than `other`: by processor
    time on one thread, which other work on the machine hardly moves."""
    ratios = []
    for pair in range(PAIRS):
        first, second = (one, other) if pair % 2 else (other, one)
        seconds = {id(tables): _processor_seconds(tables, rows) for tables in (first, second)}
        ratios.append(seconds[id(other)] / seconds[id(one)])
    return float(np.median(ratios))


def _processor_seconds(tables: ShapleyTables, rows: Matrix) -> float:
    started = time.process_time()
    tables.contributions(rows)
    return time.process_time() - started


def _ratio(rates: dict[str, float], kind: str) -> float:
    return rates[f"{kind}_rows_per_second"] / rates[f"shap_{kind}_rows_per_second"]


def _rate(explain: Callable[[Matrix], Matrix], rows: Matrix) -> float:
    started = time.perf_counter()
    explain(rows)
    return len(rows) / (time.perf_counter() - started)


def _one_row(tables: ShapleyTables, rows: Matrix) -> float:
    """Median microseconds of a call for one row."""
    seconds = []
    for row in range(SINGLE_ROWS):
        started = time.perf_counter()
        tables.contributions(rows[row : row + 1])
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1e6


def _million(tables: ShapleyTables, rows: Matrix) -> float:
    """Seconds for a million obligors, chunk by chunk as a portfolio run would."""
    started = time.perf_counter()
    for _ in range(MILLION // CHUNK):
        tables.contributions(rows[:CHUNK], threads=THREADS)
    return time.perf_counter() - started


def _difference(tables: ShapleyTables, way: tuple[Callable[[Matrix], Matrix], int], rows: Matrix) -> float:
    explain, count = way
    return float(np.abs(tables.contributions(rows[:count]) - explain(rows[:count])).max())


def _bag() -> list[Any]:
    rows = _rows(TRAINING_ROWS, seed=SEED + 1)
    pull = np.nan_to_num(rows[:, :12]).sum(axis=1) / 2 - 2
    labels = np.random.default_rng(SEED).random(TRAINING_ROWS) < 1 / (1 + np.exp(-pull))
    matrix = xgb.DMatrix(rows, label=labels, nthread=THREADS)
    growth = {
        "objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.1, "base_score": 0.1, "subsample": 0.8,
        "colsample_bytree": 0.6, "nthread": THREADS,
    }  # fmt: skip
    return [xgb.train({**growth, "seed": seed}, matrix, num_boost_round=ROUNDS) for seed in range(MEMBERS)]


def _rows(count: int, *, seed: int) -> Matrix:
    drawn = np.random.default_rng(seed)
    rows = drawn.normal(size=(count, FEATURES))
    rows[drawn.random(rows.shape) < 0.05] = np.nan
    return rows


if __name__ == "__main__":
    main()
