"""The power-only points of 电E贷 (Zhejiang, 2024-11-25): capacity, utilisation and growth of 24 months of energy.

The published rule: capacity points = (INT(average monthly kWh of the last 12 months / 1,000) + 1) x 10; utilisation =
this month's kWh over the peak month of the previous 12, by a table of points; growth = last 12 months over the 12
before, less 1, by a table; payment method (cash 0, direct debit more), which no source here tells. The tables and the
weights are not published. Here, by assumption: a point for each hundredth of utilisation up to 100; 50 points at no
growth, one more or less for each hundredth, between 0 and 100; capacity capped at 100; equal weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MONTHS = 24
CAPACITY_STEP_KWH = 1000.0
POINTS_PER_STEP = 10.0
MOST_POINTS = 100.0
POINTS_AT_NO_GROWTH = 50.0

Matrix = NDArray[np.float64]


def points_of(monthly_kwh: Matrix) -> Matrix:
    """Points (n) of monthly energies (n, 24), oldest first: the more, the better."""
    before, last = monthly_kwh[:, :12], monthly_kwh[:, 12:]
    capacity = np.minimum((np.floor(last.mean(axis=1) / CAPACITY_STEP_KWH) + 1) * POINTS_PER_STEP, MOST_POINTS)
    peak = monthly_kwh[:, 11:23].max(axis=1)
    used = np.divide(last[:, -1], peak, out=np.zeros(len(peak)), where=peak > 0)
    prior = before.sum(axis=1)
    growth = np.divide(last.sum(axis=1) - prior, prior, out=np.zeros(len(prior)), where=prior > 0)
    utilisation = np.minimum(used * MOST_POINTS, MOST_POINTS)
    grown = np.clip(POINTS_AT_NO_GROWTH + growth * MOST_POINTS, 0.0, MOST_POINTS)
    return np.asarray((capacity + utilisation + grown) / 3.0)
