"""How distress travels along what firms owe each other: DebtRank, as pure functions over exposures.

Source: Battiston, Puliga, Kaushik, Tasca, Caldarelli, DebtRank: too central to fail?, Scientific Reports 2:541 (2012);
the recursion is that of modelling.md 5.1: each firm passes on once, in the step after it was first hit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.history import Array


def relative_exposures(receivable: Array, equity: Array) -> Array:
    """(i, j): how much of the equity of i is lost when j pays nothing of what it owes i, at most 1.

    `receivable` is (i, j), what i is owed by j, in the currency of `equity` (i,). A firm without equity loses all by
    any loss.
    """
    owed = receivable > 0
    share = np.divide(receivable, equity[:, None], out=np.ones_like(receivable), where=(equity > 0)[:, None] & owed)
    return np.where(owed, np.minimum(share, 1.0), 0.0)


def debt_rank(exposures: Array, shock: Array, *, most_steps: int | None = None) -> Array:
    """Distress of each firm, 0 to 1, after an initial `shock` (firm,) has travelled along `exposures` (i, j).

    h_i(t) = min(1, h_i(t-1) + sum over j that were first hit in t-1 of exposures_ij h_j(t-1)). The rule that each firm
    passes on once keeps a circle from multiplying a loss. Ends when nobody is hit anew, or after `most_steps`.
    """
    distress = np.clip(np.asarray(shock, dtype=np.float64), 0.0, 1.0)
    active = distress > 0
    spent = np.zeros_like(active)
    step = 0
    while active.any() and (most_steps is None or step < most_steps):
        reached = np.minimum(1.0, distress + exposures @ np.where(active, distress, 0.0))
        spent |= active
        active = (reached > distress) & ~spent
        distress, step = reached, step + 1
    return np.asarray(distress)


def impact(exposures: Array, shock: Array, weight: Array) -> float:
    """What the network adds to a shock: the weighted distress in the end less that of the shock itself (R)."""
    start = np.clip(np.asarray(shock, dtype=np.float64), 0.0, 1.0)
    return float((weight * (debt_rank(exposures, start) - start)).sum())


def direct_vulnerability(owed: Array, pd_12m: Array, equity: Array, firm: NDArray[np.int64], firms: int) -> Array:
    """(firm,): the share of each firm's equity that its debtors' expected defaults take: DebtRank's first step with the
    debtors' probabilities of default as the shock. `owed`, `pd_12m` and `firm` are of each debt; `equity` of each
    firm. NaN where no debt is rated or the equity is not known."""
    rated = ~np.isnan(pd_12m) & (owed > 0)
    loss = np.bincount(firm[rated], weights=(owed * pd_12m)[rated], minlength=firms)
    hit = np.bincount(firm[rated], minlength=firms) > 0
    share = np.divide(loss, equity, out=np.ones(firms), where=equity > 0)
    return np.where(hit & ~np.isnan(equity), np.minimum(share, 1.0), np.nan)
