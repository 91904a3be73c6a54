"""A book of a million machine-years, from encoded factors to bills: `python -m benchmarks.pricing_speed --json`.

The factors are drawn, the model is fitted on a small part of them; what is timed is asking the model (GLM, trees,
balance, severity) and making every line of every bill to the minor unit, on `--threads` threads.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.models.service import scoring_parameters
from scoring.insurance.build_up import RiskTerms
from scoring.insurance.bulk import BookBills, bills_of_book
from scoring.insurance.premium import loadings
from scoring.table.card import TableFeature
from scoring.training.claims.frequency import FittedFrequency, fit_frequency
from scoring.training.claims.sample import ClaimsSample
from simulator.summary import STATEMENT

MACHINE_YEARS = 1_000_000
FITTED_ON = 20_000
BLOCK = 50_000
SEED = 7
AS_OF = date(2026, 1, 1)
SEVERITY_MINOR = 1_200_000.0
TERMS = RiskTerms(trend=Decimal("1.03"), large_loss=Decimal("0.12"))

FEATURES = (
    *(TableFeature(key=f"measure_{at}", kind="number", levels=(), sign=0, peer_value=None) for at in range(12)),
    TableFeature(key="kind", kind="category", levels=("lathe", "mill", "press", "robot"), sign=0, peer_value=None),
)

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Seconds of asking the model and of billing, in all, and whether every bill reconciled."""

    seconds: float
    gross_premium_minor: int
    reconciles: bool


def main() -> None:
    """Fit, price, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--machine-years", type=int, default=MACHINE_YEARS, help="how large the book is (1000000)")
    parser.add_argument("--threads", type=int, default=2, help="blocks priced at a time (2)")
    arguments = parser.parse_args()
    model = _model()
    rows = _rows(arguments.machine_years, SEED + 1)
    timed = price(model, rows, threads=arguments.threads)
    told: dict[str, Any] = {
        "seconds": round(timed.seconds, 2),
        "machine_years": len(rows),
        "threads": arguments.threads,
        "trees": model.rounds,
        "gross_premium_minor": timed.gross_premium_minor,
        "every_bill_reconciles": timed.reconciles,
        "statement": STATEMENT,
    }
    print(json.dumps(told, indent=2) if arguments.json else f"{told['machine_years']:,} in {told['seconds']} s")


def price(model: FittedFrequency, rows: Matrix, *, threads: int) -> Timed:
    """Bills of every row, block by block."""
    values = scoring_parameters().at(AS_OF)
    charged = loadings("CNY", values)

    def block(first: int) -> BookBills:
        """One block's bills: each row is a machine-year."""
        frequency = np.exp(model.logs(rows[first : first + BLOCK]))
        return bills_of_book(frequency * SEVERITY_MINOR, loadings=charged, terms=TERMS)

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        bills = list(pool.map(block, range(0, len(rows), BLOCK)))
    seconds = time.perf_counter() - began
    return Timed(
        seconds=seconds,
        gross_premium_minor=sum(int(each.gross_premium_minor.sum()) for each in bills),
        reconciles=all(_reconciles(each) for each in bills),
    )


def _reconciles(bills: BookBills) -> bool:
    by_risk = sum(bills.risk.values()) == bills.pure_premium_minor
    by_lines = bills.pure_premium_minor + sum(bills.loadings.values()) == bills.gross_premium_minor
    return bool(np.all(by_risk) and np.all(by_lines))


def _model() -> FittedFrequency:
    rows, generator = _rows(FITTED_ON, SEED), np.random.default_rng(SEED)
    logs = -1.5 + 0.3 * np.nan_to_num(rows[:, 0]) + 0.8 * np.nan_to_num(rows[:, 1]) * (rows[:, -1] == 2)
    sample = ClaimsSample(
        rows=rows,
        exposure=np.ones(len(rows)),
        counts=generator.poisson(np.exp(logs)).astype(np.float64),
        groups=[str(at) for at in range(len(rows))],
        features=FEATURES,
    )
    settings = {**scoring_parameters().at(AS_OF)["claims_model"], "growths": [[4, 20]], "maximum_rounds": 150}
    return fit_frequency(sample, settings=settings, seed=SEED)


def _rows(n: int, seed: int) -> Matrix:
    """Drawn factors: twelve numbers, a twentieth of them missing, and a kind."""
    generator = np.random.default_rng(seed)
    numbers = generator.standard_normal((n, 12))
    numbers[generator.random(numbers.shape) < 0.05] = np.nan
    return np.column_stack([numbers, generator.integers(0, 4, n)])


if __name__ == "__main__":
    main()
