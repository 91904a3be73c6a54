"""A seller's receivables as its ledgers tell them: what is owed on each invoice, what was credited, how buyers pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from scoring.supply_chain.purchase_order.loans import LoanTold
from scoring.supply_chain.receivables.advance import (
    BorrowingBase,
    ExpectedLosses,
    advance_terms,
    borrowing_base,
    expected_losses,
)
from scoring.supply_chain.receivables.carried import Carried, carried_over
from scoring.supply_chain.receivables.dilution import (
    Cohort,
    Dilution,
    dilution_by_buyer,
    dilution_of_seller,
    dilution_terms,
)
from scoring.supply_chain.receivables.eligibility import Judged, eligibility_terms, judge
from scoring.supply_chain.receivables.produced import BilledParts, Counted, billed_parts
from scoring.supply_chain.receivables.receivable import Receivable, SellerFacts
from scoring.supply_chain.receivables.said import NOTHING_SAID, LenderSays, as_said, require_known

SETTLED_DAYS = 90
"""After so many days an invoice is credited or it is not: later months do not count for dilution yet."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SellerLedgers:
    """Rows of one seller as known on a day, under the contracts' column names, of a year and more; `confirmations` are
    those that buyers told of its invoices in their own ledgers."""

    invoices: pd.DataFrame
    receipts: pd.DataFrame
    deliveries: pd.DataFrame
    supplier_invoices: pd.DataFrame
    ratings: pd.DataFrame
    confirmations: pd.DataFrame
    loans: Sequence[LoanTold] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerBase:
    """What of the receivables is eligible and advanced, the dilution that it rests on, what is expected to be lost of
    each line, by invoice, and what is left to pay beside what is owed on them and on their orders."""

    judged: tuple[Judged, ...]
    base: BorrowingBase
    dilution: Dilution
    losses: Mapping[str, ExpectedLosses]
    carried: Sequence[Carried]


def base_of(
    ledgers: SellerLedgers,
    *,
    day: date,
    currency: str,
    pd_supplier: float,
    lgd: Decimal,
    values: Mapping[str, Any],
    lender: LenderSays = NOTHING_SAID,
    counted: Counted | None = None,
) -> SellerBase:
    """The borrowing base on a day. Production is set against invoices from a lender's count of stock on; without one
    each receivable says that it is not (`W03_production_unknown`). Only a buyer's own row counts as its promise. Raises
    InvalidRequest where the lender speaks of an invoice that nobody tells."""
    require_known(lender, ledgers.invoices)
    receivables = as_said(receivables_of(ledgers), ledgers.confirmations, lender)
    billed = None if counted is None else _billed(ledgers, receivables, counted)
    if billed is not None:
        receivables = [replace(item, parts=billed.by_invoice.get(item.invoice_id)) for item in receivables]
    facts = SellerFacts(
        as_of=day,
        currency=currency,
        owed_to_minor=_owed_to(ledgers, currency),
        affiliates=lender.affiliated,
        produced=None if billed is None else billed.produced,
        is_group_known=lender.is_group_known,
    )
    judged = judge(receivables, facts, eligibility_terms(values))
    cohorts, terms = _cohorts(ledgers.invoices, day=day, currency=currency), dilution_terms(values)
    seller = dilution_of_seller(cohorts, terms)
    by_buyer = dilution_by_buyer(cohorts, terms)
    rated = ledgers.ratings.sort_values(["event_time", "recorded_time"], kind="stable")
    base = borrowing_base(
        judged,
        currency=currency,
        dilution=by_buyer,
        seller_dilution=seller,
        days_outstanding=_days_outstanding(ledgers),
        pd_buyers=dict(zip(rated["counterparty_id"], rated["pd_12m"], strict=True)),
        pd_supplier=pd_supplier,
        terms=advance_terms(values),
    )
    losses = {
        line.invoice_id: expected_losses(line, lgd=lgd, dilution=by_buyer.get(line.buyer_id, seller))
        for line in base.lines
    }
    carried = _carried(ledgers, base, currency)
    return SellerBase(judged=judged, base=base, dilution=seller, losses=losses, carried=carried)


