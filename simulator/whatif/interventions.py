"""What a firm can do, and what it does by declaration: a plan changes replicas of the firm, and the account does the
rest.

The effects are causal because they are put in: fewer failures leave more hours and so more output and cash; a further
shift makes room for orders and costs wages; more buyers spread receivables; collected receivables are money now. How
large the change of the default probability is comes out of the simulation, not out of this file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.block import Block
from simulator.factory.schedule import LONGEST_QUARTERS
from simulator.finance.accounts import Account, Creditor
from simulator.finance.opening import BooksState
from simulator.parameter_values import ScheduleParameters
from simulator.whatif.replicas import Replicas
from simulator.world_calendar import Month

MOST_SHIFTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the firm does from the next month on. The plan of no change is `Plan()`."""

    fault_rate_ratio: float = 1.0
    """All failure hazards of its machines are multiplied by it."""
    more_shifts: int = 0
    """Shifts added, up to three in all; wages follow the machines' nominal hours."""
    longer_days_share: float = 0.0
    """The machines' nominal hours grow by this share, and wages with them; the shifts stay."""
    more_buyers: tuple[int, ...] = ()
    """Numbers of buyers of the world that order from it too; the number of its orders stays."""
    collects_overdue: bool = False
    """Buyers that are late pay what is overdue within `COLLECTED_AFTER_DAYS`."""
    cost_minor: int = 0
    """Paid once, as a cost of the first month, when it begins."""


NO_CHANGE = Plan()
COLLECTED_AFTER_DAYS = 10


def intervene(replicas: Replicas, plan: Plan, *, month: Month) -> Replicas:
    """The replicas with the plan carried out; `month` is the first of their future.

    `more_buyers` must have been given to the replicas when they were made.
    """
    block = replicas.block
    machines = replace(block.machines, proneness=block.machines.proneness * plan.fault_rate_ratio)
    block = _with_shifts(replace(block, machines=machines), plan.more_shifts, replicas.laws.parameters.schedule)
    if plan.longer_days_share:
        block = _with_longer_days(block, plan.longer_days_share)
    books = replicas.state.books
    if plan.collects_overdue:
        books = _collected(books, month)
    if plan.cost_minor:
        books = _charged(books, plan.cost_minor)
    return replace(replicas, block=block, state=replace(replicas.state, books=books))


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


def _with_longer_days(block: Block, share: float) -> Block:
    longer = np.round(block.firms.nominal_quarters * (1.0 + share)).astype(np.int64)
    return replace(block, firms=replace(block.firms, nominal_quarters=np.minimum(longer, LONGEST_QUARTERS)))


def _collected(books: BooksState, month: Month) -> BooksState:
    due = books.sales.open
    pays = np.minimum(due.pay_day, month.first_day + COLLECTED_AFTER_DAYS)
    collected = replace(due, pay_day=np.where(due.due_day < month.first_day, pays, due.pay_day))
    return replace(books, sales=replace(books.sales, open=collected))


def _charged(books: BooksState, cost_minor: int) -> BooksState:
    balances, scheduled = books.balances.copy(), books.scheduled.copy()
    balances[Account.OVERHEADS] += cost_minor
    balances[Account.PAYABLES] -= cost_minor
    scheduled[Creditor.SUPPLIERS, :, 0] += cost_minor
    return replace(books, balances=balances, scheduled=scheduled)
