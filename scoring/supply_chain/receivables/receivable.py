"""A receivable as a lender sees it: what is owed on one invoice, by whom, until when, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Confirmation(StrEnum):
    """What the buyer said of the payable."""

    NONE = "none"
    ACKNOWLEDGED = "acknowledged"
    IRREVOCABLE = "irrevocable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivable:
    """What is owed on one invoice.

    `outstanding_minor` is the amount less what was paid and credited. `shipped_minor` is the value of the delivery that
    it bills (0 where there is no such delivery, None where the invoice names none); `parts` the parts that it bills
    (None where that is not known).
    """

    invoice_id: str
    buyer_id: str
    amount_minor: int
    outstanding_minor: int
    currency: str
    issued_on: date
    due_on: date
    confirmation: Confirmation = Confirmation.NONE
    is_disputed: bool = False
    shipped_minor: int | None = None
    parts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """Parts that the counters told since a day, and what lay in stock then; the most that can have been invoiced."""

    since: date
    parts: int
    opening_parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerFacts:
    """What is known of the seller beside its invoices: in which currency and as of when it is asked, what it owes its
    buyers (contra), which of them are its affiliates, and what it produced (None where no counter tells)."""

    as_of: date
    currency: str
    owed_to_minor: dict[str, int]
    affiliates: frozenset[str]
    produced: Produced | None
