"""What the terms of an order rest on, and what they lack: how much its ledgers tell, in counts and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from scoring.supply_chain.purchase_order.order import Milestone, OrderFile
from scoring.supply_chain.purchase_order.placing import as_meant
from scoring.supply_chain.purchase_order.schedule import Schedule, Teller


class OrderCaution(StrEnum):
    """What is not known of an order; stable across versions."""

    ACCEPTANCE_UNKNOWN = "acceptance_unknown"
    MATERIAL_SUPPLIERS_UNKNOWN = "material_suppliers_unknown"
    MATERIAL_NOT_BOUGHT = "material_not_bought"
    INSPECTION_UNKNOWN = "inspection_unknown"
    COST_UNKNOWN = "cost_unknown"
    PART_UNKNOWN = "part_unknown"
    NO_EARLIER_ORDER_OF_THE_PART = "no_earlier_order_of_the_part"
    ORDERS_NOT_TOLD = "orders_not_told"
    SCHEDULE_UNKNOWN = "schedule_unknown"
    SCHEDULE_OF_ANOTHER_PART = "schedule_of_another_part"
    SCHEDULE_EXCEEDS_ORDER = "schedule_exceeds_order"


class DueDays(StrEnum):
    """Whose word the days are on which an order is due."""

    BUYERS_SCHEDULE = "buyers_schedule"
    SUPPLIERS_SCHEDULE = "suppliers_schedule"
    ORDER_ALONE = "order_alone"


BY_TELLER = {Teller.BUYER: DueDays.BUYERS_SCHEDULE, Teller.SUPPLIER: DueDays.SUPPLIERS_SCHEDULE}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestsOn:
    """How many orders of the firm are told, how many of them for the same part, how many of these were placed earlier;
    the orders that deliveries since half a year before it name and nobody told; and the purchases since the order, by
    whether their suppliers were agreed on as its material's; and whose word its due days are."""

    orders: int
    orders_of_the_part: int
    earlier_orders_of_the_part: int
    orders_not_told: Sequence[str]
    purchases_since: int
    purchases_from_agreed_suppliers: int
    due_days: DueDays


LATELY = pd.Timedelta(days=182)


def rests_on(
    orders: pd.DataFrame,
    deliveries: pd.DataFrame,
    row: Any,
    *,
    purchases: int,
    agreed: int,
    schedule: Schedule | None = None,
) -> RestsOn:
    """Of the order `row` of `orders`. Where it names no part, no other order is known to be for the same."""
    same = orders[orders["part_number"].map(as_meant) == as_meant(row.part_number)]
    lately = deliveries[deliveries["event_time"] >= row.event_time - LATELY]
    named = set(lately["order_id"].dropna())
    return RestsOn(
        orders=len(orders),
        orders_of_the_part=len(same),
        earlier_orders_of_the_part=int((same["placed"] < row.placed).sum()),
        orders_not_told=tuple(sorted(named - set(orders["order_id"]))),
        purchases_since=purchases,
        purchases_from_agreed_suppliers=agreed,
        due_days=BY_TELLER[schedule.told_by] if schedule is not None and schedule.call_offs else DueDays.ORDER_ALONE,
    )


def cautions(file: OrderFile, rests: RestsOn, *, has_material_suppliers: bool) -> tuple[OrderCaution, ...]:
    """What is not known, in the order of an order's life."""
    schedule = file.schedule
    is_first = bool(rests.orders_of_the_part) and not rests.earlier_orders_of_the_part
    checks = (
        (OrderCaution.ACCEPTANCE_UNKNOWN, Milestone.ACCEPTED not in file.seen),
        (OrderCaution.MATERIAL_SUPPLIERS_UNKNOWN, not has_material_suppliers),
        (OrderCaution.MATERIAL_NOT_BOUGHT, has_material_suppliers and Milestone.MATERIAL not in file.seen),
        (OrderCaution.INSPECTION_UNKNOWN, file.inspected_units is None),
        (OrderCaution.COST_UNKNOWN, file.cost_minor is None),
        (OrderCaution.PART_UNKNOWN, not rests.orders_of_the_part),
        (OrderCaution.NO_EARLIER_ORDER_OF_THE_PART, is_first),
        (OrderCaution.ORDERS_NOT_TOLD, bool(rests.orders_not_told)),
        (OrderCaution.SCHEDULE_UNKNOWN, rests.due_days is DueDays.ORDER_ALONE),
        (OrderCaution.SCHEDULE_OF_ANOTHER_PART, schedule is not None and bool(schedule.of_another_part)),
        (OrderCaution.SCHEDULE_EXCEEDS_ORDER, schedule is not None and schedule.units > file.order.units),
    )
    return tuple(code for code, is_so in checks if is_so)
