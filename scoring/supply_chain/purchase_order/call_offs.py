"""The schedule of an order out of ledgers: call-offs as its buyer tells them, or part deliveries as the supplier does.

The buyer's word stands before the supplier's. What the supplier tells binds it and gives it no time: none of its days
is later than the order's own. Nobody is taken to have a schedule: without one an order is due on its own day alone.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from scoring.supply_chain.purchase_order.placing import as_meant
from scoring.supply_chain.purchase_order.schedule import CallOff, Schedule, Teller


def schedule_of(rows: pd.DataFrame | None, order: Any) -> Schedule | None:
    """The schedule of an order (`order_id`, `buyer_id`, `part_number`, `parts`, `due_date`) out of rows of its supplier
    by whoever told them; None where nobody did."""
    if rows is None:
        return None
    own = rows[rows["order_id"] == order.order_id]
    of_buyer, of_supplier = own[own["obligor_id"] == order.buyer_id], own[own["obligor_id"] == own["supplier_id"]]
    told_by, told = (Teller.SUPPLIER, of_supplier) if of_buyer.empty else (Teller.BUYER, of_buyer)
    if told.empty:
        return None
    is_other = told["part_number"].map(lambda part: _is_another(part, order.part_number)).astype(bool)
    latest = None if told_by is Teller.BUYER else pd.Timestamp(order.due_date)
    due = pd.to_datetime(told["due_date"]).clip(upper=latest)
    counted = told.assign(due_on=due)[~is_other & (told["parts"] > 0)].sort_values(["due_on", "call_off_id"])
    by_then = counted["parts"].cumsum().clip(upper=order.parts)
    return Schedule(
        told_by=told_by,
        call_offs=tuple(
            CallOff(call_off_id=str(name), due_on=day.date(), units=int(units), units_by_then=int(total))
            for name, day, units, total in zip(
                counted["call_off_id"], counted["due_on"], counted["parts"], by_then, strict=True
            )
        ),
        of_another_part=tuple(sorted(str(name) for name in told.loc[is_other, "call_off_id"])),
    )


def _is_another(part: Any, ordered: Any) -> bool:
    return not (pd.isna(part) or pd.isna(ordered)) and as_meant(part) != as_meant(ordered)
