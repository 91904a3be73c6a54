"""Criteria by cases worked by hand; funds are never overspent, whatever the applicants."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.identifiers import ObligorId
from scoring.credit.master_scale import master_scale
from scoring.errors import InvalidRequest
from scoring.matching.criteria import UNKNOWN, Applicant, Criterion, LenderCriteria, unmet
from scoring.matching.match import Bound, matched
from scoring.records import CreditProduct, Outcome, RatingGrade

SCALE = master_scale({"R1": 0.002, "R2": 0.02, "R3": 0.1, "D": 1.0})
CRITERIA = LenderCriteria(
    product=CreditProduct.WORKING_CAPITAL, currency="CNY", tenor_months=12, smallest_minor=100, largest_minor=1000,
)  # fmt: skip


def applicant(
    name: str = "A",
    *,
    wanted: int = 500,
    lendable: int | None = 800,
    outcome: Outcome = Outcome.APPROVE,
    grade: str = "R2",
    pd: float = 0.02,
    upper: float = 0.04,
    industry: str | None = "C34",
    buyers: dict[str, Decimal] | None = None,
) -> Applicant:
    return Applicant(
        obligor_id=ObligorId(name), wanted_minor=wanted, lendable_minor=lendable, outcome=outcome,
        rating_grade=RatingGrade(grade), pd_12m=pd, pd_12m_upper=upper, lgd=Decimal("0.5"),
        annual_rate=Decimal("0.06"), industry=industry, buyer_shares=buyers,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "asked", "expected"),
    [
        (applicant(), {}, []),
        (applicant(outcome=Outcome.REFER), {}, [(Criterion.OUTCOME, "refer", "approve")]),
        (applicant(outcome=Outcome.REFER), {"takes_referred": True}, []),
        (applicant(outcome=Outcome.DECLINE), {"takes_referred": True}, [(Criterion.OUTCOME, "decline", "refer")]),
        (applicant(grade="R3"), {"worst_grade": "R2"}, [(Criterion.RATING_GRADE, "R3", "R2")]),
        (applicant(grade="R2"), {"worst_grade": "R2"}, []),
        (applicant(upper=0.05), {"greatest_pd_12m_upper": 0.04}, [(Criterion.PD_UPPER, 0.05, 0.04)]),
        (applicant(upper=0.04), {"greatest_pd_12m_upper": 0.04}, []),
        (applicant(industry=None), {"industries": frozenset({"C35", "C34"})}, [(Criterion.INDUSTRY, None, "C34, C35")]),
        (applicant(lendable=99), {}, [(Criterion.SMALLEST_AMOUNT, 99, 100)]),
        (applicant(wanted=99), {}, [(Criterion.SMALLEST_AMOUNT, 99, 100)]),
        (applicant(lendable=None), {}, [(Criterion.SMALLEST_AMOUNT, None, 100)]),
    ],
)
def test_what_is_not_met_is_said_with_value_and_bound(
    who: Applicant, asked: dict[str, object], expected: list[tuple[Criterion, object, object]]
) -> None:
    found = unmet(who, replace(CRITERIA, **asked), SCALE)  # type: ignore[arg-type]
    assert [(item.criterion, item.value, item.bound) for item in found] == expected


def test_the_safest_come_first_and_funds_end_where_they_end() -> None:
    """1,200: 500 to the safest, 500 to the next, 200 of the 500 that the third wants, nothing for the fourth."""
    ordered = [applicant(name, pd=pd) for name, pd in (("D", 0.04), ("A", 0.02), ("C", 0.03), ("B", 0.02))]
    found = matched([*ordered, applicant("E", grade="R3", outcome=Outcome.DECLINE)],
                    replace(CRITERIA, funds_minor=1200), SCALE)  # fmt: skip
    assert [(line.applicant.obligor_id, line.amount_minor, line.bound) for line in found.lines] == [
        ("A", 500, None), ("B", 500, None), ("C", 200, Bound(kind="funds", name=None)),
        ("D", 0, Bound(kind="funds", name=None)), ("E", 0, None),
    ]  # fmt: skip
    assert found.placed_minor == 1200
    assert found.expected_loss_ratio == (1000 * Decimal("0.01") + 200 * Decimal("0.015")) / 1200


def test_a_core_enterprise_is_looked_through_to() -> None:
    """Of 1,000 the buyer X may bear 30 %: A sells it half, so 500 to A is 250 on X, and B, which sells it all, gets no
    more than 50, which is less than the smallest amount; C sells to Y and gets what it wants."""
    asked = replace(CRITERIA, funds_minor=1000, most_per_core_enterprise=Decimal("0.3"))
    half = {"X": Decimal("0.5"), "Z": Decimal("0.5")}
    firms = [
        applicant("A", pd=0.01, buyers=half),
        applicant("B", pd=0.02, buyers={"X": Decimal(1)}),
        applicant("C", pd=0.03, wanted=300, buyers={"Y": Decimal(1)}),
    ]
    found = matched(firms, asked, SCALE)
    assert [line.amount_minor for line in found.lines] == [500, 0, 300]
    assert found.lines[1].bound == Bound(kind="core_enterprise", name="X")
    assert found.by_core_enterprise == {"X": 250, "Y": 300, "Z": 250}


def test_without_funds_everybody_that_fits_is_shown_with_what_it_could_have() -> None:
    found = matched([applicant(wanted=5000, lendable=700), applicant("B", wanted=5000, lendable=7000)], CRITERIA, SCALE)
    assert [line.amount_minor for line in found.lines] == [700, 1000]
    assert matched([], CRITERIA, SCALE).expected_loss_ratio is None


@pytest.mark.parametrize("bounds", [{"smallest_minor": 0}, {"smallest_minor": 1001}, {"funds_minor": 99}])
def test_bounds_that_nothing_lies_within_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest):
        replace(CRITERIA, **bounds)


shares = st.sampled_from(
    [None, {"X": Decimal(1)}, {"X": Decimal("0.37"), "Y": Decimal("0.63")}, {"Y": Decimal(1) / 3, "Z": Decimal(2) / 3}]
)
firms = st.lists(
    st.builds(
        lambda name, wanted, lendable, pd, industry, buyers: applicant(
            name, wanted=wanted, lendable=lendable, pd=pd, industry=industry, buyers=buyers
        ),
        st.text("ABCDEF", min_size=1, max_size=3),
        st.integers(1, 2000),
        st.one_of(st.none(), st.integers(0, 2000)),
        st.sampled_from([0.01, 0.02, 0.05]),
        st.sampled_from([None, "C34", "C35"]),
        shares,
    ),
    max_size=12,
    unique_by=lambda item: item.obligor_id,
)
bounds = st.sampled_from([Decimal("0.2"), Decimal(1) / 3, Decimal(1)])


@settings(max_examples=150, deadline=None)
@given(firms, st.integers(100, 5000), bounds, bounds, st.randoms())
def test_no_bound_is_ever_passed(
    who: list[Applicant], funds: int, industry: Decimal, core: Decimal, random: object
) -> None:
    """Added up again with fractions; the order in which applicants come changes nothing; whoever got less than it could
    have is told why; and whoever got something got an amount that the lender lends."""
    asked = replace(CRITERIA, funds_minor=funds, most_per_industry=industry, most_per_core_enterprise=core)
    found = matched(who, asked, SCALE)
    random.shuffle(who)  # type: ignore[attr-defined]
    assert matched(who, asked, SCALE) == found
    on: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for line in found.lines:
        amount, it = line.amount_minor, line.applicant
        assert amount == 0 or asked.smallest_minor <= amount <= min(it.wanted_minor, it.lendable_minor or 0, 1000)
        on["industry", it.industry or UNKNOWN] += amount
        for name, share in (it.buyer_shares or {UNKNOWN: Decimal(1)}).items():
            on["core", name] += amount * Fraction(share)
        could = min(it.wanted_minor, it.lendable_minor or 0, 1000)
        assert line.unmet or (line.bound is None) == (amount == could)
    assert sum(line.amount_minor for line in found.lines) == found.placed_minor <= funds
    tolerance = Fraction(1, 10**20)  # decimals carry 28 digits
    for (kind, _), amount in on.items():
        assert amount <= Fraction(funds) * Fraction(industry if kind == "industry" else core) + tolerance
