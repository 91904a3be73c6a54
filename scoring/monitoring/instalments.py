"""Usage-linked instalments: a floor and a price an hour beside it, a term that shortens with use, and what happens when
the meter is silent or the hours are disputed. Never more is paid than was financed with its interest.

These are the terms that a decision plans (`scoring.credit.schedule.usage_plan`), billed month by month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scoring.errors import InvalidRequest
from scoring.money import to_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTerms:
    """What is agreed: what a month costs without an hour of work, what each hour of execution costs beside it, the
    longest term, and the nominal annual rate of interest on what is left."""

    financed_minor: int
    floor_minor: int
    hourly_minor: int
    annual_rate_ratio: Decimal
    longest_months: int


class BillBasis(StrEnum):
    """What a month's hours rest on: its own, its own without those in dispute, the usual ones of a silent meter, or
    nothing yet, so that the floor alone is billed."""

    OBSERVED_HOURS = "observed_hours"
    DISPUTED_LEFT_OUT = "disputed_left_out"
    USUAL_HOURS = "usual_hours"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthUse:
    """A month of a machine: hours observed, the share of the month that was, and hours that the borrower disputes."""

    hours: Decimal
    observed_share: Decimal
    disputed_hours: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageInstalment:
    """One month's bill: interest and principal sum to the instalment; `billed_hours` and what they rest on, and what
    waits for the dispute over its hours to be decided."""

    month: int
    billed_hours: Decimal
    basis: BillBasis
    held_minor: int
    interest_minor: int
    principal_minor: int
    left_minor: int

    @property
    def instalment_minor(self) -> int:
        """What falls due."""
        return self.interest_minor + self.principal_minor


LEAST_OBSERVED = Decimal("0.8")
USUAL_MONTHS = 6


def schedule(terms: UsageTerms, months: Sequence[MonthUse]) -> tuple[UsageInstalment, ...]:
    """The bills of these months, ending when all is paid. In the last month of the term what is left falls due.

    Hours of a month observed for less than four fifths are the mean of the last six observed months before it, none
    where there are none: a silent meter is neither free nor a guess against the borrower. Disputed hours are not billed
    until it is decided.
    Raises InvalidRequest where the floor does not even pay the interest.
    """
    interest = to_minor(terms.annual_rate_ratio / 12 * terms.financed_minor)
    if terms.floor_minor <= interest:
        raise InvalidRequest(
            f"A floor of {terms.floor_minor:,} does not pay a month's interest of {interest:,}.", hint="Raise it."
        )
    left, bills, seen = terms.financed_minor, [], list[Decimal]()
    for number, use in enumerate(months, start=1):
        if left == 0 or number > terms.longest_months:
            break
        hours, basis = _hours(use, seen)
        interest = to_minor(terms.annual_rate_ratio / 12 * left)
        due = terms.floor_minor + to_minor(terms.hourly_minor * hours)
        principal = left if number == terms.longest_months else min(left, due - interest)
        left -= principal
        bills.append(
            UsageInstalment(
                month=number,
                billed_hours=hours,
                basis=basis,
                held_minor=_held(terms, use) if basis is BillBasis.DISPUTED_LEFT_OUT else 0,
                interest_minor=interest,
                principal_minor=principal,
                left_minor=left,
            )
        )
    return tuple(bills)


def _hours(use: MonthUse, seen: list[Decimal]) -> tuple[Decimal, BillBasis]:
    if use.observed_share < LEAST_OBSERVED:
        usual = seen[-USUAL_MONTHS:]
        mean = sum(usual, Decimal(0)) / len(usual) if usual else Decimal(0)
        return mean, BillBasis.USUAL_HOURS if usual else BillBasis.FLOOR
    seen.append(use.hours)
    billed = max(Decimal(0), use.hours - use.disputed_hours)
    return billed, BillBasis.DISPUTED_LEFT_OUT if use.disputed_hours else BillBasis.OBSERVED_HOURS


def _held(terms: UsageTerms, use: MonthUse) -> int:
    return to_minor(terms.hourly_minor * min(use.hours, use.disputed_hours))
