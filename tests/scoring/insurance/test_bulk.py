"""A book's bills are the bills of its policies, and every row reconciles."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from scoring.errors import InvalidRequest
from scoring.insurance.build_up import Loadings, RiskTerms, bill_of_risk
from scoring.insurance.bulk import bills_of_book

D = Decimal
LOADINGS = Loadings(
    variable={"acquisition": D("0.10"), "claims_handling": D("0.06"), "administration": D("0.05"), "margin": D("0.04")},
    fixed_minor=6_000, minimum_minor=20_000,
)  # fmt: skip
TERMS = RiskTerms(trend=D("1.03"), large_loss=D("0.12"), catastrophe=D("0.02"))


def test_a_book_is_its_policies() -> None:
    generator = np.random.default_rng(1)
    modelled = np.r_[generator.gamma(0.5, 400_000.0, 300), 0.0]
    credibility = generator.uniform(0.7, 1.4, 301)
    book = bills_of_book(modelled, loadings=LOADINGS, terms=TERMS, credibility=credibility)
    for row in range(301):
        terms = RiskTerms(
            credibility=D(repr(float(credibility[row]))),
            trend=TERMS.trend,
            large_loss=TERMS.large_loss,
            catastrophe=TERMS.catastrophe,
        )
        bill = bill_of_risk(D(repr(float(modelled[row]))), loadings=LOADINGS, terms=terms)
        assert book.gross_premium_minor[row] == bill.gross_premium_minor
        assert book.pure_premium_minor[row] == bill.pure_premium_minor
        told = {line.name: line.amount_minor for line in (*bill.risk, *bill.loadings)}
        bulk = {name: int(lines[row]) for side in (book.risk, book.loadings) for name, lines in side.items()}
        assert {name: amount for name, amount in bulk.items() if amount} == {
            name: amount for name, amount in told.items() if amount
        }


def test_a_million_bills_reconcile_to_the_minor_unit() -> None:
    modelled = np.random.default_rng(2).gamma(0.4, 900_000.0, 10**6)
    book = bills_of_book(modelled, loadings=LOADINGS, terms=TERMS)
    assert (sum(book.risk.values()) == book.pure_premium_minor).all()
    assert (book.pure_premium_minor + sum(book.loadings.values()) == book.gross_premium_minor).all()
    assert (book.gross_premium_minor >= LOADINGS.minimum_minor).all()


def test_books_that_cannot_be_billed() -> None:
    with pytest.raises(InvalidRequest, match="below 0"):
        bills_of_book(np.array([-1.0]), loadings=LOADINGS)
    with pytest.raises(InvalidRequest, match="below 0, or above"):
        bills_of_book(np.array([np.nan]), loadings=LOADINGS)
    with pytest.raises(InvalidRequest, match="leave nothing"):
        bills_of_book(np.array([1.0]), loadings=Loadings(variable={"a": D(1)}, fixed_minor=0))
