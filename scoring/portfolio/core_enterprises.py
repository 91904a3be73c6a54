"""What a lender has on the buyers of one applicant: every obligor's debt to it, looked through by that one's sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.core_enterprises import CoreEnterprise, OnCoreEnterprises
from scoring.portfolio.breakdown import through_buyers
from scoring.portfolio.ledgers import shares_of
from scoring.portfolio.loans import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """What one obligor owes the lender, what each buyer took of it in a year (net), and how the debt lies on these."""

    owed_minor: int
    sold: Mapping[str, int]
    through: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedThrough:
    """A lender's book: what each obligor owes that owes anything, and what all of that is on each core enterprise."""

    owed: Mapping[str, int]
    through: Mapping[str, int]
    with_buyers: int
    outstanding_minor: int


def debtor(owed_minor: int, sold: Mapping[str, int]) -> Debtor:
    """An obligor that owes so much and sold so much to each of its buyers."""
    through = through_buyers({"": owed_minor}, shares_of({"": sold})) if owed_minor else {}
    return Debtor(owed_minor=owed_minor, sold=sold, through=through)


def looked_through(debtors: Mapping[str, Debtor]) -> LookedThrough:
    """The book of these obligors."""
    owing = {obligor: one for obligor, one in debtors.items() if one.owed_minor}
    through: dict[str, int] = defaultdict(int)
    for one in owing.values():
        for buyer, amount in one.through.items():
            through[buyer] += amount
    return LookedThrough(
        owed={obligor: one.owed_minor for obligor, one in owing.items()},
        through=dict(through),
        with_buyers=sum(bool(one.sold) for one in owing.values()),
        outstanding_minor=sum(one.owed_minor for one in owing.values()),
    )


def on_core_enterprises(book: LookedThrough, sold: Mapping[str, int], *, lenders: Sequence[str]) -> OnCoreEnterprises:
    """The book on the buyers of an applicant, who sold so much to each. What a core enterprise owes the lender itself
    is direct, and lies on its own buyers as well."""
    return OnCoreEnterprises(
        lenders=tuple(lenders),
        core_enterprises=tuple(
            CoreEnterprise(
                core_enterprise=buyer,
                sold_minor=amount,
                direct_minor=book.owed.get(buyer, 0),
                through_minor=book.through.get(buyer, 0),
            )
            for buyer, amount in sorted(sold.items())
        ),
        obligors=len(book.owed),
        with_buyers=book.with_buyers,
        outstanding_minor=book.outstanding_minor,
        unexplained_minor=book.through.get(UNKNOWN, 0),
    )
