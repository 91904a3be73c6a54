"""The price of an extended warranty: component by component, year by year, within its terms.

premium = sum over months of P(still owned) x expected failures x repair cost x inflation x discount, wear parts left
out, from the end of the waiting period on, each repair capped by the limit an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest
from scoring.insurance.warranty.power_law import PowerLaw
from scoring.insurance.warranty.usage_mix import UsageMix

Vector = NDArray[np.float64]
MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part with its failures and what a repair costs on average, at today's prices. Wear parts are excluded."""

    name: str
    failures: PowerLaw
    repair_cost_minor: int
    is_wear_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyTerms:
    """What is covered: from when (months after the maker's warranty), for how long, and how much of a repair.

    `annual_sale_rate` is the chance a year that the machine is sold and the cover ends (a competing end, not a
    failure); rates are a year's.
    """

    starts_after_months: int
    months: int
    waiting_months: int
    limit_an_event_minor: int
    aggregate_limit_minor: int
    annual_sale_rate: float
    annual_inflation: float
    annual_discount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentCost:
    """What one component adds: expected failures in the cover, and their cost in minor units (exact)."""

    name: str
    expected_failures: float
    cost_minor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyCost:
    """The cost of the cover by component, wear parts named apart; the chance to make any claim; the sum."""

    components: tuple[ComponentCost, ...]
    excluded: tuple[str, ...]
    chance_to_claim: float
    cost_minor: float
    limited_minor: float
    """The cost after the aggregate limit."""


def warranty_cost(
    components: Sequence[Component], *, age_hours: float, usage: UsageMix, terms: WarrantyTerms
) -> WarrantyCost:
    """The expected cost of a cover of a machine that has `age_hours` on its meter when the maker's warranty begins.

    Failures given the usage are independent between components, and Poisson by minimal repair; over customers they are
    mixed by `usage`, so heavy users weigh as they fail. The aggregate limit is taken on the Poisson number of claims at
    the mean cost of one. Raises InvalidRequest.
    """
    _check(components, age_hours, terms)
    covered = [component for component in components if not component.is_wear_part]
    months = np.arange(terms.waiting_months, terms.months)
    since = (terms.starts_after_months + months) / MONTHS_A_YEAR
    years = months / MONTHS_A_YEAR
    kept = np.exp(-terms.annual_sale_rate * years)
    money = ((1 + terms.annual_inflation) / (1 + terms.annual_discount)) ** years
    hours, weights = np.array(usage.hours_a_year), np.array(usage.weights)
    start = age_hours + hours[:, None] * since[None, :]
    end = start + hours[:, None] / MONTHS_A_YEAR
    told, mean_failures, mean_costs = [], np.zeros(len(hours)), np.zeros(len(hours))
    for component in covered:
        expected = component.failures.expected(start, end) * kept
        paid = min(component.repair_cost_minor, terms.limit_an_event_minor)
        failures, costs = expected.sum(axis=1), (expected * money).sum(axis=1) * paid
        mean_failures += failures
        mean_costs += costs
        told.append(
            ComponentCost(
                name=component.name, expected_failures=float(weights @ failures), cost_minor=float(weights @ costs)
            )
        )
    return WarrantyCost(
        components=tuple(told),
        excluded=tuple(component.name for component in components if component.is_wear_part),
        chance_to_claim=float(weights @ -np.expm1(-mean_failures)),
        cost_minor=float(weights @ mean_costs),
        limited_minor=float(
            weights
            @ [
                _limited(n, cost, terms.aggregate_limit_minor)
                for n, cost in zip(mean_failures, mean_costs, strict=True)
            ]
        ),
    )


def _limited(failures: float, cost: float, limit: float) -> float:
    """E[min(N c, limit)] for N Poisson of mean `failures` and c the mean cost of one."""
    if failures <= 0 or cost <= 0:
        return 0.0
    one, total, chance, number = cost / failures, 0.0, float(np.exp(-failures)), 0
    left = 1.0
    while left > 1e-12 and number * one < limit:
        total += chance * number * one
        left -= chance
        number += 1
        chance *= failures / number
    return total + max(left, 0.0) * limit


def _check(components: Sequence[Component], age_hours: float, terms: WarrantyTerms) -> None:
    if not any(not component.is_wear_part for component in components):
        raise InvalidRequest("Only wear parts are named, and wear is not covered.", hint="Name a part that can fail.")
    if (
        age_hours < 0
        or terms.months <= terms.waiting_months
        or terms.waiting_months < 0
        or terms.starts_after_months < 0
    ):
        raise InvalidRequest(
            f"A cover of {terms.months} months with {terms.waiting_months} of waiting from {age_hours:g} hours is none."
        )
    if min(terms.limit_an_event_minor, terms.aggregate_limit_minor) <= 0:
        raise InvalidRequest("Limits of 0 and less cover nothing.")
