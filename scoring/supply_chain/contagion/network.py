"""Who sells to whom, who owes whom, and what each can bear: a chain as arrays, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from data_contracts.errors import NotFound

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """Firms by code, obligors first. Matrices are (i, j) over all firms, in minor units of one currency.

    `sales` is what i invoiced to j in the year before; `receivable` what j owes i. `equity` and `liquidity` (cash and
    undrawn lines), `pd_12m`, `lgd` and `exposure` (what the lender is owed) are (firm,), NaN where nobody knows.
    `rests_on` counts of how many obligors each source tells anything.
    """

    firms: Sequence[str]
    obligors: int
    currency: str
    sales: csr_array
    receivable: csr_array
    equity: Floats
    liquidity: Floats
    pd_12m: Floats
    lgd: float
    exposure: Floats
    rests_on: Mapping[str, int]

    def place_of(self, firm: str) -> int:
        """Where a firm stands. Raises NotFound."""
        try:
            return list(self.firms).index(firm)
        except ValueError as error:
            raise NotFound(f"No firm {firm!r} buys from, sells to or is an obligor here.") from error

    def shares(self) -> csr_array:
        """(i, j): the share of j in what i sold; rows of firms that sold sum to 1."""
        sold = np.asarray(self.sales.sum(axis=1)).ravel()
        inverse = np.divide(1.0, sold, out=np.zeros_like(sold), where=sold > 0)
        return csr_array(self.sales.multiply(inverse[:, None]))

    def fragility(self) -> csr_array:
        """(i, j): how much of the equity of i is lost when j pays nothing, at most 1. A firm whose equity nobody knows
        passes nothing on: it is named unknown, not sound."""
        with np.errstate(divide="ignore"):
            inverse = np.where(self.equity > 0, 1.0 / self.equity, np.where(np.isnan(self.equity), 0.0, np.inf))
        owed = self.receivable.tocoo()
        share = np.minimum(owed.data * np.where(owed.data > 0, inverse[owed.row], 0.0), 1.0)
        return csr_array((share, (owed.row, owed.col)), shape=owed.shape)
