"""What a firm can do, and what it does by declaration: a plan changes replicas of the firm, and the account does the
rest.

The effects are causal because they are put in: fewer failures leave more hours and so more output and cash; a further
shift makes room for orders and costs wages; more buyers spread receivables; collected receivables are money now. How
large the change of the default probability is comes out of the simulation, not out of this file.

A plan is begun once (`intervene`) and then lived month by month (`act`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.block import Block, BlockMonth, BlockState, Laws, step
from simulator.finance.accounts import Account, Creditor
from simulator.finance.opening import BooksState
from simulator.firms.obligors import sum_by_firm
from simulator.money_values import FinanceParameters
from simulator.parameter_values import ScheduleParameters
from simulator.trade.orders import QUARTERS_PER_HOUR, capacity
from simulator.whatif.replicas import Replicas, Spread
from simulator.world_calendar import Month

MOST_SHIFTS = 3
OVERTIME_WAGES = 1.5
"""Times the wage of an hour, as Chinese labour law asks for beyond the usual day."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the firm does from the next month on. The plan of no change is `Plan()`."""

    fault_rate_ratio: float = 1.0
    """All failure hazards of its machines are multiplied by it."""
    more_shifts: int = 0
    """Shifts added, up to three in all; wages follow the machines' nominal hours."""
    overtime_share: float = 0.0
    """Days may be longer by this share than the firm stretches them anyway, in months that begin with a book so full
    that buyers turn away and whose orders ask for it; the hours beyond are paid `OVERTIME_WAGES` times. Else nothing
    more is worked and nothing more is paid."""
    spread: Spread | None = None
    """A share of what its largest buyer would order is ordered by others; orders stay as many and as large."""
    collects_overdue: bool = False
    """Whatever is overdue, now and in every month to come, comes within `COLLECTED_AFTER_DAYS` of its due day."""
    cost_minor: int = 0
    """Paid once, as a cost of the first month, when it begins."""


NO_CHANGE = Plan()
COLLECTED_AFTER_DAYS = 10


def intervene(replicas: Replicas, plan: Plan) -> Replicas:
    """The replicas with the plan begun. `spread` must have been given to the replicas when they were made."""
    block = replicas.block
    machines = replace(block.machines, proneness=block.machines.proneness * plan.fault_rate_ratio)
    block = _with_shifts(replace(block, machines=machines), plan.more_shifts, replicas.laws.parameters.schedule)
    books = replicas.state.books
    if plan.cost_minor:
        books = _charged(books, plan.cost_minor)
    return replace(replicas, block=block, state=replace(replicas.state, books=books))


def act(replicas: Replicas, plan: Plan, month: Month) -> Replicas:
    """The replicas after a month in which they do as the plan, once begun, says."""
    block, state, laws = replicas.block, replicas.state, replicas.laws
    if plan.collects_overdue:
        state = replace(state, books=_collected(state.books, month))
    if not plan.overtime_share:
        return replace(replicas, state=step(block, month, state, laws)[0])
    usual = block.firms.stretch
    longest = usual * (1.0 + plan.overtime_share * _turns_away(block, state, month, laws))
    block = replace(block, firms=replace(block.firms, stretch=longest))
    state, lived = step(block, month, state, laws)
    wages = _overtime_wages(block, lived, usual, laws.parameters.finance)
    return replace(replicas, state=replace(state, books=_with_wages(state.books, wages)))


def _turns_away(block: Block, state: BlockState, month: Month, laws: Laws) -> Bools:
    """By firm: its book is so full when the month begins that buyers turn away, so that more work now is more sales."""
    demand, first = laws.parameters.demand, month.first_day
    possible = capacity(block.firms, block.machines, from_day=first, until_day=first + month.length)
    usual = possible.monthly_parts(demand.work_days_per_month)
    return np.asarray(state.open_parts > usual * demand.full_book_months / 2.0)


def _overtime_wages(block: Block, lived: BlockMonth, usual: Floats, rules: FinanceParameters) -> Ints:
    """By firm, in minor units: what the hours that were planned beyond the `usual` stretch cost above the part of the
    wages that follows hours anyway."""
    firms = block.firms
    planned = sum_by_firm(lived.machines.planned.sum(axis=1), block.machines.firm, count=len(firms))
    beyond = (1.0 - usual / np.clip(lived.load, usual, firms.stretch)) * planned
    days = np.maximum(firms.is_open[:, lived.machines.month.days].sum(axis=1), 1)
    heads = beyond / QUARTERS_PER_HOUR / rules.hours_per_head * (1.0 + rules.office_share_of_heads) / days
    ratio = OVERTIME_WAGES - (1.0 - rules.wage_fixed_share)
    return np.asarray(np.round(heads * block.terms.wage_minor * ratio), dtype=np.int64)


def _with_wages(books: BooksState, wages: Ints) -> BooksState:
    """The books with further wages, due on the first day of the next month."""
    balances, scheduled = books.balances.copy(), books.scheduled.copy()
    balances[Account.WAGES] += wages
    balances[Account.WAGES_DUE] -= wages
    scheduled[Creditor.WORKERS, :, 0] += wages
    return replace(books, balances=balances, scheduled=scheduled)


def _with_shifts(block: Block, more: int, schedule: ScheduleParameters) -> Block:
    shifts = np.minimum(block.firms.shifts + more, MOST_SHIFTS - 1)
    changed = shifts != block.firms.shifts
    firms = replace(
        block.firms,
        shifts=shifts,
        nominal_quarters=np.where(changed, np.array(schedule.nominal_quarters)[shifts], block.firms.nominal_quarters),
        stretch=np.where(changed, np.array(schedule.stretch_ratio)[shifts], block.firms.stretch),
    )
    return replace(block, firms=firms)


def _collected(books: BooksState, month: Month) -> BooksState:
    """Open invoices are paid within `COLLECTED_AFTER_DAYS` of their due day, older ones of the month's first."""
    due = books.sales.open
    pays = np.minimum(due.pay_day, np.maximum(due.due_day, month.first_day) + COLLECTED_AFTER_DAYS)
    return replace(books, sales=replace(books.sales, open=replace(due, pay_day=pays)))


def _charged(books: BooksState, cost_minor: int) -> BooksState:
    balances, scheduled = books.balances.copy(), books.scheduled.copy()
    balances[Account.OVERHEADS] += cost_minor
    balances[Account.PAYABLES] -= cost_minor
    scheduled[Creditor.SUPPLIERS, :, 0] += cost_minor
    return replace(books, balances=balances, scheduled=scheduled)
