"""Deliveries: what a firm's machines made goes to its orders, first come, first served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.trade.orders import Orders

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Shipments of a block, order by order. Arrays of length k."""

    order: Ints
    """Position of the order in the block's `Orders`."""
    day: Ints
    parts: Ints
    number: Ints
    """1 or 2: which shipment of its order."""


def deliver(
    orders: Orders, made: Ints, *, opening_stock: Ints, two_shipments_from_lead_days: int, last_day: Ints
) -> Deliveries:
    """Ship every order as soon as enough has been made for it and all that came before.

    `made` is (firms, days), parts by day; `opening_stock` and `last_day` are by firm. A shipment leaves on the morning
    after its last part was made, at the earliest after its order came, and none from `last_day` on. So at any time no
    more is delivered than was ordered, nor than was made and in stock.
    """
    order, parts, number = _shipments(orders, from_lead_days=two_shipments_from_lead_days)
    firm = orders.firm[order]
    claimed = _running_sum(parts, firm)
    days = made.shape[1]
    available = opening_stock[:, None] + np.cumsum(made, axis=1)
    stride = max(int(available.max(initial=0)), int(claimed.max(initial=0))) + 1
    shelf = (available + stride * np.arange(len(made))[:, None]).ravel()
    ready = np.searchsorted(shelf, claimed + stride * firm, side="left") - days * firm
    day = np.maximum(ready, orders.day[order]) + 1
    sent = (ready < days) & (day < last_day[firm]) & (day < days)
    return Deliveries(order=order[sent], day=day[sent], parts=parts[sent], number=number[sent])


def _shipments(orders: Orders, *, from_lead_days: int) -> tuple[Ints, Ints, Ints]:
    """(order, parts, number) of each shipment: orders with a long lead go in two halves."""
    halves = np.where((orders.lead_days >= from_lead_days) & (orders.parts > 1), 2, 1)
    order = np.repeat(np.arange(len(orders)), halves)
    is_second = np.r_[False, order[1:] == order[:-1]] if len(order) else np.array([], dtype=bool)
    whole, half = orders.parts[order], orders.parts[order] // 2
    parts = np.where(halves[order] == 1, whole, np.where(is_second, whole - half, half))
    return order, parts, 1 + is_second.astype(np.int64)


def _running_sum(parts: Ints, firm: Ints) -> Ints:
    """Cumulative sums within runs of equal firms."""
    total = np.cumsum(parts)
    starts = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]]) if len(firm) else np.array([], dtype=np.int64)
    before = total[starts] - parts[starts]
    return total - np.repeat(before, np.diff(np.r_[starts, len(firm)]))
