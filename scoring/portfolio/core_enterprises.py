"""What a lender has on the buyers of one applicant: every obligor's debt to it, looked through by that one's sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from scoring.core_enterprises import CoreEnterprise, OnCoreEnterprises
from scoring.portfolio.breakdown import through_buyers
from scoring.portfolio.ledgers import shares_of
from scoring.portfolio.loans import UNKNOWN, Loan, outstanding_minor


def on_core_enterprises(
    loans: Sequence[Loan],
    sold: Mapping[str, Mapping[str, int]],
    *,
    applicant: str,
    lenders: Sequence[str],
    day: date,
) -> OnCoreEnterprises:
    """`loans` are those of the lender, `sold` a year's net invoices by seller and buyer, both as known then. What a
    core enterprise owes the lender itself is direct, and lies on its own buyers as well."""
    owed: dict[str, int] = defaultdict(int)
    for loan in loans:
        owed[loan.obligor_id] += outstanding_minor(loan, day)
    owed = {obligor: amount for obligor, amount in owed.items() if amount}
    through = through_buyers(owed, shares_of(sold))
    return OnCoreEnterprises(
        lenders=tuple(lenders),
        core_enterprises=tuple(
            CoreEnterprise(
                core_enterprise=buyer,
                sold_minor=amount,
                direct_minor=owed.get(buyer, 0),
                through_minor=through.get(buyer, 0),
            )
            for buyer, amount in sorted(sold.get(applicant, {}).items())
        ),
        obligors=len(owed),
        with_buyers=sum(bool(sold.get(obligor)) for obligor in owed),
        outstanding_minor=sum(owed.values()),
        unexplained_minor=through.get(UNKNOWN, 0),
    )
