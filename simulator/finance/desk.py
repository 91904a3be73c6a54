"""The till: day by day what comes in, what falls due, who is paid, what is borrowed, and when ninety days are reached.

A day goes: buyers' money comes in; instalments fall due; then creditors are paid in their order and lenders after them,
an instalment wholly or not at all. What cash does not cover is drawn on the credit line, and what that does not cover
the owner adds: always in reduced form, where the day of default is given beforehand and the firm stops paying its
lenders ninety days before it; as far as the owner's means go in the structural engine, where the day of default comes
out of the account. Nobody lends or adds anything to a firm in default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.credit.structural import Engine
from simulator.finance.accounts import OWED_TO, Account, Book, Creditor
from simulator.finance.debt import (
    LOAN,
    NEVER,
    PAST_DUE_DAYS,
    PLACES,
    Debt,
    Facilities,
    Instalments,
    draw,
    falls_due,
    joined_rows,
    no_instalments,
    number_of,
)
from simulator.finance.terms import INSTALMENT_DAYS, Terms
from simulator.money_values import FinanceParameters

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Flow(IntEnum):
    """Why cash moved. Amounts are positive when it came in."""

    RECEIPTS = 0
    MACHINES_SOLD = 1
    LOANS_DRAWN = 2
    CREDIT_LINE = 3
    CAPITAL = 4
    DRAWINGS = 5
    WAGES = 6
    TAXES = 7
    ENERGY = 8
    RENT = 9
    SUPPLIERS = 10
    LINE_INTEREST = 11
    INSTALMENTS = 12


FLOW_TO = tuple(Flow(Flow.WAGES + creditor) for creditor in Creditor)
"""By creditor: the flow with which it is paid."""
_FLOW_TO, _OWED_TO = list(FLOW_TO), list(OWED_TO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """What the days of a month need to know: arrays by firm, or (firms, days)."""

    days: Ints
    received: Ints
    machines_sold: Ints
    """Money from machines sold in the ordinary course."""
    due: Ints
    """(creditors, firms, days)."""
    late: Ints
    """(firms, days): by how many days the firm means to pay an instalment of that day too late (reduced form)."""
    credit_base: Ints
    """By firm: the monthly sales that lenders go by."""


@dataclass(slots=True)
class Desk:
    """The account while a month is being lived; changes `book` and `debt`, which are the month's own."""

    engine: Engine
    terms: Terms
    rules: FinanceParameters
    book: Book
    debt: Debt
    overdue: Ints
    """(creditors, firms)."""
    owner_minor: Ints
    default_day: Ints
    """`NEVER` while there is none."""
    flows: Ints
    """(flows, firms, days)."""
    closing: Ints
    """(firms, days): cash at the end of each day."""
    facilities: list[Facilities] = field(default_factory=list)
    instalments: list[Instalments] = field(default_factory=list)

    def live(self, till: Till) -> None:
        """Go through all days."""
        sells = np.asarray(till.machines_sold.any(axis=0))
        for column, day in enumerate(till.days.tolist()):
            self._money(Flow.RECEIPTS, Account.RECEIVABLES, till.received[:, column], column)
            if sells[column]:
                self._money(Flow.MACHINES_SOLD, Account.DISPOSALS, till.machines_sold[:, column], column)
            on_day = (day - self.terms.phase) % INSTALMENT_DAYS == 0
            if on_day.any():
                self._instalment_day(np.flatnonzero(on_day & (day < self.default_day)), day, column, till)
            self.overdue += till.due[:, :, column]
            self._pay(day, column, till)
            if column == 0:
                self._draw_out(day, column)
            self.closing[:, column] = self.book.balances[Account.CASH]

    def _money(self, flow: Flow, against: Account, amount: Ints, column: int) -> None:
        """Cash that comes in (or, negative, goes out)."""
        self.book.post(Account.CASH, against, amount)
        self.flows[flow, :, column] += amount

    def _instalment_day(self, firm: Ints, day: int, column: int, till: Till) -> None:
        """On their own day: is an instalment ninety days old? Else the next falls due, and a loan may be renewed."""
        place = number_of(day, self.terms.phase[firm]) % PLACES
        in_default = (self.debt.owed[:, firm, place] > 0).any(axis=0)
        if self.engine is Engine.STRUCTURAL:
            self.default_day[firm[in_default]] = day
        assert not (in_default & (day < self.default_day[firm])).any(), "ninety days past due are a default"
        firm = firm[~in_default]
        self.instalments.append(
            falls_due(
                self.debt,
                self.book,
                firm,
                day=day,
                phase=self.terms.phase,
                pay_from=self._pay_from(firm, day, till.late[firm, column]),
            )
        )
        self._renew(firm, day, column, till)

    def _pay_from(self, firm: Ints, day: int, late: Ints) -> Ints:
        """From when the firm is willing to pay: at once, or in reduced form as late as was drawn, or never again."""
        if self.engine is Engine.STRUCTURAL:
            return np.full(len(firm), day)
        before = (number_of(day, self.terms.phase[firm]) - 1) % PLACES
        earlier = np.where(self.debt.owed[:, firm, before].any(axis=0), self.debt.pay_from[firm, before], day)
        willing = np.maximum(day + late, earlier)
        return np.where(day >= self.default_day[firm] - PAST_DUE_DAYS, NEVER, willing)

    def _renew(self, firm: Ints, day: int, column: int, till: Till) -> None:
        """A loan that has run out is renewed in the measure of sales, unless an earlier instalment is unpaid."""
        debt, terms = self.debt, self.terms
        if self.engine is Engine.STRUCTURAL:
            today = number_of(day, terms.phase[firm]) % PLACES
            is_sound = debt.owed[:, firm].sum(axis=(0, 2)) == debt.owed[:, firm, today].sum(axis=0)
        else:
            is_sound = day < self.default_day[firm] - PAST_DUE_DAYS
        firm = firm[is_sound & (debt.left[LOAN, firm] == 0)]
        if len(firm) == 0:
            return
        usual = np.maximum(terms.turnover_minor[firm], 1)
        amount = terms.loan_minor[firm] * np.clip(till.credit_base[firm], 0, 2 * usual) // usual
        amount = np.maximum(amount, round(100 * self.rules.loan_least_cny))
        self.facilities.append(
            draw(
                debt,
                LOAN,
                firm,
                amount=amount,
                rate_bp=terms.loan_rate_bp[firm],
                instalments=terms.loan_instalments[firm],
                day=np.full(len(firm), day),
                machine=np.full(len(firm), -1),
            )
        )
        drawn = np.zeros(len(terms.phase), dtype=np.int64)
        drawn[firm] = amount
        self._money(Flow.LOANS_DRAWN, Account.LOANS, drawn, column)

    def _pay(self, day: int, column: int, till: Till) -> None:
        """Pay whom cash, the line and the owner allow, creditors in their order, then lenders, the oldest first."""
        is_alive = day < self.default_day
        claims = self.debt.owed * ((self.debt.pay_from <= day) & is_alive[:, None])
        wanted = self.overdue.sum(axis=0) + claims.sum(axis=(0, 2))
        self._cover(np.maximum(wanted - self.book.balances[Account.CASH], 0), is_alive, column, till)
        cash = self.book.balances[Account.CASH]
        reached = np.minimum(np.cumsum(self.overdue, axis=0), np.maximum(cash, 0))
        paid = np.diff(reached, axis=0, prepend=0)
        self.overdue -= paid
        self.book.balances[_OWED_TO] += paid
        self.book.balances[Account.CASH] -= paid.sum(axis=0)
        self.flows[_FLOW_TO, :, column] -= paid
        claimants = np.flatnonzero(claims.any(axis=(0, 2)))
        if len(claimants):
            self._pay_lenders(claims[:, claimants], claimants, day, column)
        floor = np.round(self.rules.line_repaid_above_months * self.terms.turnover_minor).astype(np.int64)
        drawn = -self.book.balances[Account.CREDIT_LINE]
        back = np.clip(self.book.balances[Account.CASH] - floor, 0, drawn) * is_alive
        self._money(Flow.CREDIT_LINE, Account.CREDIT_LINE, -back, column)

    def _cover(self, short: Ints, is_alive: Bools, column: int, till: Till) -> None:
        """Draw on the line, then on the owner."""
        limit = np.round(self.rules.line_months * np.maximum(till.credit_base, 0)).astype(np.int64)
        room = np.maximum(limit + self.book.balances[Account.CREDIT_LINE], 0)
        line = np.minimum(short, room) * is_alive
        self._money(Flow.CREDIT_LINE, Account.CREDIT_LINE, line, column)
        rest = (short - line) * is_alive
        added = np.minimum(rest, self.owner_minor) if self.engine is Engine.STRUCTURAL else rest
        self.owner_minor = np.maximum(self.owner_minor - added, 0)
        self._money(Flow.CAPITAL, Account.CAPITAL, added, column)

    def _pay_lenders(self, claims: Ints, firm: Ints, day: int, column: int) -> None:
        """Pay what lenders claim (slots, firms, places) of these firms, the oldest first, as far as cash goes."""
        last = number_of(day, self.terms.phase[firm])
        places = (last[:, None] + 1 + np.arange(PLACES)) % PLACES
        by_age = np.moveaxis(np.take_along_axis(claims, places[None], axis=2), 2, 0).reshape(-1, len(firm))
        is_paid = (np.cumsum(by_age, axis=0) <= self.book.balances[Account.CASH, firm]) & (by_age > 0)
        paid = np.zeros(len(self.terms.phase), dtype=np.int64)
        paid[firm] = (by_age * is_paid).sum(axis=0)
        self._money(Flow.INSTALMENTS, Account.INSTALMENTS_DUE, -paid, column)
        row, payer = np.nonzero(is_paid)
        age, slot = np.divmod(row, len(claims))
        place = places[payer, age]
        owner = firm[payer]
        self.debt.owed[slot, owner, place] = 0
        self.instalments.append(
            Instalments(
                firm=owner,
                facility=self.debt.owed_facility[slot, owner, place],
                number=self.debt.owed_number[slot, owner, place],
                due_day=self.terms.phase[owner] + INSTALMENT_DAYS * (last[payer] - (PLACES - 1 - age)),
                amount_minor=by_age[row, payer],
                known_day=np.full(len(owner), day),
                is_paid=np.ones(len(owner), dtype=bool),
            )
        )

    def _draw_out(self, day: int, column: int) -> None:
        """On the first of a month the owner takes a share of what lies above the buffer, where nothing is overdue."""
        cash, drawn = self.book.balances[Account.CASH], self.book.balances[Account.CREDIT_LINE]
        buffer = np.round(self.rules.buffer_months * self.terms.turnover_minor).astype(np.int64)
        is_sound = (drawn == 0) & (self.debt.owed.sum(axis=(0, 2)) == 0) & (self.overdue.sum(axis=0) == 0)
        excess = np.maximum(cash - buffer, 0) * is_sound * (day < self.default_day)
        taken = np.floor(self.rules.drawings_share * excess).astype(np.int64)
        self._money(Flow.DRAWINGS, Account.DRAWINGS, -taken, column)
        self.owner_minor = self.owner_minor + np.floor(self.rules.owner_saves_share * taken).astype(np.int64)


def all_instalments(rows: list[Instalments]) -> Instalments:
    """What lenders know at the ends of days: one row an instalment and day, in the order of firms."""
    every = joined_rows([no_instalments(), *rows])
    names = ("firm", "facility", "number", "known_day")
    order = np.lexsort((every.is_paid, every.known_day, every.number, every.facility, every.firm))
    keys = np.stack([getattr(every, name)[order] for name in names])
    is_last = np.append((keys[:, 1:] != keys[:, :-1]).any(axis=0), True) if len(order) else order.astype(bool)
    chosen = order[is_last]
    return Instalments(**{name: getattr(every, name)[chosen] for name in Instalments.__dataclass_fields__})
