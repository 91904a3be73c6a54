"""Base worlds as two files each: what the pipeline makes of them, and the truth, which is set apart before."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.worlds.built import CALIBRATE, TEST, TRAIN, BuiltWorld, built, month_end
from benchmarks.worlds.power_points import power_points
from features.as_of import CreditTrainingSet
from features.labels import Lives

MACHINES = 1.0
"""One machine a firm: default needs firms, not machines."""
TRUTHS = ("pd_12m_true", "pd_lifetime_true")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWorld:
    """Everything that may be fitted on: the training set, and each row's points by electricity alone (NaN where not
    asked)."""

    data: CreditTrainingSet
    points: Matrix

    def at(self, months: tuple[int, ...]) -> NDArray[np.int64]:
        """Positions of the rows observed at these months."""
        stamps = np.array([month_end(month).replace(tzinfo=None) for month in months], dtype="datetime64[us]")
        return np.flatnonzero(np.isin(self.data.as_of, stamps))


def build(seed: int, obligors: int, folder: Path) -> tuple[Path, Path]:
    """Simulate a world, take it in without its truth, and write both files, unless they are there."""
    known, truth = (folder / f"base-{seed}-{obligors}.{name}.npz" for name in ("known", "truth"))
    if known.is_file() and truth.is_file():
        return known, truth
    begun = time.perf_counter()
    with built("base", seed=seed, obligors=obligors, machines_per_obligor=MACHINES) as world:
        sealed = world.folder.parent / "sealed"
        shutil.move(world.folder / "truth", sealed)
        data = world.training_set((*TRAIN, *CALIBRATE, *TEST))
        assert data.lives is not None
        np.savez(
            known,
            obligor_ids=np.array(data.obligor_ids),
            as_of=data.as_of,
            observed_until=data.observed_until,
            names=np.array(data.names),
            values=data.values,
            defaulted=data.defaulted,
            months=data.lives.months,
            ended=data.lives.defaulted,
            industry_divisions=np.array(data.industry_divisions),
            points=_points(world, data),
        )
        np.savez(truth, **_truth(sealed, data))
    print(f"{time.perf_counter() - begun:6.0f} s  world {seed}", file=sys.stderr, flush=True)
    return known, truth


def read_known(path: Path) -> KnownWorld:
    """What was written of a world but for its truth; files of before told no industries."""
    with np.load(path) as kept:
        data = CreditTrainingSet(
            obligor_ids=kept["obligor_ids"].tolist(),
            as_of=kept["as_of"],
            observed_until=kept["observed_until"],
            names=kept["names"].tolist(),
            values=kept["values"],
            defaulted=kept["defaulted"],
            lives=Lives(kept["months"], kept["ended"]),
            industry_divisions=kept["industry_divisions"].tolist() if "industry_divisions" in kept else None,
        )
        return KnownWorld(data=data, points=kept["points"])


def read_truth(path: Path) -> dict[str, Matrix]:
    """The exact probabilities of each row, within 12 and within 60 months."""
    with np.load(path) as kept:
        return {name: kept[name] for name in TRUTHS}


def _points(world: BuiltWorld, data: CreditTrainingSet) -> Matrix:
    points = np.full(len(data.as_of), np.nan)
    for month in (*CALIBRATE, *TEST):
        as_of = month_end(month)
        found = power_points(world, as_of)
        for row in np.flatnonzero(data.as_of == np.datetime64(as_of.replace(tzinfo=None), "us")):
            points[row] = found.get(data.obligor_ids[row], 0.0)
    return points


def _truth(sealed: Path, data: CreditTrainingSet) -> dict[str, Matrix]:
    table = pq.read_table(sealed / "obligor_month.parquet", columns=["obligor_id", "as_of", *TRUTHS])
    stamps = table["as_of"].to_numpy().astype("datetime64[us]").tolist()
    place = {key: at for at, key in enumerate(zip(table["obligor_id"].to_pylist(), stamps, strict=True))}
    rows = [place[key] for key in zip(data.obligor_ids, data.as_of.tolist(), strict=True)]
    return {name: table[name].to_numpy()[rows] for name in TRUTHS}
