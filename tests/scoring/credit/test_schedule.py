"""Repayment to the fen: level instalments, instalments by use, and what of them cannot be otherwise."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.reference.dated import ParameterBook
from scoring.credit.schedule import balance_share, instalments, run_down, usage_payments, usage_plan
from scoring.records import UsagePlan

TODAY = date(2026, 7, 1)
RATES = st.sampled_from(["0", "0.0462", "0.12", "0.2399"])


def test_a_year_of_level_instalments_by_hand() -> None:
    # 1,200,000.00 at 12 %: 12,000 x 0.01 / (1 - 1.01^-12) = 106,618.55 a month, 79,422.55 of interest in all
    found = instalments(120_000_000, annual_rate=Decimal("0.12"), months=12)
    assert (found.instalment_minor, found.months) == (10_661_855, 12)
    assert found.interest_minor == 11 * found.instalment_minor + found.last_instalment_minor - 120_000_000
    assert found.interest_minor == pytest.approx(7_942_255, abs=12)


@given(st.integers(min_value=1, max_value=10**12), RATES, st.integers(min_value=1, max_value=60))
def test_instalments_are_the_amount_and_the_interest(amount: int, rate: str, months: int) -> None:
    found = instalments(amount, annual_rate=Decimal(rate), months=months)
    paid = (months - 1) * found.instalment_minor + found.last_instalment_minor
    if found.last_instalment_minor > 0:
        assert paid == amount + found.interest_minor
    assert found.last_instalment_minor <= found.instalment_minor + months


@given(
    st.integers(min_value=1, max_value=10**11),
    RATES,
    st.lists(st.integers(min_value=0, max_value=10**10), min_size=1, max_size=40),
)
def test_whatever_is_due_nothing_is_lost(amount: int, rate: str, due: list[int]) -> None:
    found = run_down(amount, annual_rate=Decimal(rate), due=due)
    paid, interest = (sum(getattr(item, name) for item in found) for name in ("paid_minor", "interest_minor"))
    assert paid == amount + interest - found[-1].owed_minor
    assert all(item.owed_minor >= 0 for item in found)


@given(RATES, st.integers(min_value=1, max_value=60))
def test_balance_shares_are_the_schedule(rate: str, months: int) -> None:
    amount = 10**11
    level = instalments(amount, annual_rate=Decimal(rate), months=months).instalment_minor
    for paid, item in enumerate(run_down(amount, annual_rate=Decimal(rate), due=[level] * (months - 1)), start=1):
        share = balance_share(annual_rate=float(rate), months=months, paid=paid)
        assert item.owed_minor / amount == pytest.approx(share, abs=1e-8)


# CNY 600,000.00 at 6 % over 36 months, 200 hours a month planned: 18,253.17 a month, of which 9,126.58 (half, to the even
# fen) is the floor and 45.64 an hour the rest
# months are those of n = -ln(1 - A r / p) / ln(1 + r) for a constant payment p


def plan_of(parameters: ParameterBook) -> UsagePlan:
    return usage_plan(
        60_000_000,
        annual_rate=Decimal("0.06"),
        months=36,
        planned_hours_a_month=200.0,
        values=parameters.at(TODAY),
    )


def test_a_plan_by_hand(parameters: ParameterBook) -> None:
    found = plan_of(parameters)
    assert (found.floor_minor, found.per_hour_minor) == (912_658, 4_564)
    assert (found.months_if_planned, found.longest_months, found.months_at_floor) == (36, 54, 54)
    # at the floor alone: 600,000 x 1.005^54 - 9,126.58 x (1.005^54 - 1) / 0.005
    growth = 1.005**54
    assert found.owed_at_floor_minor == pytest.approx(60_000_000 * growth - 912_658 * (growth - 1) / 0.005, abs=60)


# hours a month, month after month -> months until it is repaid (None: not within the longest), the first payment
@pytest.mark.parametrize(
    ("hours", "months", "first_payment"),
    [
        ([200.0] * 54, 36, 912_658 + 4_564 * 200),
        ([300.0] * 54, 29, 912_658 + 4_564 * 300),
        ([400.0] * 54, 24, 912_658 + 4_564 * 400),
        ([100.0] * 54, 50, 912_658 + 4_564 * 100),
        ([0.0] * 54, None, 912_658),
        ([0.0] * 6 + [250.0] * 48, 36, 912_658),
        ([400.0] * 6 + [200.0] * 48, 33, 912_658 + 4_564 * 400),
    ],
)
def test_higher_use_shortens_the_term(
    parameters: ParameterBook, hours: list[float], months: int | None, first_payment: int
) -> None:
    found = usage_payments(60_000_000, plan_of(parameters), annual_rate=Decimal("0.06"), hours=hours)
    assert found[0].paid_minor == first_payment
    assert (len(found) if found[-1].owed_minor == 0 else None) == months


@given(st.lists(st.floats(min_value=0, max_value=700), min_size=54, max_size=54), st.floats(min_value=0, max_value=300))
def test_more_hours_never_repay_later(parameters: ParameterBook, hours: list[float], more: float) -> None:
    plan = plan_of(parameters)
    less, much = (
        usage_payments(60_000_000, plan, annual_rate=Decimal("0.06"), hours=worked)
        for worked in (hours, [worked + more for worked in hours])
    )
    assert (len(much), much[-1].owed_minor) <= (len(less), less[-1].owed_minor)
    assert all(item.paid_minor >= plan.floor_minor for item in less[:-1])
