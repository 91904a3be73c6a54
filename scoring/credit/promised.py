"""What a group of PDs promised, and what was seen of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.credit.pluto_tasche import optimism


def promised_and_seen(pd: NDArray[np.float64], defaulted: NDArray[np.bool_]) -> dict[str, Any]:
    """Rows, defaults, what was promised and seen, and `optimism`: Jeffreys' probability that the true rate lies below
    the mean PD. Small values say that the PDs are too low. Ratios are None for no rows."""
    count, struck, expected = len(pd), int(defaulted.sum()), float(pd.sum())
    return {
        "rows": count,
        "defaults": struck,
        "mean_pd": expected / count if count else None,
        "default_rate": struck / count if count else None,
        "actual_to_expected": struck / expected if count else None,
        "optimism": optimism(expected / count, count, struck) if count else None,
    }
