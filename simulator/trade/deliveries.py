"""Deliveries: what a firm's machines made goes to its orders, first come, first served, month after month."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from simulator.trade.orders import Orders
from simulator.world_calendar import Month

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipments:
    """Shipments of a block, due or sent, firm by firm in the order of their orders. Arrays of length k."""

    firm: Ints
    order: Ints
    """Counts the firm's orders from 0."""
    number: Ints
    """1 or 2: which shipment of its order."""
    day: Ints
    """While it is due, the day of its order; once sent, the day on which it left."""
    parts: Ints
    price_minor: Ints
    """Price of one part, before tax."""
    buyer: Ints

    def __len__(self) -> int:
        return len(self.firm)

    def where(self, chosen: Bools | Ints) -> Shipments:
        """Some of them."""
        return Shipments(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a block has to ship and what lies ready. Arrays by firm."""

    due: Shipments
    stock: Ints
    """Finished parts."""
    orders: Ints
    """Orders so far."""


def empty_shelf(stock: Ints) -> Shelf:
    """Nothing to ship yet, and so many finished parts by firm."""
    none = np.array([], dtype=np.int64)
    due = Shipments(**{field.name: none for field in fields(Shipments)})
    return Shelf(due=due, stock=stock, orders=np.zeros_like(stock))


def take_orders(shelf: Shelf, orders: Orders, *, two_shipments_from_lead_days: int) -> Shelf:
    """The shelf with a month's new orders on it: those with a long lead go in two halves."""
    counts = np.bincount(orders.firm, minlength=len(shelf.stock))
    halves = np.where((orders.lead_days >= two_shipments_from_lead_days) & (orders.parts > 1), 2, 1)
    row = np.repeat(np.arange(len(orders)), halves)
    is_second = np.r_[False, row[1:] == row[:-1]] if len(row) else np.array([], dtype=bool)
    whole, half = orders.parts[row], orders.parts[row] // 2
    new = Shipments(
        firm=orders.firm[row],
        order=(shelf.orders[orders.firm] + orders.number)[row],
        number=1 + is_second.astype(np.int64),
        day=orders.day[row],
        parts=np.where(halves[row] == 1, whole, np.where(is_second, whole - half, half)),
        price_minor=orders.price_minor[row],
        buyer=orders.buyer[row],
    )
    both = joined_shipments([shelf.due, new])
    due = both.where(np.argsort(both.firm, kind="stable"))
    return replace(shelf, due=due, orders=shelf.orders + counts)


def cancel(shelf: Shelf, gone: Bools) -> tuple[Shelf, Ints]:
    """The shelf without what the buyers that are `gone` (by buyer) had still to get, and the parts by firm of that."""
    lost = gone[shelf.due.buyer] if len(shelf.due) else np.array([], dtype=bool)
    dropped = shelf.due.where(lost)
    parts = np.bincount(dropped.firm, weights=dropped.parts, minlength=len(shelf.stock)).astype(np.int64)
    return replace(shelf, due=shelf.due.where(~lost)), parts


def ship(shelf: Shelf, made: Ints, month: Month, *, last_day: Ints) -> tuple[Shelf, Shipments]:
    """Send what can be sent in a month: (the shelf after it, the shipments that left).

    `made` is (firms, days), good parts by day; `last_day` is by firm. A shipment leaves on the morning after its last
    part was made, at the earliest after its order came, and none from `last_day` on. So at any time no more is
    delivered than was ordered, nor than was made and in stock.
    """
    due = shelf.due
    ready_by = np.concatenate([np.zeros((len(made), 1), dtype=np.int64), np.cumsum(made, axis=1)], axis=1)
    ready_by += shelf.stock[:, None]
    claimed = _running_sum(due.parts, due.firm)
    stride = max(int(ready_by.max(initial=0)), int(claimed.max(initial=0))) + 1
    flat = (ready_by + stride * np.arange(len(made))[:, None]).ravel()
    ready = np.searchsorted(flat, claimed + stride * due.firm, side="left") - ready_by.shape[1] * due.firm
    day = np.maximum(month.first_day + ready, due.day + 1)
    sent = (ready < made.shape[1]) & (day < month.first_day + month.length) & (day < last_day[due.firm])
    left = replace(due, day=day).where(sent)
    gone = np.bincount(left.firm, weights=left.parts, minlength=len(made)).astype(np.int64)
    stock = shelf.stock + made.sum(axis=1) - gone
    return replace(shelf, due=due.where(~sent), stock=stock), left


def joined_shipments(parts: list[Shipments]) -> Shipments:
    """All of them, in the order given."""
    names = [field.name for field in fields(Shipments)]
    return Shipments(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _running_sum(parts: Ints, firm: Ints) -> Ints:
    """Cumulative sums within runs of equal firms."""
    total = np.cumsum(parts)
    starts = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]]) if len(firm) else np.array([], dtype=np.int64)
    before = total[starts] - parts[starts]
    return total - np.repeat(before, np.diff(np.r_[starts, len(firm)]))
