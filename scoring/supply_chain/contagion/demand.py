"""The demand channel: a buyer that orders less lowers its suppliers' output, and they order less in turn.

Output levels are shares of the usual output, 1 where nothing happened. Inputs follow a generalised Leontief: what is
essential limits output to its own level, what is not lowers it by its share (after Diem, Borsos, Reisch, Kertesz,
Thurner, Quantifying firm-level economic systemic risk, Scientific Reports 12:7719, 2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from scoring.supply_chain.contagion.network import Floats

TOLERANCE = 1e-9
MOST_ROUNDS = 1000


def levels_of_demand(shares: csr_array, ordered: Floats, *, rounds: int = MOST_ROUNDS) -> Floats:
    """(firm,): output levels when each firm orders `ordered` (firm,) of what it usually does, times its own level.

    level_i = 1 - sum_j share_ij (1 - ordered_j level_j): what is sold to nobody known stays as it was. One round is the
    direct effect. Levels only fall from 1, so that the fixed point is approached from above and reached.
    """
    level = np.ones(shares.shape[0])
    for _ in range(rounds):
        following = np.clip(1.0 - shares @ (1.0 - ordered * level), 0.0, 1.0)
        if np.abs(following - level).max(initial=0.0) < TOLERANCE:
            return np.asarray(following)
        level = following
    return np.asarray(level)


def levels_of_supply(
    bought: csr_array, kind: NDArray[np.int64], is_essential: NDArray[np.bool_], output: Floats
) -> Floats:
    """(firm,): output levels that inputs allow when each firm can make at most `output` (firm,).

    `bought` is (i, j), what i buys from j; `kind` (firm,) which input a firm makes; `is_essential` (kind,). A firm has
    at most the least level of its essential inputs, less the missing share of the others.
    """
    level = np.array(output, dtype=np.float64)
    kinds = len(is_essential)
    of_kind = csr_array((np.ones(len(kind)), (np.arange(len(kind)), kind)), shape=(len(kind), kinds))
    usual = (bought @ of_kind).toarray()
    every = usual.sum(axis=1)
    for _ in range(MOST_ROUNDS):
        there = (bought.multiply(level[None, :]).tocsr() @ of_kind).toarray()
        share = np.divide(there, usual, out=np.ones_like(usual), where=usual > 0)
        limited = np.where(is_essential[None, :], share, 1.0).min(axis=1, initial=1.0)
        missing = ((usual - there) * ~is_essential[None, :]).sum(axis=1)
        others = 1.0 - np.divide(missing, every, out=np.zeros_like(every), where=every > 0)
        following = np.minimum(np.asarray(output), np.minimum(limited, others))
        if np.abs(following - level).max(initial=0.0) < TOLERANCE:
            return np.asarray(following)
        level = following
    return np.asarray(level)
