"""A lender's book as values: each loan with what fell due and was paid of it, and each borrower with what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from features.labels import LIFETIME_MONTHS
from features.value_curve import annuity_balance
from scoring.credit.term_structure import term_structure
from scoring.money import exact, to_minor
from scoring.monitoring.delinquency import Arrears, Due, StageHint, arrears, stage_hint

UNKNOWN = "unknown"
MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """One facility. Amounts in minor units of the book's one currency; `dues` are the instalments that fell due so far,
    each with its payments; `lgd` is that of its product."""

    facility_id: str
    obligor_id: str
    product: str
    granted_on: date
    amount_minor: int
    annual_rate: float
    instalments: int
    dues: Sequence[Due]
    lgd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What was concluded of a borrower as of a day."""

    day: date
    pd_12m: float
    rating_grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrower:
    """What is known of a borrower: its division of GB/T 4754, its ratings in order of days, its buyers' shares in a
    year's sales, days on which somebody else's default ledger says that it defaulted, and whether it is watched."""

    industry: str | None = None
    ratings: Sequence[Rating] = ()
    buyer_shares: Mapping[str, Decimal] | None = None
    defaults: Sequence[date] = ()
    is_on_watch: bool = False

    def rating_at(self, day: date) -> Rating | None:
        """The latest rating as of the day or before."""
        return next((rating for rating in reversed(self.ratings) if rating.day <= day), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A loan on a day: what is outstanding (0 before it was granted and after its last instalment was paid), its
    arrears, its borrower's grade, and the hint at its stage with the loss that is expected of it."""

    loan: Loan
    day: date
    outstanding_minor: int
    arrears: Arrears
    industry: str
    rating_grade: str
    pd_12m: float | None
    hint: StageHint


def outstanding_minor(loan: Loan, day: date) -> int:
    """What the instalments that were paid in full by the day leave of the amount, to the fen."""
    if day < loan.granted_on:
        return 0
    paid = sum(sum(part for on, part in due.payments if on <= day) >= due.amount_minor for due in loan.dues)
    one = np.array([float(loan.amount_minor)])
    left = annuity_balance(one, np.array([loan.annual_rate]), np.array([loan.instalments]), np.array([paid]))
    return to_minor(exact(float(left[0])))


def position(loan: Loan, borrower: Borrower, day: date, *, values: Mapping[str, Any]) -> Position:
    """The loan on that day, by what is known of its borrower. `values` are the parameters of monitoring in force.

    The life's PD takes the hazard of the 12-month PD as constant over the months that are left: at least 12, so that
    stage 2 never costs less than stage 1, and at most 60.
    """
    owed = outstanding_minor(loan, day)
    state = arrears(loan.dues, day=day, values=values)
    now, granted = borrower.rating_at(day), borrower.rating_at(loan.granted_on)
    months_left = loan.instalments - sum(due.due_on <= day for due in loan.dues)
    life = min(LIFETIME_MONTHS, max(MONTHS_A_YEAR, months_left))
    hint = stage_hint(
        state,
        pd_12m=None if now is None else now.pd_12m,
        pd_lifetime=None if now is None else term_structure(now.pd_12m, None).pd(life),
        pd_12m_at_grant=None if granted is None else granted.pd_12m,
        lgd=loan.lgd,
        exposure_minor=owed,
        is_on_watch=borrower.is_on_watch,
        values=values,
    )
    return Position(
        loan=loan,
        day=day,
        outstanding_minor=owed,
        arrears=state,
        industry=borrower.industry or UNKNOWN,
        rating_grade=UNKNOWN if now is None else now.rating_grade,
        pd_12m=None if now is None else now.pd_12m,
        hint=hint,
    )
