"""Loans: what was drawn, which instalments fall due, and which of them are unpaid.

A firm has a working-capital loan, which its lender renews when it has run out, and sometimes a finance lease. Both are
repaid in equal parts of principal with interest on what is outstanding, every thirty days on the firm's own day. As an
instalment becomes ninety days old as the third after it falls due, three places hold all that may be unpaid.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.finance.accounts import Account, Book
from simulator.finance.terms import INSTALMENT_DAYS, Terms

LOAN, LEASE = 0, 1
SLOTS = 2
PLACES = 3
PAST_DUE_DAYS = PLACES * INSTALMENT_DAYS
BASIS_DAYS = 360 * 10_000
NEVER = np.iinfo(np.int64).max // 4
"""A day that does not come."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = TypeVar("Rows", "Facilities", "Instalments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """Debt of a block's firms; money in minor units. Arrays (slots, firms), or (slots, firms, places)."""

    principal: Ints
    """Not yet due."""
    left: Ints
    """Instalments that have not yet fallen due."""
    total: Ints
    """Instalments of the running facility."""
    rate_bp: Ints
    facility: Ints
    """Number of the running facility; counts the firm's from 0."""
    owed: Ints
    """By place: due and unpaid."""
    owed_number: Ints
    owed_facility: Ints
    pay_from: Ints
    """(firms, places): day from which the firm is willing to pay what stands there."""
    facilities: Ints
    """(firms,): facilities so far."""
    recovered: Ints
    """(firms,): what the sale of machines brought the lenders after default."""

    def copy(self) -> Debt:
        """Arrays of its own."""
        return Debt(**{field.name: getattr(self, field.name).copy() for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facilities:
    """Facilities drawn. Arrays of length k."""

    firm: Ints
    number: Ints
    slot: Ints
    day: Ints
    amount_minor: Ints
    rate_bp: Ints
    instalments: Ints
    machine: Ints
    """The leased machine; -1 for a loan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalments:
    """What a lender knows of instalments. Arrays of length k."""

    firm: Ints
    facility: Ints
    number: Ints
    """Counted from 1."""
    due_day: Ints
    amount_minor: Ints
    known_day: Ints
    """The day at whose end this is known."""
    is_paid: Bools
    """Wholly paid on that day; else wholly unpaid so far."""


def joined_rows(parts: list[Rows]) -> Rows:
    """All rows, in the order given (at least one part)."""
    kind = type(parts[0])
    return kind(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)})


def no_instalments() -> Instalments:
    """No rows."""
    none = np.array([], dtype=np.int64)
    return Instalments(**{**dict.fromkeys(Instalments.__dataclass_fields__, none), "is_paid": none.astype(bool)})


def number_of(day: int, phase: Ints) -> Ints:
    """Number of the firm's last instalment day up to `day` (negative before the world)."""
    return (day - phase) // INSTALMENT_DAYS


def falls_due(debt: Debt, book: Book, firm: Ints, *, day: int, phase: Ints, pay_from: Ints) -> Instalments:
    """Make this day's instalments of the firms due (changes `debt` and `book`); `pay_from` is by firm of `firm`."""
    debt.pay_from[firm, number_of(day, phase[firm]) % PLACES] = pay_from
    rows = []
    for slot in (LOAN, LEASE):
        running = firm[debt.left[slot, firm] > 0]
        principal, interest, number = _next_instalment(debt, slot, running)
        place = number_of(day, phase[running]) % PLACES
        _place(debt, slot, running, place=place, amount=principal + interest, number=number)
        parts = np.zeros((2, book.balances.shape[1]), dtype=np.int64)
        parts[:, running] = principal, interest
        book.post(Account.LOANS, Account.INSTALMENTS_DUE, parts[0])
        book.post(Account.INTEREST, Account.INSTALMENTS_DUE, parts[1])
        rows.append(
            _unpaid(debt, slot, running, day=np.full(len(running), day), amount=principal + interest, number=number)
        )
    return joined_rows(rows)


def _next_instalment(debt: Debt, slot: int, firm: Ints) -> tuple[Ints, Ints, Ints]:
    """(principal, interest, number) of the instalments that fall due, taken off what is outstanding."""
    principal, interest = instalment(debt.principal[slot, firm], debt.left[slot, firm], debt.rate_bp[slot, firm])
    number = debt.total[slot, firm] - debt.left[slot, firm] + 1
    debt.principal[slot, firm] -= principal
    debt.left[slot, firm] -= 1
    return principal, interest, number


def _place(debt: Debt, slot: int, firm: Ints, *, place: Ints, amount: Ints, number: Ints) -> None:
    debt.owed[slot, firm, place] = amount
    debt.owed_number[slot, firm, place] = number
    debt.owed_facility[slot, firm, place] = debt.facility[slot, firm]


def _unpaid(debt: Debt, slot: int, firm: Ints, *, day: Ints, amount: Ints, number: Ints) -> Instalments:
    return Instalments(
        firm=firm,
        facility=debt.facility[slot, firm],
        number=number,
        due_day=day,
        amount_minor=amount,
        known_day=day,
        is_paid=np.zeros(len(firm), dtype=bool),
    )


def instalment(principal: Ints, left: Ints, rate_bp: Ints) -> tuple[Ints, Ints]:
    """(principal, interest) of the next of `left` instalments; the last takes what rounding has left."""
    return principal // np.maximum(left, 1), principal * rate_bp * INSTALMENT_DAYS // BASIS_DAYS


def draw(
    debt: Debt, slot: int, firm: Ints, *, amount: Ints, rate_bp: Ints, instalments: Ints, day: Ints, machine: Ints
) -> Facilities:
    """Start a facility for each of `firm` in a slot that has run out (changes `debt`; the caller enters the money)."""
    debt.principal[slot, firm] = amount
    debt.left[slot, firm] = debt.total[slot, firm] = instalments
    debt.rate_bp[slot, firm] = rate_bp
    debt.facility[slot, firm] = debt.facilities[firm]
    debt.facilities[firm] += 1
    return Facilities(
        firm=firm,
        number=debt.facility[slot, firm],
        slot=np.full(len(firm), slot),
        day=day,
        amount_minor=amount,
        rate_bp=rate_bp,
        instalments=instalments,
        machine=machine,
    )


def no_debt(firms: int) -> Debt:
    """Firms that owe nothing."""
    slots = np.zeros((SLOTS, firms), dtype=np.int64)
    places = np.zeros((SLOTS, firms, PLACES), dtype=np.int64)
    return Debt(
        principal=slots.copy(),
        left=slots.copy(),
        total=slots.copy(),
        rate_bp=slots.copy(),
        facility=slots.copy(),
        owed=places.copy(),
        owed_number=places.copy(),
        owed_facility=places.copy(),
        pay_from=np.full((firms, PLACES), NEVER),
        facilities=np.zeros(firms, dtype=np.int64),
        recovered=np.zeros(firms, dtype=np.int64),
    )


def opening_debt(
    terms: Terms, *, lease_minor: Ints, lease_machine: Ints, lease_instalments: int, default_day: Ints
) -> tuple[Debt, Facilities, Instalments]:
    """(debt, its facilities, instalments unpaid) when the world begins; a facility is as old as its terms say.

    `default_day` is that of reduced form, `NEVER` for a firm that lives: from ninety days before it nothing is paid, so
    that what fell due within those days before the world is unpaid.
    """
    debt = no_debt(len(terms.phase))
    everyone, lessees = np.arange(len(terms.phase)), np.flatnonzero(lease_minor > 0)
    facilities, unpaid = [], []
    for slot, firm, amount, rate, count, paid, machine in (
        (LOAN, everyone, terms.loan_minor, terms.loan_rate_bp, terms.loan_instalments, terms.loan_paid, None),
        (LEASE, lessees, lease_minor, terms.lease_rate_bp, None, terms.lease_paid, lease_machine),
    ):
        total = np.full(len(firm), lease_instalments) if count is None else count[firm]
        late = np.maximum(-((default_day - PAST_DUE_DAYS - terms.phase) // INSTALMENT_DAYS), 0)[firm]
        before = np.minimum(np.maximum(paid[firm], late), total - 1)
        drawn = draw(
            debt,
            slot,
            firm,
            amount=amount[firm],
            rate_bp=rate[firm],
            instalments=total,
            day=terms.phase[firm] - INSTALMENT_DAYS * (before + 1),
            machine=np.full(len(firm), -1) if machine is None else machine[firm],
        )
        facilities.append(drawn)
        unpaid.append(_run_down(debt, slot, firm, before=before, phase=terms.phase, default_day=default_day))
    return debt, joined_rows(facilities), joined_rows(unpaid)


def _run_down(debt: Debt, slot: int, firm: Ints, *, before: Ints, phase: Ints, default_day: Ints) -> Instalments:
    """Let the instalments before the world fall due; those from ninety days before a default stay unpaid."""
    none = np.array([], dtype=np.int64)
    rows = [_unpaid(debt, slot, none, day=none, amount=none, number=none)]
    for back in range(int(before.max(initial=0)), 0, -1):
        due = firm[before >= back]
        principal, interest, number = _next_instalment(debt, slot, due)
        day = phase[due] - INSTALMENT_DAYS * back
        stays = day >= default_day[due] - PAST_DUE_DAYS
        late, place = due[stays], np.full(int(stays.sum()), -back % PLACES)
        amount = (principal + interest)[stays]
        _place(debt, slot, late, place=place, amount=amount, number=number[stays])
        debt.pay_from[late, place] = NEVER
        rows.append(_unpaid(debt, slot, late, day=day[stays], amount=amount, number=number[stays]))
    return joined_rows(rows)
