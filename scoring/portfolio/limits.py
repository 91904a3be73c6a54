"""How much of the limits that were recommended is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.portfolio.loans import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """What a borrower has of a product against its limit. `limit_utilization_ratio` is None where the limit is 0 or
    none was recommended; `over_minor` is what lies above the limit."""

    obligor_id: str
    product: str
    limit_minor: int | None
    outstanding_minor: int
    limit_utilization_ratio: float | None
    over_minor: int


def limits_used(positions: Sequence[Position], limits: Mapping[tuple[str, str], int]) -> list[LimitUse]:
    """Each borrower and product that has a limit or something outstanding, most used first; those without a limit
    last, since nothing says whether they are above one."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for item in positions:
        if item.outstanding_minor:
            owed[item.loan.obligor_id, item.loan.product] += item.outstanding_minor
    lines = [_use(key, owed.get(key, 0), limits.get(key)) for key in sorted({*owed, *limits})]
    return sorted(lines, key=_most_used)


def _use(key: tuple[str, str], owed: int, limit: int | None) -> LimitUse:
    return LimitUse(
        obligor_id=key[0],
        product=key[1],
        limit_minor=limit,
        outstanding_minor=owed,
        limit_utilization_ratio=owed / limit if limit else None,
        over_minor=max(0, owed - limit) if limit is not None else 0,
    )


def _most_used(line: LimitUse) -> tuple[bool, float, str, str]:
    ratio = line.limit_utilization_ratio
    if ratio is None and line.limit_minor == 0 and line.outstanding_minor:
        ratio = float("inf")
    return line.limit_minor is None, -(ratio or 0.0), line.obligor_id, line.product
