"""The cash that a shock keeps from a supplier over a horizon, part by part: what a bridge line has to stand in for.

Three parts that exclude each other. *Delayed*: what the core enterprise pays later, no more than it owes. *Unpaid*:
what a core enterprise in default owes and does not pay. *Contribution*: of sales that lost orders take over the
horizon, the share that was to pay wages, rent, interest and instalments; the rest is material that is not bought.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.supply_chain.contagion.network import Chain, Floats

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortfall:
    """(firm,) in minor units, by part."""

    delayed: Floats
    unpaid: Floats
    contribution: Floats

    @property
    def total(self) -> Floats:
        """All that is lacking before any cash."""
        return self.delayed + self.unpaid + self.contribution


def shortfall(
    chain: Chain, core: int, *, is_default: bool, pays_later_days: int, level: Floats, terms: Mapping[str, Any]
) -> Shortfall:
    """What is lacking when the core enterprise defaults or pays so many days later, and output falls to `level`
    (firm,). `terms` are parameter `stress`: `bridge_days` and `contribution_share`."""
    owed = chain.receivable[:, [core]].toarray().ravel()
    daily = chain.sales[:, [core]].toarray().ravel() / DAYS_A_YEAR
    none = np.zeros_like(owed)
    sold = np.asarray(chain.sales.sum(axis=1)).ravel()
    share = terms["contribution_share"] * terms["bridge_days"] / DAYS_A_YEAR
    return Shortfall(
        delayed=none if is_default else np.minimum(daily * pays_later_days, owed),
        unpaid=owed if is_default else none,
        contribution=share * sold * (1.0 - level),
    )
