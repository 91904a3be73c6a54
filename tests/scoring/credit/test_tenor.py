"""For how long: a row a case."""

from __future__ import annotations

from datetime import date

import pytest
from scoring_book import AS_OF, OBLIGOR

from data_contracts.reference.dated import ParameterBook
from scoring.credit.collateral import Collateral
from scoring.credit.tenor import advised_months, covered_months, tenor_bounds
from scoring.records import CollateralBasis, CreditProduct, CreditRequest, FinancedAsset

TODAY = date(2026, 7, 1)


def security_of(value_minor: float, hours_a_month: float, senior_minor: float = 0.0) -> Collateral:
    return Collateral(
        basis=CollateralBasis.ASSET,
        value_minor=value_minor,
        condition=1.0,
        hours_a_month=hours_a_month,
        planned_hours_a_month=hours_a_month,
        senior_minor=senior_minor,
        missing=None,
    )


# asked months, worth of the machine (CNY 10,000), hours so far, hours a month, amount (CNY 10,000) -> bounds, advice
@pytest.mark.parametrize(
    ("asked", "worth", "hours", "a_month", "amount", "life", "cover", "advised"),
    [
        (36, 100, 0, 200, 70, 200, 36, 36),
        (72, 100, 0, 200, 70, 200, 60, 60),
        (60, 100, 30_000, 400, 50, 25, 60, 25),
        (60, 100, 39_900, 200, 50, 0, 60, 1),
        (60, 100, 50_000, 200, 50, 0, 60, 1),
        (60, 100, 0, 200, 100, 200, 48, 48),
        (60, 100, 0, 500, 100, 80, 33, 33),
        (60, 100, 0, 200, 110, 200, 0, 1),
        (6, 100, 0, 200, 90, 200, 6, 6),
    ],
)
def test_tenor(
    parameters: ParameterBook,
    asked: int,
    worth: int,
    hours: int,
    a_month: int,
    amount: int,
    life: int,
    cover: int,
    advised: int,
) -> None:
    request = CreditRequest(
        obligor_id=OBLIGOR,
        product=CreditProduct.EQUIPMENT_LOAN,
        amount_minor=amount * 1_000_000,
        currency="CNY",
        tenor_months=asked,
        as_of=AS_OF,
        asset=FinancedAsset(value_new_minor=1, price_minor=1, age_years=0.0, hours=float(hours)),
    )
    bounds = tenor_bounds(
        request,
        security_of(worth * 1e6, float(a_month)),
        annual_rate=0.06,
        maximum_months=60,
        values=parameters.at(TODAY),
    )
    assert {bound.name: bound.months for bound in bounds} == {
        "requested": asked,
        "product": 60,
        "economic_life": life,
        "collateral_cover": cover,
    }
    assert advised_months(bounds) == advised


def test_the_covered_tenor_is_the_longest_that_is_covered(parameters: ParameterBook) -> None:
    """One month more, and in some month more is owed than the machine is worth."""
    values, machine = parameters.at(TODAY), security_of(1e8, 500.0)
    for amount in (60_000_000, 90_000_000, 100_000_000):
        found = covered_months(amount, machine, annual_rate=0.09, longest=60, values=values)
        assert found == 60 or covered_months(amount, machine, annual_rate=0.09, longest=found, values=values) == found
        shorter = [
            covered_months(amount, machine, annual_rate=0.09, longest=most, values=values) for most in (12, 24, 60)
        ]
        assert shorter == sorted(shorter)


def test_claims_that_go_before_shorten_it(parameters: ParameterBook) -> None:
    values = parameters.at(TODAY)
    free, pledged = (
        covered_months(90_000_000, security_of(1e8, 400.0, senior), annual_rate=0.06, longest=60, values=values)
        for senior in (0.0, 9e6)
    )
    assert 0 < pledged < free
