"""What may still be paid on receivables, once what is owed on them and on the orders that they bill is taken off.

An order that was financed goes over into the invoices of its deliveries: what is owed on it moves into what these are
advanced, and only what is left beyond it is new money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.supply_chain.purchase_order.exposure import Exposure
from scoring.supply_chain.purchase_order.loans import LoanTold, exposure_on
from scoring.supply_chain.receivables.advance import AdvanceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Lines of one order, or of no order that is known: what they are advanced in all, what is owed on it and on them
    now, how much of what is owed on the order moves into them, and what is left to pay."""

    order_id: str | None
    invoices: Sequence[str]
    advance_minor: int
    exposure: Exposure
    carried_over_minor: int
    payable_minor: int


def carried_over(
    lines: Sequence[AdvanceLine],
    *,
    order_of: Mapping[str, str],
    billed: Mapping[str, frozenset[str]],
    loans: Sequence[LoanTold],
    currency: str,
) -> tuple[Carried, ...]:
    """The lines by order. `order_of` is the order that an invoice bills; `billed` all invoices of an order, also those
    of which nothing is owed or eligible any more: what was lent against them is owed too."""
    groups: dict[tuple[str | None, str], list[AdvanceLine]] = defaultdict(list)
    for line in lines:
        order = order_of.get(line.invoice_id)
        groups[order, "" if order else line.invoice_id].append(line)
    return tuple(_carried(order, own, billed, loans, currency) for (order, _), own in groups.items())


def _carried(
    order: str | None,
    lines: Sequence[AdvanceLine],
    billed: Mapping[str, frozenset[str]],
    loans: Sequence[LoanTold],
    currency: str,
) -> Carried:
    names = frozenset(line.invoice_id for line in lines)
    owed = exposure_on(order, names if order is None else billed[order] | names, loans, currency=currency)
    advance = sum(line.advance_minor for line in lines)
    room = max(0, advance - owed.on_receivables_minor)
    return Carried(
        order_id=order,
        invoices=tuple(line.invoice_id for line in lines),
        advance_minor=advance,
        exposure=owed,
        carried_over_minor=min(owed.on_order_minor, room),
        payable_minor=max(0, advance - owed.total_minor),
    )
