"""The books when the world begins: what a firm has and owes then, its capital being what balances the two."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machines import Machines
from simulator.finance.accounts import OWED_TO, Account, Book, Creditor, by_firm, empty_book
from simulator.finance.assets import is_owned
from simulator.finance.costs import TaxYear
from simulator.finance.debt import PAST_DUE_DAYS, Debt, Facilities, Instalments, opening_debt
from simulator.finance.payments import Obligations, nothing_due
from simulator.finance.sales import Invoices, SalesState, opening_invoices
from simulator.finance.stock import DELIVERY_EVERY_DAYS
from simulator.finance.strain import Strain
from simulator.finance.terms import INSTALMENT_DAYS, Terms
from simulator.firms.obligors import Firms
from simulator.money_values import FinanceParameters
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.network import Network
from simulator.trade.orders import Capacity

DAYS_PER_MONTH = 30

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksState:
    """A block's books from one month to the next; money in minor units, arrays by firm unless said otherwise."""

    balances: Ints
    """(accounts, firms)."""
    kits: Ints
    """Material for so many parts."""
    goods: Ints
    """Finished parts."""
    sales: SalesState
    scheduled: Ints
    """(creditors, firms, days from the month's first): falls due then."""
    overdue: Ints
    """(creditors, firms): fell due and is unpaid."""
    debt: Debt
    owner_minor: Ints
    """What the owner can still add in need (structural engine)."""
    usual_sales: Ints
    """Mean monthly net sales, a moving average of a year."""
    year: TaxYear
    failures: Ints
    """(machines,): of the firm's time in the world."""
    worked_quarters: Ints
    """(machines,): executing, of the firm's time in the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPapers:
    """What was issued before the world and still counts in it."""

    invoices: Invoices
    facilities: Facilities
    instalments: Instalments


def kit_price(firms: Firms, terms: Terms, possible: Capacity) -> Ints:
    """What the material of a part costs, before tax."""
    price = firms.machine_hour_price_minor / possible.parts_per_hour
    return np.maximum(np.round(price * terms.material_share), 1).astype(np.int64)


def open_books(
    block: int,
    firms: Firms,
    machines: Machines,
    *,
    terms: Terms,
    possible: Capacity,
    finished_parts: Ints,
    default_day: Ints,
    strain: Strain,
    network: Network,
    parameters: WorldParameters,
    streams: Streams,
) -> tuple[BooksState, OpeningPapers]:
    """The books on the first morning. `default_day` is that of reduced form, `NEVER` without one."""
    rules, count = parameters.finance, len(firms)
    terms = replace(
        terms,
        cash_minor=np.round(terms.cash_minor * strain.means_left).astype(np.int64),
        owner_minor=np.round(terms.owner_minor * strain.means_left).astype(np.int64),
    )
    book, owed = empty_book(count), Obligations(nothing_due(count))
    kit = kit_price(firms, terms, possible)
    usual = possible.monthly_parts(parameters.demand.work_days_per_month)
    kits = np.round(usual * rules.material_stock_months).astype(np.int64)
    owned = np.flatnonzero(is_owned(machines, 0))
    invoices = opening_invoices(
        block, firms, terms.turnover_minor, network=network, parameters=parameters, streams=streams
    )
    for account, amount in (
        (Account.CASH, terms.cash_minor),
        (Account.RECEIVABLES, by_firm(invoices.firm, invoices.gross_minor, count)),
        (Account.MATERIALS, kits * kit),
        (Account.GOODS, finished_parts * kit),
        (Account.MACHINES, by_firm(machines.firm[owned], machines.value_minor[owned], count)),
    ):
        book.post(account, Account.CAPITAL, amount)
    _owe(book, owed, terms, rules)
    lease, leased = _lease(machines, owned, terms, rules, count)
    debt, facilities, instalments = opening_debt(
        terms,
        lease_minor=lease,
        lease_machine=leased,
        lease_instalments=rules.lease_instalments,
        default_day=_stopped_paying(default_day, terms, strain),
    )
    debt.pay_from[strain.unpaid > 0] = 0
    line = np.round(rules.line_months * terms.turnover_minor * strain.is_distressed).astype(np.int64)
    book.post(Account.CAPITAL, Account.CREDIT_LINE, line)
    book.post(Account.CAPITAL, Account.LOANS, debt.principal.sum(axis=0))
    book.post(Account.CAPITAL, Account.INSTALMENTS_DUE, debt.owed.sum(axis=(0, 2)))
    none = np.zeros(count, dtype=np.int64)
    state = BooksState(
        balances=book.balances,
        kits=kits,
        goods=finished_parts,
        sales=SalesState(open=invoices, invoices=np.bincount(invoices.firm, minlength=count), receipts=none),
        scheduled=owed.scheduled,
        overdue=np.zeros((len(Creditor), count), dtype=np.int64),
        debt=debt,
        owner_minor=terms.owner_minor,
        usual_sales=terms.turnover_minor,
        year=TaxYear(result_before=none, accrued=none),
        failures=np.zeros(len(machines), dtype=np.int64),
        worked_quarters=np.zeros(len(machines), dtype=np.int64),
    )
    return state, OpeningPapers(invoices=invoices, facilities=facilities, instalments=instalments)


def _stopped_paying(default_day: Ints, terms: Terms, strain: Strain) -> Ints:
    """The day that stands for a default ninety days after a firm stopped paying; whether one in distress comes to that
    is for its account to say."""
    would_be = terms.phase + INSTALMENT_DAYS * (PAST_DUE_DAYS // INSTALMENT_DAYS - strain.unpaid)
    return np.where(strain.unpaid > 0, would_be, default_day)


def _owe(book: Book, owed: Obligations, terms: Terms, rules: FinanceParameters) -> None:
    """Material of the weeks before, at the firm's own terms, and last month's wages, of normal amounts."""
    material = np.round(terms.turnover_minor * terms.material_share).astype(np.int64)
    weekly = material * (100 + rules.vat_percent) // 100 * DELIVERY_EVERY_DAYS // DAYS_PER_MONTH
    last = max(rules.supplier_terms_days)
    for back in range(DELIVERY_EVERY_DAYS, last + 1, DELIVERY_EVERY_DAYS):
        after = np.maximum(terms.supplier_days - back, 0)
        _owe_one(book, owed, Creditor.SUPPLIERS, after, np.where(terms.supplier_days >= back, weekly, 0))
    wages = np.round(terms.turnover_minor * rules.opening_wage_share).astype(np.int64)
    _owe_one(book, owed, Creditor.WORKERS, np.full(len(wages), rules.wages_due_day - 1), wages)


def _owe_one(book: Book, owed: Obligations, creditor: Creditor, after: Ints, amount: Ints) -> None:
    book.post(Account.CAPITAL, OWED_TO[creditor], amount)
    owed.fall_due(creditor, after, amount)


def _lease(machines: Machines, owned: Ints, terms: Terms, rules: FinanceParameters, count: int) -> tuple[Ints, Ints]:
    """(amount, machine) by firm of the lease that runs when the world begins: on the firm's first machine."""
    firm, first = np.unique(machines.firm[owned], return_index=True)
    machine = np.full(count, -1)
    machine[firm] = owned[first]
    value = np.where(machine >= 0, machines.value_minor[machine], 0)
    amount = value * rules.lease_financed_percent // 100 * terms.has_lease
    return amount, np.where(amount > 0, machine, -1)
