"""A receivable as a lender sees it: what is owed on one invoice, by whom, until when, and what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Confirmation(StrEnum):
    """What the buyer said of the payable; unknown where nobody heard it say anything."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    IRREVOCABLE = "irrevocable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said of an invoice on a day; `amount_minor` where it was said of an amount."""

    by: str
    what: str
    on: date
    amount_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivable:
    """What is owed on one invoice.

    `outstanding_minor` is the amount less what was paid and credited. `shipped_minor` is the value of the delivery that
    it bills (0 where there is no such delivery, None where the invoice names none); `parts` the parts that it bills of
    what was made since the seller's stock was counted (None where that is not known). `is_disputed` is None where
    nobody says; `is_confirmed_in_part` where an irrevocable promise covers less than what is outstanding, so that it
    counts as acknowledged alone. `told_by` is what was said of the buyer's mind, the buyer's own words first.
    """

    invoice_id: str
    buyer_id: str
    amount_minor: int
    outstanding_minor: int
    currency: str
    issued_on: date
    due_on: date
    confirmation: Confirmation = Confirmation.UNKNOWN
    is_disputed: bool | None = None
    shipped_minor: int | None = None
    parts: int | None = None
    is_confirmed_in_part: bool = False
    told_by: Sequence[Said] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """Parts that the counters told since a day, less what settled invoices of the time billed, and what lay in stock
    then; the most that can have been invoiced and be owed."""

    since: date
    parts: int
    opening_parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerFacts:
    """What is known of the seller beside its invoices: in which currency and as of when it is asked, what it owes its
    buyers (contra), which of them are its affiliates, whether these are all, as somebody else than the seller says, and
    what it produced (None where no counter tells, or no count of its stock)."""

    as_of: date
    currency: str
    owed_to_minor: dict[str, int]
    affiliates: frozenset[str]
    produced: Produced | None
    is_group_known: bool = False
