"""A lender's book as of a day: everything that a portfolio report says, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from scoring.portfolio.breakdown import (
    BookLine,
    Concentration,
    breakdown,
    by_grade,
    by_industry,
    by_obligor,
    by_product,
    concentration,
    look_through,
    whole_book,
)
from scoring.portfolio.course import MonthEnd, Roll, at_month_end, month_ends, roll_rates
from scoring.portfolio.limits import LimitUse, limits_used
from scoring.portfolio.loans import Borrower, Loan, Position, position
from scoring.portfolio.operating import ClusterMonth
from scoring.portfolio.vintages import Vintage, vintages

NOBODY = Borrower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What a report is made of: loans of one currency, borrowers by id, limits by borrower and product, and the
    operating course of each cluster (`all` is every borrower together)."""

    currency: str
    loans: Sequence[Loan]
    borrowers: Mapping[str, Borrower]
    limits: Mapping[tuple[str, str], int]
    clusters: Mapping[str, Sequence[ClusterMonth]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The book on a day. Every table adds up to `whole` to the fen; the months end at or before the day."""

    day: date
    currency: str
    whole: BookLine
    by_product: Sequence[BookLine]
    by_grade: Sequence[BookLine]
    by_industry: Sequence[BookLine]
    core_enterprises: Concentration
    obligors: Concentration
    vintages: Sequence[Vintage]
    months: Sequence[MonthEnd]
    rolls: Sequence[Roll]
    limits: Sequence[LimitUse]
    clusters: Mapping[str, Sequence[ClusterMonth]]


def portfolio(book: Book, *, day: date, months: int, largest: int, values: Mapping[str, Any]) -> Portfolio:
    """The report of a book on a day, with the course of the `months` months that are over by then.

    `values` are the parameters of monitoring in force. Who is watched now says nothing of earlier months: their stages
    rest on arrears and ratings alone.
    """
    granted = [loan for loan in book.loans if loan.granted_on <= day]
    held = [position(loan, book.borrowers.get(loan.obligor_id, NOBODY), day, values=values) for loan in granted]
    course = [_on(book, granted, end, values) for end in month_ends(day, months)]
    return Portfolio(
        day=day,
        currency=book.currency,
        whole=whole_book(held),
        by_product=breakdown(held, by_product),
        by_grade=breakdown(held, by_grade),
        by_industry=breakdown(held, by_industry),
        core_enterprises=concentration(look_through(held, book.borrowers), largest=largest),
        obligors=concentration(by_obligor(held), largest=largest),
        vintages=vintages(granted, book.borrowers, as_of=day, values=values),
        months=[at_month_end(positions) for positions in course if positions],
        rolls=roll_rates(course),
        limits=limits_used(held, book.limits),
        clusters=book.clusters,
    )


def _on(book: Book, loans: Sequence[Loan], day: date, values: Mapping[str, Any]) -> list[Position]:
    """All loans that were granted by a day, as they stood on it."""
    return [
        position(loan, _unwatched(book.borrowers.get(loan.obligor_id, NOBODY)), day, values=values)
        for loan in loans
        if loan.granted_on <= day
    ]


def _unwatched(borrower: Borrower) -> Borrower:
    return replace(borrower, is_on_watch=False) if borrower.is_on_watch else borrower
