"""Vintages: of what was granted in a quarter, how much defaulted by each quarter on book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scoring.monitoring.delinquency import arrears
from scoring.portfolio.loans import Borrower, Loan
from scoring.supply_chain.receivables.eligibility import months_after

QUARTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """The loans granted in a quarter. `defaulted_minor[k - 1]` is what had been granted to those that defaulted within
    k quarters of their grant; it ends where the youngest loan has not been watched so long."""

    quarter: str
    loans: int
    amount_minor: int
    defaulted_loans: Sequence[int]
    defaulted_minor: Sequence[int]

    @property
    def cumulative_rates(self) -> tuple[float, ...]:
        """Shares of the amount granted, by quarters on book."""
        return tuple(amount / self.amount_minor for amount in self.defaulted_minor)


def quarter_of(day: date) -> str:
    """2026Q1 for its days."""
    return f"{day.year}Q{(day.month - 1) // QUARTER + 1}"


def default_day(loan: Loan, borrower: Borrower, *, until: date, values: Mapping[str, Any]) -> date | None:
    """The first day on which the loan was so late that it defaulted, or its borrower did after the grant by what
    anybody told; None where neither came by `until`."""
    limit = int(values["monitoring"]["arrears"]["defaulted"])
    told = [day for day in borrower.defaults if loan.granted_on < day <= until]
    reached = [due.due_on + timedelta(days=limit) for due in sorted(loan.dues, key=lambda due: due.due_on)]
    late = (
        day for day in reached if day <= until and arrears(loan.dues, day=day, values=values).days_past_due >= limit
    )
    return min([*told, *([first] if (first := next(late, None)) else [])], default=None)


def vintages(
    loans: Sequence[Loan], borrowers: Mapping[str, Borrower], *, as_of: date, values: Mapping[str, Any]
) -> list[Vintage]:
    """A vintage for each quarter in which anything was granted by `as_of`, oldest first."""
    cohorts: dict[str, list[Loan]] = defaultdict(list)
    for loan in loans:
        if loan.granted_on <= as_of:
            cohorts[quarter_of(loan.granted_on)].append(loan)
    nobody = Borrower()
    return [
        _vintage(
            quarter,
            [
                (loan, default_day(loan, borrowers.get(loan.obligor_id, nobody), until=as_of, values=values))
                for loan in cohorts[quarter]
            ],
            as_of,
        )
        for quarter in sorted(cohorts)
    ]


def _vintage(quarter: str, lives: Sequence[tuple[Loan, date | None]], as_of: date) -> Vintage:
    youngest = max(loan.granted_on for loan, _ in lives)
    counts, amounts, on_book = list[int](), list[int](), 1
    while months_after(youngest, QUARTER * on_book) <= as_of:
        failed = [
            loan for loan, day in lives if day is not None and day <= months_after(loan.granted_on, QUARTER * on_book)
        ]
        counts.append(len(failed))
        amounts.append(sum(loan.amount_minor for loan in failed))
        on_book += 1
    return Vintage(
        quarter=quarter,
        loans=len(lives),
        amount_minor=sum(loan.amount_minor for loan, _ in lives),
        defaulted_loans=counts,
        defaulted_minor=amounts,
    )
