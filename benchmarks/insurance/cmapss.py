"""Remaining life of turbofans (C-MAPSS FD001 and FD003) through the warranty's accelerated failure times.

Published root mean squared errors on the last cycle of the test engines, lives capped at 125: LSTM 14.93 (FD001),
XGBoost 13.36 (FD003). A life above the cap is censored there, which is what `survival:aft` is for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.real_data import real_data
from scoring.training.warranty import fit_life

CAP = 125.0
PUBLISHED = {"FD001": 14.93, "FD003": 13.36}
WINDOW = 30
SEED = 0
SETTINGS: dict[str, Any] = {
    "max_depth": 4, "eta": 0.05, "min_child_weight": 10, "subsample": 0.7, "colsample_bytree": 0.5, "reg_lambda": 10,
    "folds": 4, "maximum_rounds": 300, "distribution": "normal", "distribution_scale": 0.25,
}  # fmt: skip

Matrix = NDArray[np.float64]
NAMES = ["unit", "cycle", "setting_1", "setting_2", "setting_3", *(f"sensor_{at:02d}" for at in range(1, 22))]


def measure(name: str) -> dict[str, Any]:
    """Fit on the training engines, rounds by engines held back, and judge on the test engines' last cycles."""
    train, test = _read(f"train_{name}"), _read(f"test_{name}")
    moving = [column for column in NAMES[5:] if train[column].std() > 1e-9]
    last = train.groupby("unit")["cycle"].transform("max")
    lives = (last - train["cycle"]).to_numpy(dtype=np.float64) + 1.0
    is_capped = lives > CAP
    rows = _features(train, moving)
    found = fit_life(
        rows,
        np.where(is_capped, CAP, lives),
        np.where(is_capped, np.inf, lives),
        train["unit"].astype(str).tolist(),
        settings=SETTINGS,
        seed=SEED,
    )
    ends = test.groupby("unit")["cycle"].transform("max") == test["cycle"]
    told = np.minimum(found.medians(_features(test, moving)[ends.to_numpy()]), CAP)
    truth = np.minimum(np.loadtxt(real_data(f"cmapss/RUL_{name}.txt.gz")), CAP)
    return {
        "rmse": float(np.sqrt(np.mean((told - truth) ** 2))),
        "published": PUBLISHED[name],
        "rounds": found.rounds,
        "engines": len(truth),
    }


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(real_data(f"cmapss/{name}.txt.gz"), sep=r"\s+", header=None, names=NAMES)


def _features(engines: pd.DataFrame, columns: list[str]) -> Matrix:
    """Cycle, and of each sensor that moves: its mean over the last 30 cycles, its spread, and how it drifted."""
    groups = engines.groupby("unit")[columns]
    means = groups.rolling(WINDOW, min_periods=1).mean().reset_index(level=0, drop=True).sort_index()
    spread = groups.rolling(WINDOW, min_periods=2).std().reset_index(level=0, drop=True).sort_index()
    short = groups.rolling(5, min_periods=1).mean().reset_index(level=0, drop=True).sort_index()
    first = groups.transform(lambda sensor: sensor.iloc[:10].mean())
    parts = [engines[["cycle"]], means, spread, short - means, means - first]
    return np.column_stack([part.to_numpy(dtype=np.float64) for part in parts])
