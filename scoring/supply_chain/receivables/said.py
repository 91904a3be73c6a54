"""What is said of an invoice beside the seller's ledgers: by its buyer, in the buyer's own ledger, and by the lender.

Only the buyer's own row promises irrevocably. What a lender brings takes off or names what is known; what the borrower
says through it takes off too, but settles nothing in the borrower's favour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pandas as pd

from scoring.errors import InvalidRequest
from scoring.facts import Fact, FactSource
from scoring.supply_chain.receivables.receivable import Confirmation, Receivable, Said

BUYER = "buyer"
DISPUTED = "disputed"
NOT_DISPUTED = "not_disputed"
CONFIRMATION_COLUMNS = ("obligor_id", "supplier_id", "invoice_id", "event_time", "status", "amount_minor", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFact(Fact):
    """Of one invoice: whether its buyer disputes it (None: not asked), and whether it acknowledged it."""

    is_disputed: bool | None = None
    is_acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AffiliatesFact(Fact):
    """Which firms belong to the seller's group, of all its buyers; empty where none does."""

    firms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LenderSays:
    """What the lender brings on a seller's receivables."""

    invoices: Mapping[str, InvoiceFact] = field(default_factory=lambda: MappingProxyType({}))
    affiliates: AffiliatesFact | None = None

    @property
    def affiliated(self) -> frozenset[str]:
        """Firms of the group that anybody named."""
        return frozenset() if self.affiliates is None else self.affiliates.firms

    @property
    def is_group_known(self) -> bool:
        """Whether somebody else than the borrower looked."""
        return self.affiliates is not None and self.affiliates.source is not FactSource.OBLIGOR


NOTHING_SAID = LenderSays()


def as_said(receivables: Sequence[Receivable], confirmations: pd.DataFrame, lender: LenderSays) -> list[Receivable]:
    """The receivables with what the lender says and buyers' own ledgers (`CONFIRMATION_COLUMNS`, of this seller)."""
    by_invoice = dict(list(confirmations.sort_values("event_time", kind="stable").groupby("invoice_id")))
    return [_said(item, by_invoice.get(item.invoice_id), lender.invoices.get(item.invoice_id)) for item in receivables]


def require_known(lender: LenderSays, invoices: pd.DataFrame) -> None:
    """Raises InvalidRequest for a fact of an invoice that no ledger tells: it would take off nothing, unseen."""
    unknown = sorted(set(lender.invoices) - set(invoices["invoice_id"]))
    if unknown:
        raise InvalidRequest(
            f"No invoice {unknown[0]!r} is told of this seller ({len(unknown)} of {len(lender.invoices)} are not).",
            hint="Name invoices by the seller's own numbers.",
        )


def _said(item: Receivable, rows: pd.DataFrame | None, fact: InvoiceFact | None) -> Receivable:
    own = None if rows is None else rows[(rows["obligor_id"] == item.buyer_id) & (rows["currency"] == item.currency)]
    heard = item if own is None or own.empty else _by_buyer(item, own)
    return heard if fact is None else _by_lender(heard, fact)


def _by_buyer(item: Receivable, rows: pd.DataFrame) -> Receivable:
    """The last word settles whether it disputes; an irrevocable promise stays, as far as it goes."""
    said = [_row(row) for row in rows.itertuples()]
    promised = max((told.amount_minor or 0 for told in said if told.what == Confirmation.IRREVOCABLE), default=0)
    is_whole = promised >= item.outstanding_minor
    words = {told.what for told in said}
    confirmation = Confirmation.UNKNOWN
    if words & {Confirmation.ACKNOWLEDGED.value, Confirmation.IRREVOCABLE.value}:
        confirmation = Confirmation.IRREVOCABLE if promised and is_whole else Confirmation.ACKNOWLEDGED
    return replace(
        item,
        confirmation=confirmation,
        is_confirmed_in_part=bool(promised) and not is_whole,
        is_disputed=said[-1].what == DISPUTED,
        told_by=tuple(said),
    )


def _by_lender(item: Receivable, fact: InvoiceFact) -> Receivable:
    """A dispute takes off, whoever tells it; of none, or of an acknowledgement, the borrower is no witness."""
    is_own_word = fact.source is FactSource.OBLIGOR
    confirmation, is_disputed = item.confirmation, item.is_disputed
    if fact.is_disputed or (fact.is_disputed is False and is_disputed is None and not is_own_word):
        is_disputed = fact.is_disputed
    if fact.is_acknowledged and confirmation is Confirmation.UNKNOWN and not is_own_word:
        confirmation = Confirmation.ACKNOWLEDGED
    words = [Confirmation.ACKNOWLEDGED.value] if fact.is_acknowledged else []
    if fact.is_disputed is not None:
        words.append(DISPUTED if fact.is_disputed else NOT_DISPUTED)
    told = tuple(Said(by=fact.source.value, what=word, on=fact.dated, amount_minor=None) for word in words)
    return replace(item, confirmation=confirmation, is_disputed=is_disputed, told_by=(*item.told_by, *told))


def _row(row: Any) -> Said:
    return Said(by=BUYER, what=row.status, on=row.event_time.date(), amount_minor=int(row.amount_minor))