def receivables_of(ledgers: SellerLedgers) -> list[Receivable]:
    """Every invoice on which something is owed. A delivery is told without tax and is taken with the invoice's; one
    that names a delivery which nobody noted has shipped nothing."""
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"]
    paid = ledgers.receipts.groupby("invoice_id")["amount_minor"].sum()
    credited = _credits(ledgers.invoices).groupby("corrected_invoice_id")["amount_minor"].sum()
    shipped = ledgers.deliveries.groupby("delivery_id")["amount_minor"].sum()
    found = []
    for row in issued.sort_values(["event_time", "invoice_id"]).itertuples():
        left = int(row.amount_minor - paid.get(row.invoice_id, 0) - credited.get(row.invoice_id, 0))
        if left <= 0:
            continue
        names_one = isinstance(row.delivery_id, str)
        tax = 0 if pd.isna(row.tax_minor) else int(row.tax_minor)
        value = int(shipped.get(row.delivery_id, -tax)) + tax
        found.append(
            Receivable(
                invoice_id=row.invoice_id,
                buyer_id=row.buyer_id,
                amount_minor=int(row.amount_minor),
                outstanding_minor=left,
                currency=row.currency,
                issued_on=row.event_time.date(),
                due_on=pd.Timestamp(row.due_date).date(),
                shipped_minor=value if names_one else None,
            )
        )
    return found


def _carried(ledgers: SellerLedgers, base: BorrowingBase, currency: str) -> tuple[Carried, ...]:
    if not ledgers.loans:
        return carried_over(base.lines, order_of={}, billed={}, loans=(), currency=currency)
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"]
    orders = ledgers.deliveries.dropna(subset=["order_id"]).set_index("delivery_id")["order_id"].to_dict()
    named = issued.assign(order_id=issued["delivery_id"].map(orders)).dropna(subset=["order_id"])
    return carried_over(
        base.lines,
        order_of=dict(zip(named["invoice_id"], named["order_id"], strict=True)),
        billed={str(order): frozenset(rows["invoice_id"]) for order, rows in named.groupby("order_id")},
        loans=ledgers.loans,
        currency=currency,
    )


def _billed(ledgers: SellerLedgers, receivables: list[Receivable], counted: Counted) -> BilledParts:
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"]
    credited = _credits(ledgers.invoices).groupby("corrected_invoice_id")["amount_minor"].sum()
    net = (issued["amount_minor"] - issued["invoice_id"].map(credited).fillna(0)).clip(lower=0)
    owed = {item.invoice_id for item in receivables}
    return billed_parts(issued.assign(net_minor=net), ledgers.deliveries, owed, counted)


def _credits(invoices: pd.DataFrame) -> pd.DataFrame:
    return invoices[(invoices["status"] != "issued") & invoices["corrected_invoice_id"].notna()]


def _cohorts(invoices: pd.DataFrame, *, day: date, currency: str) -> list[Cohort]:
    """By buyer and month of issue, of months that lie long enough back."""
    mine = invoices[invoices["currency"] == currency]
    issued = mine[mine["status"] == "issued"]
    off = _credits(mine).groupby("corrected_invoice_id")["amount_minor"].sum()
    old = issued[issued["event_time"].dt.date <= day - timedelta(days=SETTLED_DAYS)]
    rows = old.assign(month=old["event_time"].dt.strftime("%Y-%m"), credited=old["invoice_id"].map(off).fillna(0))
    summed = rows.groupby(["buyer_id", "month"])[["amount_minor", "credited"]].sum()
    return [
        Cohort(buyer_id=buyer, month=month, invoiced_minor=int(row.amount_minor), credited_minor=int(row.credited))
        for (buyer, month), row in zip(summed.index, summed.itertuples(), strict=True)
    ]


def _days_outstanding(ledgers: SellerLedgers) -> dict[str, Decimal]:
    """Mean days from invoice to payment by buyer, weighted by what was paid."""
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"].set_index("invoice_id")["event_time"]
    paid = ledgers.receipts[ledgers.receipts["invoice_id"].isin(issued.index)]
    days = (paid["event_time"] - paid["invoice_id"].map(issued)).dt.total_seconds() / 86_400.0
    weighed = paid.assign(weighed=days * paid["amount_minor"]).groupby("buyer_id")[["weighed", "amount_minor"]].sum()
    mean = weighed["weighed"] / weighed["amount_minor"].replace(0, np.nan)
    return {str(buyer): Decimal(str(round(float(value), 6))) for buyer, value in mean.dropna().items()}


def _owed_to(ledgers: SellerLedgers, currency: str) -> dict[str, int]:
    """What the seller owes to each of its suppliers, who may be its buyers too."""
    mine = ledgers.supplier_invoices[ledgers.supplier_invoices["currency"] == currency]
    left = (mine["amount_minor"] - mine["amount_paid_minor"].fillna(0)).clip(lower=0)
    return {str(firm): int(amount) for firm, amount in left.groupby(mine["supplier_id"]).sum().items() if amount}
