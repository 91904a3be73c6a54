"""How each buyer paid before an invoice was issued: what a lender may know on that day, and nothing later.

An invoice's outcome is *known* the day after it was paid, if it was paid by its due day, and the day after that day, if
it was not: from then on it is late, whenever it will be paid. All features of an invoice rest on days before its issue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.history import Array

Days = NDArray[np.datetime64]
Counts = NDArray[np.int64]

DAYS_A_BUYER = np.int64(10_000_000)
"""More days than any book has: buyer and day together make one number in order."""

NEVER = DAYS_A_BUYER - 1

RECENT_DAYS = 180


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InvoiceBook:
    """Invoices of one seller (n): `buyer` as codes from 0, days as datetime64[D], `settled` NaT where nothing was paid
    yet, amounts in minor units of one currency. `was_disputed` is known when an invoice is settled, not before; None
    where disputes are not told."""

    buyer: Counts
    issued: Days
    due: Days
    settled: Days
    amount_minor: Counts
    was_disputed: NDArray[np.bool_] | None = None


def payment_behaviour(book: InvoiceBook, *, credibility_invoices: float) -> dict[str, Array]:
    """Features by name, each (n,), NaN where nothing is known yet.

    `buyer_late_share` is drawn towards that of all buyers, as known then, as if `credibility_invoices` of theirs were
    the buyer's own (Buhlmann's n / (n + k)); its recent twin looks back 180 days and is drawn towards the former.
    """
    issued, due, settled = (_numbers(days) for days in (book.issued, book.due, book.settled))
    is_late = settled > due
    known = np.where(is_late, due, settled)
    own = _Ledger(book.buyer, issued)
    everybody = _Ledger(np.zeros_like(book.buyer), issued)
    one, late = np.ones(len(issued)), is_late.astype(np.float64)
    seen, late_seen = own.before(known, one), own.before(known, late)
    everywhere = _share(everybody.before(known, late), everybody.before(known, one))
    share = _drawn(late_seen, seen, everywhere, credibility_invoices)
    lately, late_lately = own.within(known, one, RECENT_DAYS), own.within(known, late, RECENT_DAYS)
    paid = own.before(settled, one)
    amount = book.amount_minor.astype(np.float64)
    billed, bills = own.before(issued, amount), own.before(issued, one)
    days_late = np.maximum(settled - due, 0).astype(np.float64)
    days_to_pay = (settled - issued).astype(np.float64)
    disputed = np.full(len(issued), np.nan) if book.was_disputed is None else book.was_disputed.astype(np.float64)
    return {
        "buyer_known_invoices": seen,
        "buyer_late_share": share,
        "buyer_late_share_180d": _drawn(late_lately, lately, share, credibility_invoices),
        "buyer_mean_days_late": _share(own.before(settled, days_late), paid),
        "buyer_mean_days_to_pay": _share(own.before(settled, days_to_pay), paid),
        "buyer_disputed_share": _share(own.before(settled, disputed), paid),
        "buyer_open_invoices": bills - paid,
        "buyer_overdue_invoices": own.before(due, one) - own.before(np.maximum(due, settled), one),
        "buyer_open_amount_to_usual": _share(billed - own.before(settled, amount), _share(billed, bills)),
        "amount_to_usual": _share(amount, _share(billed, bills)),
        "tenor_days": (due - issued).astype(np.float64),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Ledger:
    """Sums of events of each invoice's own buyer before that invoice's issue: one sort, then binary searches."""

    buyer: Counts
    issued: Counts

    def before(self, day: Counts, weight: Array) -> Array:
        """Sum of `weight` over the buyer's invoices whose `day` lies before the issue."""
        return self._up_to(day, weight, self.issued) - self._up_to(day, weight, np.zeros_like(self.issued))

    def within(self, day: Counts, weight: Array, days: int) -> Array:
        """The same over the last `days` days before the issue."""
        return self._up_to(day, weight, self.issued) - self._up_to(day, weight, self.issued - days)

    def _up_to(self, day: Counts, weight: Array, asked: Counts) -> Array:
        key = self.buyer * DAYS_A_BUYER + day
        order = np.argsort(key, kind="stable")
        sums = np.concatenate(([0.0], np.cumsum(weight[order])))
        return np.asarray(sums[np.searchsorted(key[order], self.buyer * DAYS_A_BUYER + asked, side="left")])


def _numbers(days: Days) -> Counts:
    """Days since 1970; those that never came lie beyond all others."""
    return np.where(np.isnat(days), NEVER, days.astype("datetime64[D]").astype(np.int64))


def _share(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _drawn(part: Array, whole: Array, towards: Array, weight: float) -> Array:
    """part / whole, drawn towards a prior as if `weight` more had been seen; the ratio where there is no prior."""
    return np.where(np.isnan(towards), _share(part, whole), (part + weight * np.nan_to_num(towards)) / (whole + weight))
