"""For how long: the least of what is asked for, what the product has, how long the machine lives, and how long its
worth covers what is still owed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scoring.credit.collateral import Collateral, collateral_terms
from scoring.credit.schedule import balance_share
from scoring.records import CreditRequest, TenorBound


def tenor_bounds(
    request: CreditRequest,
    security: Collateral | None,
    *,
    annual_rate: float,
    maximum_months: int,
    values: Mapping[str, Any],
) -> tuple[TenorBound, ...]:
    """Every ceiling on the tenor that is known. A machine's bounds are 0 where it is worn out, or worth less from the
    first month than what is owed on it."""
    bounds = [
        TenorBound(name="requested", months=request.tenor_months),
        TenorBound(name="product", months=maximum_months),
    ]
    if request.asset is not None and security is not None:
        life = collateral_terms(values).economic_life_hours - request.asset.hours
        bounds.append(TenorBound(name="economic_life", months=max(int(life / security.hours_a_month), 0)))
    if security is not None and security.free_minor is not None:
        longest = min(request.tenor_months, maximum_months)
        months = covered_months(request.amount_minor, security, annual_rate=annual_rate, longest=longest, values=values)
        bounds.append(TenorBound(name="collateral_cover", months=months))
    return tuple(bounds)


def advised_months(bounds: Sequence[TenorBound]) -> int:
    """The least bound, and at least one month."""
    return max(min(bound.months for bound in bounds), 1)


def covered_months(
    amount_minor: int, security: Collateral, *, annual_rate: float, longest: int, values: Mapping[str, Any]
) -> int:
    """The longest tenor, at most `longest`, in every month of which the machines are worth what is owed; 0 where
    there is none."""
    terms, free = collateral_terms(values), security.free_minor
    assert free is not None, "a value that is known"
    worth = [terms.later(free, months=month, hours_a_month=security.hours_a_month) for month in range(longest)]
    for months in range(longest, 0, -1):
        owed = (
            amount_minor * balance_share(annual_rate=annual_rate, months=months, paid=month) for month in range(months)
        )
        if all(math.floor(value) >= debt for value, debt in zip(worth, owed, strict=False)):
            return months
    return 0
