"""Circular trade: firms that bill each other in a ring, so that each shows a turnover which nobody made.

A ring is a round of invoices, each from the buyer of the one before, that comes back to its first seller within weeks
and of which all amounts are much the same. Honest trade flows one way, from who makes a part to who needs it; where it
comes back at all, it comes back as something else, for another amount. Rounds that repeat, and that name no delivery
that anybody noted, are what a person is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One issued invoice that no red-letter invoice took off; `is_delivered` whether the delivery ledger knows what it
    bills, None where that ledger tells nothing of its seller."""

    invoice_id: str
    seller_id: str
    buyer_id: str
    amount_minor: int
    currency: str
    issued_on: date
    is_delivered: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Firms in the order in which they bill each other, from the first by code, how often it goes round, and every
    invoice of its rounds."""

    firms: tuple[str, ...]
    rounds: int
    bills: tuple[Bill, ...]

    @property
    def invoices(self) -> tuple[str, ...]:
        """The numbers of all its invoices."""
        return tuple(bill.invoice_id for bill in self.bills)

    @property
    def amount_minor(self) -> int:
        """What they bill in all."""
        return sum(bill.amount_minor for bill in self.bills)

    @property
    def undelivered_minor(self) -> int:
        """How much of that names no noted delivery."""
        return undelivered(self.bills)

    @property
    def first_day(self) -> date:
        """Of its invoices."""
        return min(bill.issued_on for bill in self.bills)

    @property
    def last_day(self) -> date:
        """Of its invoices."""
        return max(bill.issued_on for bill in self.bills)


def undelivered(bills: Sequence[Bill]) -> int:
    """What of these invoices names no noted delivery, where the seller's are noted at all."""
    return sum(bill.amount_minor for bill in bills if bill.is_delivered is False)


def between(invoices: pd.DataFrame, firms: Collection[str]) -> pd.DataFrame:
    """Of invoices as the contract names them those that bill one of these firms and that no red-letter invoice took
    off: no others can go round."""
    off = invoices.loc[invoices["status"] != "issued", ["obligor_id", "corrected_invoice_id"]].dropna()
    gone = set(zip(off["obligor_id"], off["corrected_invoice_id"], strict=True))
    known = invoices[(invoices["status"] == "issued") & invoices["buyer_id"].isin(list(firms))]
    stands = [pair not in gone for pair in zip(known["obligor_id"], known["invoice_id"], strict=True)]
    return known[np.array(stands, dtype=bool)]


def bills_of(invoices: pd.DataFrame, deliveries: pd.DataFrame) -> list[Bill]:
    """Invoices that stand (`between`), with whether their deliveries (`obligor_id`, `delivery_id`) were noted."""
    noted = set(zip(deliveries["obligor_id"], deliveries["delivery_id"], strict=True))
    tellers = {firm for firm, _ in noted}
    return [
        Bill(
            invoice_id=row.invoice_id,
            seller_id=row.obligor_id,
            buyer_id=row.buyer_id,
            amount_minor=int(row.amount_minor),
            currency=row.currency,
            issued_on=row.event_time.date(),
            is_delivered=(row.obligor_id, row.delivery_id) in noted if row.obligor_id in tellers else None,
        )
        for row in invoices.itertuples()
    ]


def rings(bills: Sequence[Bill], values: Mapping[str, Any]) -> list[Ring]:
    """Every ring of at least `least_rounds` rounds of which at least `least_undelivered` of the value names no noted
    delivery, the largest first. `values` are the parameters of supply chains in force.

    Only firms that lie on some cycle of trade are searched, invoice by invoice in order of time.
    """
    terms = values["circular"]
    found: dict[tuple[str, ...], list[tuple[Bill, ...]]] = defaultdict(list)
    for group in _on_cycles(bills):
        for circle in _rounds(group, terms):
            found[_turned([bill.seller_id for bill in circle])].append(circle)
    told = [_ring(firms, circles) for firms, circles in found.items()]
    kept = [
        ring
        for ring in told
        if ring.rounds >= terms["least_rounds"]
        and ring.undelivered_minor >= terms["least_undelivered"] * ring.amount_minor
    ]
    return sorted(kept, key=lambda ring: (-ring.amount_minor, ring.firms))


def _on_cycles(bills: Sequence[Bill]) -> Iterator[list[Bill]]:
    """The invoices within each strongly connected group of firms, in order of time."""
    firms = sorted({bill.seller_id for bill in bills} | {bill.buyer_id for bill in bills})
    place = {firm: number for number, firm in enumerate(firms)}
    sellers = np.array([place[bill.seller_id] for bill in bills], dtype=np.int64)
    buyers = np.array([place[bill.buyer_id] for bill in bills], dtype=np.int64)
    trade = coo_array((np.ones(len(bills)), (sellers, buyers)), shape=(len(firms), len(firms)))
    _, component = connected_components(trade.tocsr(), directed=True, connection="strong")
    inside: dict[int, list[Bill]] = defaultdict(list)
    for bill, seller, buyer in zip(bills, sellers.tolist(), buyers.tolist(), strict=True):
        if component[seller] == component[buyer] and seller != buyer:
            inside[int(component[seller])].append(bill)
    for group in inside.values():
        yield sorted(group, key=lambda bill: (bill.issued_on, bill.invoice_id))


def _rounds(group: Sequence[Bill], terms: Mapping[str, Any]) -> Iterator[tuple[Bill, ...]]:
    """Rounds that begin with each invoice; an invoice is in one round only, the first that closes."""
    by_seller: dict[str, list[Bill]] = defaultdict(list)
    for bill in group:
        by_seller[bill.seller_id].append(bill)
    used: set[tuple[str, str]] = set()
    for bill in group:
        if (bill.seller_id, bill.invoice_id) in used:
            continue
        closed = _closing((bill,), by_seller, used, terms)
        if closed is not None:
            used |= {(item.seller_id, item.invoice_id) for item in closed}
            yield closed


def _closing(
    path: tuple[Bill, ...],
    by_seller: Mapping[str, Sequence[Bill]],
    used: set[tuple[str, str]],
    terms: Mapping[str, Any],
) -> tuple[Bill, ...] | None:
    """The path and what brings it back to its first seller; None where nothing does within the days and firms asked."""
    first, last = path[0], path[-1]
    if last.buyer_id == first.seller_id:
        return path
    if len(path) == terms["most_firms"]:
        return None
    passed = {bill.seller_id for bill in path}
    for bill in by_seller.get(last.buyer_id, ()):
        is_next = last.issued_on <= bill.issued_on and (bill.issued_on - first.issued_on).days <= terms["most_days"]
        is_alike = (
            bill.currency == first.currency
            and abs(bill.amount_minor - first.amount_minor) <= terms["amount_tolerance"] * first.amount_minor
        )
        is_fresh = (bill.seller_id, bill.invoice_id) not in used
        comes_back = bill.buyer_id == first.seller_id or bill.buyer_id not in passed
        if is_next and is_alike and is_fresh and comes_back:
            closed = _closing((*path, bill), by_seller, used, terms)
            if closed is not None:
                return closed
    return None


def _turned(firms: Sequence[str]) -> tuple[str, ...]:
    """The same ring from its first firm by code."""
    start = min(range(len(firms)), key=lambda place: firms[place])
    return (*firms[start:], *firms[:start])


def _ring(firms: tuple[str, ...], circles: Sequence[tuple[Bill, ...]]) -> Ring:
    return Ring(firms=firms, rounds=len(circles), bills=tuple(bill for circle in circles for bill in circle))
