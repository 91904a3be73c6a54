"""An alarm against what came: whom it alarms for nothing, whom it warns of, and how early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

YEAR_DAYS = 365
UNPAID_DAYS = 90
"""A default is told after so many days without payment."""
LAST_WHOLE_YEAR = pd.Timestamp(2025, 6, 30)
"""Of later days nobody knows yet whether the firm keeps paying for a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFigures:
    """`honest_share`: of firms that do not default within a year, how many are alarmed in a month; `honest_year_share`:
    how many at least once in a year; `warned_share`: of defaults, how many were alarmed on a day of the year before;
    `warned_ahead_share`: on such a day before the last 90, within which the debt is unpaid already; `median_lead_days`:
    from the first such day on."""

    honest_share: float
    honest_year_share: float
    warned_share: float
    warned_ahead_share: float
    median_lead_days: float
    defaults: int


def with_outcomes(rows: pd.DataFrame, defaulted_on: Mapping[str, date], *, seed: int) -> pd.DataFrame:
    """Rows of (obligor_id, day) with: the firm, the month, the days left to its default (infinite where it has none),
    and whether the row is of an honest firm."""
    day = pd.to_datetime(rows["day"])
    until = pd.to_datetime(rows["obligor_id"].map(dict(defaulted_on)))
    left = (until - day).dt.days.astype("float64").fillna(np.inf)
    return rows.assign(
        firm=f"{seed}/" + rows["obligor_id"],
        month=day.dt.year * 12 + day.dt.month,
        year=(day - day.min()).dt.days // YEAR_DAYS,
        left=left,
        is_honest=(left > YEAR_DAYS) & (day <= LAST_WHOLE_YEAR),
    )


def figures(rows: pd.DataFrame, measure: str, threshold: float) -> AlarmFigures:
    """Of the alarm that is raised where `measure` reaches the threshold."""
    before = rows[(rows["left"] > 0) & (rows["left"] <= YEAR_DAYS)]
    leads = before[before[measure] >= threshold].groupby("firm")["left"].max()
    defaults = before["firm"].nunique()
    return AlarmFigures(
        honest_share=float((_worst(rows, measure, "month") >= threshold).mean()),
        honest_year_share=float((_worst(rows, measure, "year") >= threshold).mean()),
        warned_share=len(leads) / defaults if defaults else float("nan"),
        warned_ahead_share=float((leads > UNPAID_DAYS).sum()) / defaults if defaults else float("nan"),
        median_lead_days=float(leads.median()),
        defaults=defaults,
    )


def threshold_at(rows: pd.DataFrame, measure: str, honest_share: float, *, of: str = "month") -> float:
    """Where so many honest firms are alarmed in a month, or in a year."""
    return float(_worst(rows, measure, of).quantile(1 - honest_share))


def _worst(rows: pd.DataFrame, measure: str, of: str) -> pd.Series[float]:
    """Of each honest firm and month (or year, honest throughout) the worst that was measured: one bad week alarms it."""
    spans = rows.groupby(["firm", of])
    worst = spans[measure].max()
    return worst[spans["is_honest"].min()]
