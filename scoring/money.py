"""Money and rates as Decimal: rounded once, half to even, and shared out so that the lines sum to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

ONE_MINOR_UNIT = Decimal(1)
RATE_STEP = Decimal("0.000001")
"""Rates are quoted to a ten-thousandth of a percent."""


def exact(number: float | int | str) -> Decimal:
    """The decimal number that `number` shows when written out (0.024, not the binary fraction next to it)."""
    return Decimal(str(number))


def rounded(amount: Decimal, *, step: Decimal) -> Decimal:
    """`amount` to the nearest multiple of `step`, half to even."""
    return (amount / step).to_integral_value(rounding=ROUND_HALF_EVEN) * step


def to_minor(amount: Decimal) -> int:
    """An amount in minor units, rounded half to even to a whole one."""
    return int(rounded(amount, step=ONE_MINOR_UNIT))


def apportion(parts: Sequence[Decimal], *, total: Decimal, step: Decimal) -> tuple[Decimal, ...]:
    """`parts` as multiples of `step` that sum to `total`, one itself, by largest remainder.

    Of equal remainders the earlier part's is raised.
    """
    steps = [(part / step).to_integral_value(rounding=ROUND_FLOOR) for part in parts]
    remainders = [part / step - whole for part, whole in zip(parts, steps, strict=True)]
    for_all, for_some = divmod(int(total / step - sum(steps, Decimal(0))), len(parts))
    raised = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))[:for_some]
    return tuple((whole + for_all + (index in raised)) * step for index, whole in enumerate(steps))
