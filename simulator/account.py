"""The truth about money: every firm's balances month by month, what sold machines were worth, and the buyers' states.

No feature may read it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from simulator.block import Block, BlockMonth, BlockState, Laws
from simulator.finance.accounts import Account
from simulator.finance.desk import Flow
from simulator.told.ledgers import buyers_of
from simulator.told.reports import INSTANT


def account_table(block: Block, after: BlockState, month: BlockMonth, laws: Laws) -> pa.Table:
    """A row a firm: balances at the month's end (debits less credits) and the month's movements of cash, minor units.

    `cash_least_minor` is the lowest balance at the end of a day.
    """
    books, span = month.books, month.machines.month
    as_of = laws.calendar.midnight(span.first_day + span.length)
    count = len(block.firms)
    flows = books.flows.sum(axis=2)
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids),
            "as_of": pa.array(np.full(count, as_of), type=INSTANT),
            **{f"{account.name.lower()}_minor": after.books.balances[account] for account in Account},
            **{f"cash_from_{flow.name.lower()}_minor": flows[flow] for flow in Flow},
            "cash_least_minor": books.closing_cash.min(axis=1),
            "overdue_to_creditors_minor": after.books.overdue.sum(axis=0),
            "material_kits": after.books.kits,
            "finished_parts": after.books.goods,
        }
    )


def sale_table(block: Block, month: BlockMonth, laws: Laws) -> pa.Table:
    """A row for each machine sold for lenders: what it was expected to fetch and what it fetched."""
    sales = month.books.machine_sales
    chosen = sales.sold.is_recovery
    return pa.table(
        {
            "machine_uid": pa.array(block.machines.uids, type=pa.string()).take(pa.array(sales.sold.machine[chosen])),
            "event_time": pa.array(laws.calendar.midnight(sales.sold.day[chosen]), type=INSTANT),
            "expected_minor": sales.appraisal.expected_minor[chosen],
            "price_minor": sales.price_minor[chosen],
        }
    )


def buyer_table(laws: Laws) -> pa.Table:
    """A row a buyer and month: its state, and whether it is gone."""
    network, months = laws.network, laws.calendar.months
    count = len(network)
    number = np.repeat(np.arange(count), len(months))
    position = np.tile(np.arange(len(months)), count)
    days = laws.calendar.date_of(np.array([month.first_day for month in months]))
    return pa.table(
        {
            "buyer_id": buyers_of(laws, number),
            "month": pa.array(days[position], type=pa.date32()),
            "is_core": number < laws.parameters.network.core_enterprises,
            "state": network.state[number, position + 1],
            "has_failed": network.failed_month[number] <= position,
        }
    )
