"""Choosing the peers that a decision's reasons compare with: those who would just be approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Selection(StrEnum):
    """How a reference group was chosen."""

    JUST_APPROVED = "just_approved"
    LOWEST_PD = "lowest_pd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Rows of the chosen obligors, and how they were chosen."""

    rows: NDArray[np.int64]
    selection: Selection


def choose_peers(
    pd: Vector,
    *,
    obligor_ids: Sequence[str],
    as_of: NDArray[np.datetime64],
    approved_to: float,
    settings: Mapping[str, Any],
) -> Peers:
    """One row (the latest) of each obligor in that `share` of those approved whose PD is nearest below `approved_to`.

    An obligor asks why it was not approved, or only just: the answer is what sets it apart from those who were. A share
    and not a number of firms: a few at the very bound are there by the model's own errors, and change with every refit.
    Where fewer than `fewest` would be approved, the obligors with the lowest PDs stand in. Ties go by name.
    """
    latest = _latest(obligor_ids, as_of)
    names = np.array(obligor_ids)[latest]
    approved = pd[latest] <= approved_to
    if (count := int(approved.sum())) >= settings["fewest"]:
        nearest = np.lexsort((names[approved], -pd[latest][approved]))
        chosen = nearest[: max(settings["fewest"], ceil(settings["share"] * count))]
        return Peers(rows=latest[approved][chosen], selection=Selection.JUST_APPROVED)
    lowest = np.lexsort((names, pd[latest]))
    return Peers(rows=latest[lowest[: settings["fewest"]]], selection=Selection.LOWEST_PD)


def _latest(obligor_ids: Sequence[str], as_of: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The last row of each obligor."""
    order = np.lexsort((as_of, np.array(obligor_ids)))
    names = np.array(obligor_ids)[order]
    is_last = np.append(names[1:] != names[:-1], True)
    return np.asarray(order[is_last])
