"""A lender's table with a known cause: numbers, texts, missing values, a leak, firms with several loans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

TRADES = ("casting", "milling", "moulding")


def book(rows: int = 1_200, *, seed: int = 1) -> pd.DataFrame:
    """Loans of three years: the outcome falls with revenue, rises with debt, and depends on the trade."""
    drawn = np.random.default_rng(seed)
    revenue, debt = drawn.normal(size=rows), drawn.normal(size=rows)
    trade = drawn.integers(3, size=rows)
    log_odds = -1.2 - 1.0 * revenue + 0.7 * debt + np.array([-0.8, 0.0, 0.8])[trade]
    frame = pd.DataFrame(
        {
            "revenue": np.where(drawn.random(rows) < 0.1, np.nan, revenue),
            "debt": debt,
            "trade": np.array(TRADES)[trade],
            "noise": drawn.normal(size=rows),
            "approved": drawn.choice([2019, 2020, 2021, 2022], size=rows),
            "firm": [f"F{index}" for index in drawn.integers(rows // 2, size=rows)],
            "defaulted": (drawn.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int),
        }
    )
    frame["months_paid"] = np.where(frame["defaulted"] == 1, drawn.integers(1, 30, rows), 36)
    return frame


def written(folder: Path, frame: pd.DataFrame, name: str = "book.csv") -> Path:
    """The table as a file."""
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path
