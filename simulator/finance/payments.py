"""What falls due to whom and when: a rolling schedule, and what stays unpaid of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.finance.accounts import Creditor

HORIZON_DAYS = 160
"""Nothing that is owed falls due later than that many days after the first of its month."""

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Obligations:
    """Amounts in minor units while a month is being written."""

    scheduled: Ints
    """(creditors, firms, `HORIZON_DAYS`): falls due so many days after the month's first."""

    def fall_due(self, creditor: Creditor, after: Ints | int, amount: Ints) -> None:
        """Owe `amount` by firm, due `after` days from the month's first (one for all firms, or by firm)."""
        self.scheduled[creditor, np.arange(len(amount)), after] += amount

    def within(self, days: int) -> Ints:
        """(creditors, firms, days): what falls due in the month."""
        return self.scheduled[:, :, :days]

    def next_month(self, days: int) -> Ints:
        """The schedule as it stands on the first of the next month."""
        later = np.zeros_like(self.scheduled)
        later[:, :, : HORIZON_DAYS - days] = self.scheduled[:, :, days:]
        return later


def nothing_due(firms: int) -> Ints:
    """An empty schedule."""
    return np.zeros((len(Creditor), firms, HORIZON_DAYS), dtype=np.int64)
