"""Staged shutdowns (F12) beside honest standstills: `python -m benchmarks.staged_shutdowns --json`.

The score was made on seeds 1 and 2 and is reported on seeds from 101 on.

Every firm of one world stages one, nobody of another does. The limit is the score that one in a hundred honest firms
passes; recall is the share of staged shutdowns above it. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.trust.worlds import laws_of, simulate_into
from data_contracts.contract import RecordKind
from scoring.insurance.idle_cover.staged import FirmDays, staged_shutdown
from simulator.frauds.plan import Code
from simulator.summary import STATEMENT

FIRST_SEED = 101
SEEDS = 3
OBLIGORS = 64
FALSE_ALARMS = 0.01
DAY_SECONDS = 86_400.0
FEWEST_WORKING = 0.3
"""A day on which fewer of a world's firms work is a day of rest: nobody's standstill."""

Vector = NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds of each kind (3)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (64)")
    arguments = parser.parse_args()
    found = measure(range(FIRST_SEED, FIRST_SEED + arguments.seeds), obligors=arguments.obligors)
    print(json.dumps(found, indent=2) if arguments.json else found)


def measure(seeds: Sequence[int], *, obligors: int) -> dict[str, Any]:
    """Recall at 1 % false alarms, and the scores of both kinds of firms."""
    honest, staged = [], []
    for seed in seeds:
        honest += list(_scores(seed, (), obligors).values())
        scores = _scores(seed, (Code.STAGED_SHUTDOWN,), obligors)
        staged += [score for firm, score in scores.items() if not firm.startswith("honest ")]
    limit = float(np.quantile(honest, 1 - FALSE_ALARMS, method="higher"))
    return {
        "recall": float(np.mean(np.array(staged) > limit)),
        "false_alarms": float(np.mean(np.array(honest) > limit)),
        "limit": limit,
        "honest_firms": len(honest),
        "honest_standstills": int((np.array(honest) > 0).sum()),
        "staged": len(staged),
        "staged_scores": {f"q{share}": float(np.quantile(staged, share / 100)) for share in (5, 10, 25, 50)},
        "statement": STATEMENT,
    }


def _scores(seed: int, codes: Sequence[Code], obligors: int) -> dict[str, float]:
    """The score of each firm, 0 where it never stood still; of a false world those who did not stage are marked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        simulate_into(laws_of(seed, 1.0), codes, obligors, folder)
        labelled = _labelled(folder) if codes else None
        days = _firm_days(folder)
    told = {}
    for firm, each in days.items():
        found = staged_shutdown(each)
        is_staged = labelled is None or firm in labelled
        told[firm if is_staged else f"honest {firm}"] = 0.0 if found is None else found.score
    return told


def _labelled(folder: Path) -> set[str]:
    labels = pq.read_table(folder / "truth" / "fraud.parquet").to_pandas()
    return set(labels["obligor_id"])


def _firm_days(folder: Path) -> dict[str, FirmDays]:
    """What was told of each firm, day by day, over the world."""
    columns = ["machine_uid", "day", "executing_seconds", "unknown_seconds", "energy_kwh"]
    reports = ds.dataset(folder / "machine_day_report").to_table(columns=columns).to_pandas()
    reports["firm"] = reports["machine_uid"].str.split("/").str[0]
    reports["day"] = pd.to_datetime(reports["day"])
    reports["seen"] = DAY_SECONDS - reports["unknown_seconds"].fillna(DAY_SECONDS)
    sums = reports.groupby(["firm", "day"])[["executing_seconds", "seen", "energy_kwh"]].sum()
    rate = (sums["executing_seconds"] / sums["seen"].where(sums["seen"] > 0)).unstack("firm")
    dates = pd.date_range(rate.index.min(), rate.index.max())
    rate = rate.reindex(dates)
    told = sums["energy_kwh"].unstack("firm").reindex(dates).where(rate.notna())
    bill = dates.to_period("M").astype("int64").to_numpy()
    works = (rate > 0).sum(axis=1) / rate.notna().sum(axis=1).clip(lower=1)
    delivered = _daily(folder, RecordKind.DELIVERY, "parts", dates)
    energy = _bills(folder, dates)
    total, count = rate.sum(axis=1), rate.notna().sum(axis=1)
    return {
        firm: FirmDays(
            own_rate=rate[firm].to_numpy(dtype=np.float64).copy(),
            cluster_rate=((total - rate[firm].fillna(0)) / (count - rate[firm].notna()).clip(lower=1)).to_numpy(),
            told_kwh=told[firm].to_numpy(dtype=np.float64),
            bill=bill,
            delivered=delivered.get(firm, pd.Series(np.nan, index=dates)).to_numpy(dtype=np.float64),
            site_kwh=energy.get(firm, pd.Series(np.nan, index=dates)).to_numpy(dtype=np.float64),
            is_rest=(works < FEWEST_WORKING).to_numpy(),
        )
        for firm in rate.columns
    }


def _daily(folder: Path, kind: RecordKind, column: str, dates: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """A ledger's amounts by firm and day, 0 where nothing was told."""
    rows = _ledger(folder, kind)
    local = pd.to_datetime(rows["event_time"], utc=True).dt.tz_convert("Asia/Shanghai")
    rows["day"] = local.dt.tz_localize(None).dt.normalize()
    table = rows.groupby(["obligor_id", "day"])[column].sum().unstack("obligor_id").reindex(dates).fillna(0.0)
    return {str(firm): table[firm] for firm in table.columns}


def _bills(folder: Path, dates: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """Each day's mean of the month's bill of the site's meter."""
    rows = _ledger(folder, RecordKind.ENERGY_BILL)
    rows["month"] = pd.to_datetime(rows["month"]).dt.to_period("M")
    table = rows.groupby(["obligor_id", "month"])["energy_kwh"].sum().unstack("obligor_id")
    spread = table.reindex(dates.to_period("M"))
    spread.index = dates
    return {str(firm): spread[firm] / dates.days_in_month for firm in spread.columns}


def _ledger(folder: Path, kind: RecordKind) -> pd.DataFrame:
    files = [*sorted(folder.glob(f"{kind}.csv")), *sorted(folder.glob(f"{kind}_[0-9].csv"))]
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


if __name__ == "__main__":
    main()
