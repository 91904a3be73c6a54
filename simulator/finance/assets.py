"""Machines on the books: bought, written down month by month, sold in the ordinary course or for the lenders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machines import DAYS_PER_YEAR, FOREVER, Machines
from simulator.finance.accounts import Account, Book, by_firm, by_firm_and_day, tax_on, tax_within
from simulator.finance.debt import LEASE, Debt, Facilities, draw
from simulator.finance.terms import Terms
from simulator.money_values import FinanceParameters, RecoveryParameters
from simulator.parameter_values import MachineParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar, Month

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposals:
    """Machines that leave their firm in a month. Arrays of length k."""

    machine: Ints
    day: Ints
    is_recovery: Bools
    """Sold after its firm's default, for the lenders."""


def is_owned(machines: Machines, day: int) -> Bools:
    """(m,): the machine is on its firm's books at the end of that day."""
    return _comes(machines) & (machines.first_day <= day) & (day < machines.owned_until)


def written_down(machines: Machines, rows: Ints, *, position: int, months: int, calendar: Calendar) -> Ints:
    """Book values of machines with what was written off up to the beginning of month `position`."""
    starts = np.array([month.first_day for month in calendar.months])
    since = position - (np.searchsorted(starts, machines.first_day[rows], side="right") - 1)
    value = machines.value_minor[rows]
    return np.asarray(value - value // months * np.maximum(since, 0))


def disposals(machines: Machines, *, month: Month, default_day: Ints) -> Disposals:
    """The machines that leave in a month; `default_day` is by firm."""
    last = month.first_day + month.length
    leaves = (machines.owned_until >= month.first_day) & (machines.owned_until < last)
    machine = np.flatnonzero(leaves & _comes(machines) & (machines.first_day < machines.owned_until))
    day = machines.owned_until[machine]
    return Disposals(machine=machine, day=day, is_recovery=day >= default_day[machines.firm[machine]])


def ordinary_price(machines: Machines, rows: Ints, day: Ints, limits: MachineParameters) -> Ints:
    """Price before tax in the ordinary course: the value less a constant rate of loss with age."""
    worth = np.exp(-limits.depreciation_per_year * (day - machines.first_day[rows]) / DAYS_PER_YEAR)
    thousands = np.round(machines.value_minor[rows] * worth / 100_000).astype(np.int64)
    return np.asarray(thousands * 100_000)


def buy_machines(
    book: Book, debt: Debt, machines: Machines, *, terms: Terms, month: Month, rules: FinanceParameters
) -> list[Facilities]:
    """Enter the machines that come in a month; changes `book` and `debt`.

    A firm without a lease, and with nothing unpaid on its last one, leases the first machine of the month: the lender
    pays the larger part of the price. The rest, and every other machine, its owner pays.
    """
    count = book.balances.shape[1]
    firsts = (machines.first_day >= max(month.first_day, 1)) & (machines.first_day < month.first_day + month.length)
    row = np.flatnonzero(firsts & _comes(machines))
    if len(row) == 0:
        return []
    value = machines.value_minor[row]
    gross = value + tax_on(value, rules.vat_percent)
    book.post(Account.MACHINES, Account.CAPITAL, by_firm(machines.firm[row], value, count))
    book.post(Account.VAT, Account.CAPITAL, by_firm(machines.firm[row], gross - value, count))
    firm, first = np.unique(machines.firm[row], return_index=True)
    is_free = (debt.left[LEASE, firm] == 0) & (debt.owed[LEASE, firm].sum(axis=1) == 0)
    lessee, leased = firm[is_free], first[is_free]
    amount = gross[leased] * rules.lease_financed_percent // 100
    drawn = draw(
        debt,
        LEASE,
        lessee,
        amount=amount,
        rate_bp=terms.lease_rate_bp[lessee],
        instalments=np.full(len(lessee), rules.lease_instalments),
        day=machines.first_day[row[leased]],
        machine=row[leased],
    )
    book.post(Account.CAPITAL, Account.LOANS, by_firm(lessee, amount, count))
    return [drawn]


def sell_machines(
    book: Book,
    debt: Debt,
    machines: Machines,
    sold: Disposals,
    *,
    price_minor: Ints,
    month: Month,
    calendar: Calendar,
    rules: FinanceParameters,
) -> Ints:
    """Take sold machines off the books at prices with tax; the money, by firm and day, from those sold in the ordinary
    course. What is sold for the lenders goes to them as far as they are owed."""
    count = book.balances.shape[1]
    firm = machines.firm[sold.machine]
    left = written_down(
        machines, sold.machine, position=month.position, months=rules.depreciation_months, calendar=calendar
    )
    book.post(Account.DISPOSALS, Account.MACHINES, by_firm(firm, left, count))
    book.post(Account.DISPOSALS, Account.VAT, by_firm(firm, tax_within(price_minor, rules.vat_percent), count))
    own = by_firm_and_day(firm, sold.day - month.first_day, price_minor * ~sold.is_recovery, (count, month.length))
    fetched = by_firm(firm, price_minor * sold.is_recovery, count)
    to_loans = np.clip(fetched, 0, -book.balances[Account.LOANS])
    to_instalments = np.clip(fetched - to_loans, 0, -book.balances[Account.INSTALMENTS_DUE])
    book.post(Account.LOANS, Account.DISPOSALS, to_loans)
    book.post(Account.INSTALMENTS_DUE, Account.DISPOSALS, to_instalments)
    debt.recovered[:] += to_loans + to_instalments
    own[:, -1] += fetched - to_loans - to_instalments
    return own


def write_down(book: Book, machines: Machines, *, month: Month, rules: FinanceParameters) -> None:
    """A month's wear of the machines owned at its end, in a straight line."""
    owned = np.flatnonzero(is_owned(machines, month.first_day + month.length - 1))
    wear = by_firm(
        machines.firm[owned], machines.value_minor[owned] // rules.depreciation_months, book.balances.shape[1]
    )
    book.post(Account.DEPRECIATION, Account.MACHINES, wear)


def _comes(machines: Machines) -> Bools:
    """(m,): the firm gets the machine at all, for it is alive then."""
    return np.asarray(machines.last_day > machines.first_day)


def wound_down(
    block: int,
    machines: Machines,
    *,
    default_day: Ints,
    last_days: Ints,
    calendar: Calendar,
    rules: RecoveryParameters,
    streams: Streams,
) -> Machines:
    """The machines of firms whose defaults the account has made: they report until the firm's last day, and some are
    sold for the lenders, with the first of a later month, to buyers outside the world.

    `default_day` (the number of days of the world without one) and `last_days` are by firm, as in `Lives`.
    """
    firsts = np.array([month.first_day for month in calendar.months], dtype=np.int64)
    uniform = streams.of("recovery.sale", block).random((len(machines), 2))
    low, high = rules.lag_months
    lag = low + np.floor(uniform[:, 1] * (high - low + 1)).astype(np.int64)
    last = last_days[machines.firm]
    after = np.searchsorted(firsts, last, side="left") + lag - 1
    in_ruin = (default_day[machines.firm] < calendar.day_count) & (uniform[:, 0] < rules.sold_share)
    sold = np.where(in_ruin & (after < len(firsts)), firsts[np.minimum(after, len(firsts) - 1)], FOREVER)
    return replace(
        machines,
        last_day=np.where(machines.first_day < last, np.minimum(machines.last_day, last), 0),
        owned_until=np.minimum(machines.owned_until, sold),
    )
