"""How unlikely agreement is by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def log_at_least(matched: Ints, compared: Ints, chance: Floats) -> Floats:
    """Natural logarithm of the chance of so many or more agreements among those compared, each with this chance.

    At most as many match as are compared. Bit for bit `scipy.stats.binom.logsf(matched - 1, ...)`, without the
    second that each process takes to import `scipy.stats`.
    """
    some = np.maximum(matched, 1)
    with np.errstate(divide="ignore"):  # a chance too small for a float is 0
        tail = np.log(betainc(some, np.maximum(compared, 1) - some + 1, chance))
    return np.asarray(np.where(matched > 0, tail, 0.0))
