"""The chart of accounts and the double-entry book: every entry takes from one account what it gives to another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Account(IntEnum):
    """Assets, liabilities, equity, income and cost. Balances are debits less credits, in minor units."""

    CASH = 0
    RECEIVABLES = 1
    MATERIALS = 2
    GOODS = 3
    MACHINES = 4
    CREDIT_LINE = 5
    PAYABLES = 6
    WAGES_DUE = 7
    ENERGY_DUE = 8
    RENT_DUE = 9
    TAX_DUE = 10
    LINE_INTEREST_DUE = 11
    VAT = 12
    LOANS = 13
    INSTALMENTS_DUE = 14
    CAPITAL = 15
    DRAWINGS = 16
    SALES = 17
    COST_OF_GOODS = 18
    WAGES = 19
    ENERGY = 20
    RENT = 21
    MAINTENANCE = 22
    OVERHEADS = 23
    DEPRECIATION = 24
    INTEREST = 25
    BAD_DEBTS = 26
    DISPOSALS = 27
    MISHAPS = 28
    INCOME_TAX = 29


ASSETS = tuple(Account(n) for n in range(Account.CASH, Account.MACHINES + 1))
LIABILITIES = tuple(Account(n) for n in range(Account.CREDIT_LINE, Account.INSTALMENTS_DUE + 1))
EQUITY = tuple(Account(n) for n in range(Account.CAPITAL, Account.INCOME_TAX + 1))
"""What the owner put in, less what was taken out, and the income and cost of all time (no year is closed)."""
RESULT = tuple(Account(n) for n in range(Account.SALES, Account.INCOME_TAX + 1))


class Creditor(IntEnum):
    """Whom a firm owes what falls due, in the order in which they are paid; lenders come after all of them."""

    WORKERS = 0
    TAX_OFFICE = 1
    ENERGY_SUPPLIER = 2
    LANDLORD = 3
    SUPPLIERS = 4
    LINE_LENDER = 5


OWED_TO: tuple[Account, ...] = (
    Account.WAGES_DUE,
    Account.TAX_DUE,
    Account.ENERGY_DUE,
    Account.RENT_DUE,
    Account.PAYABLES,
    Account.LINE_INTEREST_DUE,
)
"""By creditor: the account that holds what is owed, due or not yet due."""


@dataclass(slots=True)
class Book:
    """Balances (accounts, firms) while a month is being written."""

    balances: Ints

    def post(self, debit: Account, credit: Account, amount: Ints) -> None:
        """Enter an amount by firm (minor units) on both sides."""
        self.balances[debit] += amount
        self.balances[credit] -= amount


def empty_book(firms: int) -> Book:
    """All balances zero."""
    return Book(np.zeros((len(Account), firms), dtype=np.int64))


def total(balances: Ints, accounts: tuple[Account, ...]) -> Ints:
    """Sum of some accounts' balances, by firm."""
    return np.asarray(balances[list(accounts)].sum(axis=0))


def by_firm(firm: Ints, amount: Ints, count: int) -> Ints:
    """Exact sums of whole amounts by firm."""
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, firm, amount)
    return sums


def by_firm_and_day(firm: Ints, day: Ints, amount: Ints, shape: tuple[int, int]) -> Ints:
    """Exact sums of whole amounts by firm and day (counted from the month's first)."""
    sums = np.zeros(shape, dtype=np.int64)
    np.add.at(sums, (firm, day), amount)
    return sums


def tax_within(gross: Ints, percent: int) -> Ints:
    """The value-added tax in an amount with tax, rounded to the nearest minor unit."""
    return (gross * percent + (100 + percent) // 2) // (100 + percent)


def tax_on(net: Ints, percent: int) -> Ints:
    """The value-added tax on an amount before tax, rounded to the nearest minor unit."""
    return (net * percent + 50) // 100
