"""Receivables against cases worked by hand: a row a case. Amounts in fen unless they say yuan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.reference.dated import load_book
from scoring.supply_chain.receivables.advance import (
    AdvanceTerms,
    advance_rate,
    advance_terms,
    borrowing_base,
    expected_losses,
    receivable_pd,
)
from scoring.supply_chain.receivables.dilution import (
    Cohort,
    Dilution,
    DilutionTerms,
    dilution_by_buyer,
    dilution_of_seller,
    dilution_terms,
)
from scoring.supply_chain.receivables.eligibility import (
    Caution,
    EligibilityTerms,
    Judged,
    eligibility_terms,
    judge,
    months_after,
)
from scoring.supply_chain.receivables.receivable import Confirmation, Produced, Receivable, SellerFacts

TODAY = date(2026, 6, 30)
TERMS = EligibilityTerms(
    oldest_overdue_days=90, cross_ageing_share=Decimal("0.25"), concentration_share=Decimal("1"),
    tenor_months_warned=6, tenor_months_refused=12,
)  # fmt: skip
SELLER = SellerFacts(
    as_of=TODAY, currency="CNY", owed_to_minor={}, affiliates=frozenset({"AFF"}), produced=None, is_group_known=True
)


def owed(name: str, amount: int = 1000, *, buyer: str = "B", due: int = 30, tenor: int = 90, **more: Any) -> Receivable:
    """A receivable due so many days after today, of an invoice issued so many days before it is due."""
    due_on = TODAY + timedelta(days=due)
    told = {"amount_minor": amount, "outstanding_minor": amount, "currency": "CNY", **more}
    return Receivable(invoice_id=name, buyer_id=buyer, issued_on=due_on - timedelta(days=tenor), due_on=due_on, **told)


def taken(judged: Sequence[Judged]) -> list[tuple[int, dict[str, int]]]:
    return [
        (item.eligible_minor, {code.value[:3]: amount for code, amount in item.deductions.items()}) for item in judged
    ]


def test_the_shipped_terms() -> None:
    values = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2018, 1, 1))
    assert eligibility_terms(values) == replace(TERMS, concentration_share=Decimal("0.4"))
    assert advance_terms(values).cap == Decimal("0.85")
    assert dilution_terms(values).least_months == 6


# what is owed                                                   eligible  taken off by rule
ONE = [
    (owed("1"),                                                  1000, {}),
    (owed("1", outstanding_minor=400),                            400, {}),
    (owed("1", outstanding_minor=0),                                0, {}),
    (owed("1", currency="USD"),                                     0, {"E01": 1000}),
    (owed("1", is_disputed=True),                                   0, {"E03": 1000}),
    (owed("1", buyer="AFF"),                                        0, {"E04": 1000}),
    (owed("1", due=-90),                                         1000, {}),
    (owed("1", due=-91),                                            0, {"E05": 1000}),
    (owed("1", tenor=365),                                       1000, {}),
    (owed("1", tenor=367),                                          0, {"E06": 1000}),
    (owed("1", is_disputed=True, currency="USD"),                   0, {"E01": 1000}),
    (owed("1", shipped_minor=1000),                              1000, {}),
    (owed("1", shipped_minor=700),                                700, {"E08": 300}),
    (owed("1", shipped_minor=0),                                    0, {"E08": 1000}),
    (owed("1", outstanding_minor=200, shipped_minor=700),           0, {"E08": 200}),
]  # fmt: skip


@pytest.mark.parametrize(("item", "eligible", "deductions"), ONE)
def test_one_receivable(item: Receivable, eligible: int, deductions: dict[str, int]) -> None:
    assert taken(judge([item], SELLER, TERMS)) == [(eligible, deductions)]


@pytest.mark.parametrize(
    ("issued", "due", "cautions"),
    [
        (date(2026, 1, 31), date(2026, 7, 31), ()),
        (date(2026, 1, 31), date(2026, 8, 1), (Caution.LONG_TENOR,)),
        (date(2025, 8, 31), date(2026, 2, 28), ()),
        (date(2025, 8, 31), date(2026, 3, 1), (Caution.LONG_TENOR,)),
    ],
)
def test_tenors_are_counted_in_months(issued: date, due: date, cautions: tuple[Caution, ...]) -> None:
    known = owed("1", shipped_minor=1000, parts=5, confirmation=Confirmation.ACKNOWLEDGED, is_disputed=False)
    item = replace(known, issued_on=issued, due_on=due)
    made = replace(SELLER, as_of=due, produced=Produced(since=date(2020, 1, 1), parts=5, opening_parts=0))
    assert judge([item], made, TERMS)[0].cautions == cautions


def test_what_nobody_said_is_told_as_unknown() -> None:
    silent = judge([owed("1")], replace(SELLER, is_group_known=False), TERMS)[0].cautions
    assert [caution.value[:3] for caution in silent] == ["W02", "W03", "W04", "W05", "W06"]


def test_months() -> None:
    assert months_after(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert months_after(date(2025, 12, 31), 2) == date(2026, 2, 28)
    assert months_after(date(2026, 6, 30), 6) == date(2026, 12, 30)


def test_cross_ageing_takes_a_buyer_that_pays_late_on_the_whole() -> None:
    """250 of 1,000 too old is a quarter and no more; 251 is more."""
    at = [owed("1", 250, due=-91), owed("2", 750), owed("3", 100, buyer="C")]
    assert taken(judge(at, SELLER, TERMS)) == [(0, {"E05": 250}), (750, {}), (100, {})]
    above = [owed("1", 251, due=-91), owed("2", 749), owed("3", 100, buyer="C")]
    assert taken(judge(above, SELLER, TERMS)) == [(0, {"E05": 251}), (0, {"E07": 749}), (100, {})]


def test_contra_comes_off_what_is_due_first_and_not_off_what_is_irrevocable() -> None:
    seller = replace(SELLER, owed_to_minor={"B": 500})
    items = [
        owed("late", 1000, due=40), owed("first", 300, due=10),
        owed("sure", 900, due=1, confirmation=Confirmation.IRREVOCABLE),
    ]  # fmt: skip
    assert taken(judge(items, seller, TERMS)) == [(800, {"E10": 200}), (0, {"E10": 300}), (900, {})]


def test_one_buyer_counts_for_a_share_of_all_that_is_eligible() -> None:
    """40 % of 1,000 + 500 + 500 = 800; B has 1,000: 200 too much, off what is due last."""
    items = [owed("1", 400, due=10), owed("2", 600, due=60), owed("3", 500, buyer="C"), owed("4", 500, buyer="D")]
    found = judge(items, SELLER, replace(TERMS, concentration_share=Decimal("0.4")))
    assert taken(found) == [(400, {}), (400, {"E11": 200}), (500, {}), (500, {})]


def test_no_more_is_invoiced_than_was_produced_and_lay_in_stock() -> None:
    """100 made + 20 in stock; 90 and 40 parts invoiced: 10 of the 40 are not there, a quarter of that invoice."""
    seller = replace(SELLER, produced=Produced(since=date(2026, 1, 1), parts=100, opening_parts=20))
    items = [owed("2", 4001, due=61, parts=40), owed("1", 9000, due=60, parts=90), owed("3", 700, due=62)]
    assert taken(judge(items, seller, TERMS)) == [(3000, {"E09": 1001}), (9000, {}), (700, {})]


receivable = st.builds(
    owed,
    st.uuids().map(str),
    st.integers(1, 10**9),
    buyer=st.sampled_from(["A", "B", "C", "AFF"]),
    due=st.integers(-200, 200),
    tenor=st.integers(0, 400),
    is_disputed=st.booleans(),
    shipped_minor=st.none() | st.integers(0, 10**9),
    parts=st.none() | st.integers(1, 500),
)


@settings(deadline=None)
@given(st.lists(receivable, max_size=12), st.integers(0, 10**9), st.integers(0, 2000))
def test_every_fen_is_eligible_or_in_one_deduction(items: list[Receivable], contra: int, parts: int) -> None:
    produced = Produced(since=date(2026, 1, 1), parts=parts, opening_parts=0)
    seller = replace(SELLER, owed_to_minor={"A": contra}, produced=produced)
    terms = replace(TERMS, concentration_share=Decimal("0.4"))
    found = judge(items, seller, terms)
    for item in found:
        assert item.eligible_minor + sum(item.deductions.values()) == item.receivable.outstanding_minor
    before = judge(items, seller, TERMS)
    assert all(
        sum(item.eligible_minor for item in found if item.receivable.buyer_id == buyer)
        <= Decimal("0.4") * sum(item.eligible_minor for item in before)
        for buyer in "ABC"
    )


# average  volatility  days  stress  carry      rate         0.85 at most, 1 - (2a + v s + c d/360)
RATES = [
    ("0",     "0",     "0",   "2",   "0.08",  "0.85"),
    ("0.02",  "0.01",  "90",  "2",   "0.08",  "0.85"),       # 1 - (0.04 + 0.02 + 0.02) = 0.92
    ("0.05",  "0.02",  "90",  "2",   "0.08",  "0.84"),       # 1 - (0.10 + 0.04 + 0.02)
    ("0.08",  "0.03",  "180", "2",   "0.08",  "0.74"),       # 1 - (0.16 + 0.06 + 0.04)
    ("0.10",  "0.05",  "45",  "3",   "0.06",  "0.6425"),     # 1 - (0.20 + 0.15 + 0.0075)
    ("0.50",  "0.20",  "90",  "2",   "0.08",  "0"),
]  # fmt: skip


@pytest.mark.parametrize(("average", "volatility", "days", "stress", "carry", "rate"), RATES)
def test_advance_rate(average: str, volatility: str, days: str, stress: str, carry: str, rate: str) -> None:
    terms = AdvanceTerms(
        cap=Decimal("0.85"), dilution_stress=Decimal(stress), annual_carry_ratio=Decimal(carry), days_a_year=360
    )
    assert advance_rate(diluted(average, volatility), Decimal(days), terms) == Decimal(rate)


def diluted(mean: str, volatility: str = "0") -> Dilution:
    return Dilution(
        mean=Decimal(mean), volatility=Decimal(volatility), months=12, invoiced_minor=1, own_weight=Decimal(1)
    )


DILUTION = DilutionTerms(
    unknown_mean=Decimal("0.05"), unknown_volatility=Decimal("0.05"), credibility_invoiced_minor=1000, least_months=2
)


def test_dilution_is_drawn_towards_the_seller_and_the_seller_towards_what_is_assumed() -> None:
    """B: 30 of 3,000 credited, months at 0 % and 2 %; C: 100 of 1,000 in one month.

    Seller: 130 / 4,000 = 3.25 %, weight 4,000 / 5,000: 0.8 x 3.25 % + 0.2 x 5 % = 3.6 %. Months: 0 / 1,500 and
    130 / 2,500 = 5.2 %: deviation 5.2 % / sqrt 2. C: weight 1/2: 0.5 x 10 % + 0.5 x 3.6 % = 6.8 %.
    """
    cohorts = [Cohort(buyer_id="B", month="2026-01", invoiced_minor=1500, credited_minor=0),
               Cohort(buyer_id="B", month="2026-02", invoiced_minor=1500, credited_minor=30),
               Cohort(buyer_id="C", month="2026-02", invoiced_minor=1000, credited_minor=100)]  # fmt: skip
    seller, buyers = dilution_of_seller(cohorts, DILUTION), dilution_by_buyer(cohorts, DILUTION)
    assert seller.mean == Decimal("0.036")
    assert float(seller.volatility) == pytest.approx(0.8 * 0.052 / 2**0.5 + 0.2 * 0.05)
    assert buyers["C"].mean == Decimal("0.068")
    assert buyers["C"].volatility == seller.volatility  # of one month nothing is known of it
    assert buyers["B"].own_weight == Decimal("0.75")
    nothing = dilution_of_seller([], DILUTION)
    assert (nothing.mean, nothing.own_weight) == (Decimal("0.05"), 0)


# confirmation              buyer   supplier  dilution   pd        basis
PDS = [
    ("irrevocable",         0.005,  0.06,     "0.03",    0.005,    "buyer"),
    ("acknowledged",        0.005,  0.06,     "0.03",    0.0068,   "buyer_and_supplier"),  # 0.06 x 0.03 + 0.005
    ("unknown",             0.005,  0.06,     "0.03",    0.0068,   "buyer_and_supplier"),
    ("unknown",             0.90,   0.50,     "0.40",    1.0,      "buyer_and_supplier"),
    ("irrevocable",         None,   0.06,     "0.03",    None,     "buyer_not_rated"),
]  # fmt: skip


@pytest.mark.parametrize(("confirmation", "buyer", "supplier", "dilution", "pd", "basis"), PDS)
def test_the_buyer_stands_for_it_only_where_it_promised(
    confirmation: str, buyer: float | None, supplier: float, dilution: str, pd: float | None, basis: str
) -> None:
    found, told = receivable_pd(
        confirmation=Confirmation(confirmation), pd_buyer=buyer, pd_supplier=supplier, dilution=Decimal(dilution)
    )
    assert found == (None if pd is None else pytest.approx(pd))
    assert told == basis


def test_a_base_line_by_line() -> None:
    """B: 84 % of 1,001 fen = 840.84, down to 840; C: at the cap, 850. Credit loss 840 x 0.0068 x 0.45 = 2.57."""
    terms = AdvanceTerms(
        cap=Decimal("0.85"), dilution_stress=Decimal(2), annual_carry_ratio=Decimal("0.08"), days_a_year=360
    )
    judged = judge([owed("1", 1001), owed("2", buyer="C"), owed("3", is_disputed=True)], SELLER, TERMS)
    base = borrowing_base(
        judged, currency="CNY", dilution={"B": diluted("0.05", "0.02")}, seller_dilution=diluted("0"),
        days_outstanding={}, pd_buyers={"B": 0.005}, pd_supplier=0.036, terms=terms,
    )  # fmt: skip
    assert [(line.advance_minor, line.basis) for line in base.lines] == [
        (840, "buyer_and_supplier"),
        (850, "buyer_not_rated"),
    ]
    assert (base.outstanding_minor, base.eligible_minor, base.advance_minor) == (3001, 2001, 1690)
    losses = expected_losses(base.lines[0], lgd=Decimal("0.45"), dilution=diluted("0.05"))
    assert (losses.credit_minor, losses.dilution_minor) == (3, 0)
    assert expected_losses(base.lines[1], lgd=Decimal("0.45"), dilution=diluted("0.30")).credit_minor is None
    assert expected_losses(base.lines[1], lgd=Decimal("0.45"), dilution=diluted("0.30")).dilution_minor == 150
