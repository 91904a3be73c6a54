"""A renewal's step from the old premium to the new one: capped, and paid for within the same book.

What caps take from some is redistributed over those that still have room, so that the book earns what the tariff says
(off-balance). Both premiums are kept: what the model says, and what is charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest
from scoring.money import ONE_MINOR_UNIT, apportion

Vector = NDArray[np.float64]
STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Premiums of a book (n) in minor units: technical and charged; the factor that off-balances; who is held back; and
    what the charged ones leave of the technical ones, which is 0 where the caps let the book balance."""

    technical_minor: tuple[int, ...]
    charged_minor: tuple[int, ...]
    off_balance: float
    capped_up: int
    capped_down: int
    unbalanced_minor: int


def renewed(
    current_minor: Sequence[int], technical_minor: Sequence[int], *, most_up: float, most_down: float
) -> Transition:
    """Charged premiums within [1 - most_down, 1 + most_up] of the current ones, summing to the technical ones.

    Policies without a current premium (0) are new and take the technical premium as off-balanced. Raises
    InvalidRequest, naming by how much, where the book as a whole moves further than the caps allow.
    """
    found = stepped(current_minor, technical_minor, most_up=most_up, most_down=most_down)
    if found.unbalanced_minor:
        change = sum(technical_minor) / sum(current_minor) - 1
        raise InvalidRequest(
            f"The book's premium changes by {change:+.1%}, but no premium may move by more than "
            f"-{most_down:.0%} to +{most_up:.0%}.",
            hint="Widen the caps, or spread the change over several renewals.",
        )
    return found


def stepped(
    current_minor: Sequence[int], technical_minor: Sequence[int], *, most_up: float, most_down: float
) -> Transition:
    """The same as far as the caps allow: where the book as a whole moves further, every premium moves by its cap and
    what is left is told (`unbalanced_minor`), to be taken at the renewals that follow."""
    current, technical = (np.array(side, dtype=np.float64) for side in (current_minor, technical_minor))
    if not (len(current) == len(technical) and (technical > 0).all() and (current >= 0).all()):
        raise InvalidRequest("Premiums of a renewal are positive, one technical for each current one.")
    is_new = current == 0
    lowest = np.where(is_new, 0.0, np.ceil(current * (1 - most_down)))
    highest = np.where(is_new, np.inf, np.floor(current * (1 + most_up)))
    asked = int(sum(technical_minor))
    total = int(min(max(asked, lowest.sum()), highest.sum()))
    factor = _factor(technical, lowest, highest, total)
    if asked > total:  # all stand at their upper cap, which any larger factor leaves them at: nobody pays for another
        factor = max(1.0, float((highest / technical).max()))
    elif asked < total:
        factor = min(1.0, float((lowest / technical).min()))
    charged = (factor * technical).clip(lowest, highest)
    return Transition(
        technical_minor=tuple(int(amount) for amount in technical_minor),
        charged_minor=_to_minor(charged, lowest=lowest, highest=highest, total=total),
        off_balance=factor,
        capped_up=int((factor * technical > highest).sum()),
        capped_down=int((factor * technical < lowest).sum()),
        unbalanced_minor=asked - total,
    )


def _factor(technical: Vector, lowest: Vector, highest: Vector, total: int) -> float:
    """The factor at which capped premiums sum to the total: the sum rises with it, so halving finds it."""
    low, high = 0.0, 1.0
    while (high * technical).clip(lowest, highest).sum() < total:
        high *= 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        if (middle * technical).clip(lowest, highest).sum() < total:
            low = middle
        else:
            high = middle
    return high


def _to_minor(charged: Vector, *, lowest: Vector, highest: Vector, total: int) -> tuple[int, ...]:
    """Whole minor units that sum to the total, rounding taken from premiums that no cap holds where there are any."""
    free = (charged > lowest) & (charged < highest)
    if not free.any():
        free = np.ones(len(charged), dtype=np.bool_)
    amounts = np.zeros(len(charged), dtype=np.int64)
    amounts[~free] = charged[~free].astype(np.int64)
    rest = Decimal(total - int(amounts[~free].sum()))
    shared = apportion([Decimal(repr(float(part))) for part in charged[free]], total=rest, step=ONE_MINOR_UNIT)
    amounts[free] = [int(part) for part in shared]
    return tuple(int(amount) for amount in amounts)
