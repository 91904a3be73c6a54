"""Receivables line by line: what of each is eligible and advanced, at whose risk, what is expected to be lost, and who
said what of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from api.chain.stock_terms import StockCount, require_recent
from api.chain.told import REACH, ZONE, BuyersSay, Rows
from api.models.service import scoring_parameters
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from scoring.money import exact
from scoring.records import CreditProduct
from scoring.supply_chain.purchase_order.loans import loans_of
from scoring.supply_chain.receivables.from_ledgers import SellerBase, SellerLedgers, base_of
from scoring.supply_chain.receivables.produced import Counted
from scoring.supply_chain.receivables.said import LenderSays


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Where a seller's ledgers, its machine-days and what its buyers say of its invoices are read."""

    obligor_id: ObligorId
    rows: Rows
    days: Callable[[], pd.DataFrame]
    buyers_say: BuyersSay


def receivable_terms(
    seller: Seller,
    as_of: datetime,
    *,
    currency: str,
    pd_12m: float,
    lender: LenderSays,
    count: StockCount | None,
    values: Any,
) -> dict[str, Any]:
    """The borrowing base, line by line. Raises InvalidRequest for a fact of an invoice that nobody tells, and for a
    count of another year."""
    invoices = seller.rows(RecordKind.INVOICE, as_of - REACH)
    ledgers = SellerLedgers(
        invoices=invoices,
        receipts=seller.rows(RecordKind.RECEIPT, as_of - REACH),
        deliveries=seller.rows(RecordKind.DELIVERY, as_of - REACH),
        supplier_invoices=seller.rows(RecordKind.SUPPLIER_INVOICE, as_of - REACH),
        ratings=seller.rows(RecordKind.COUNTERPARTY_RATING),
        loans=loans_of(seller.rows(RecordKind.FACILITY), seller.rows(RecordKind.REPAYMENT), zone=ZONE),
        confirmations=seller.buyers_say(RecordKind.PAYABLE_CONFIRMATION, sorted(set(invoices["buyer_id"]))),
    )
    found = base_of(
        ledgers,
        day=as_of.astimezone(ZONE).date(),
        currency=currency,
        pd_supplier=pd_12m,
        lgd=exact(scoring_parameters().at(as_of)["lgd"][CreditProduct.RECEIVABLES.value]),
        values=values,
        lender=lender,
        counted=None if count is None else _counted(seller, as_of, count),
    )
    return _told(found, currency)


def _counted(seller: Seller, as_of: datetime, count: StockCount) -> Counted:
    require_recent(count, as_of)
    return Counted(units=count.opening_units, counted_on=count.opened_on, days=seller.days())


def _told(found: SellerBase, currency: str) -> dict[str, Any]:
    credit = [loss.credit_minor for loss in found.losses.values() if loss.credit_minor is not None]
    return {
        "currency": currency,
        "outstanding_minor": found.base.outstanding_minor,
        "eligible_minor": found.base.eligible_minor,
        "advance_minor": found.base.advance_minor,
        "carried_over_minor": sum(item.carried_over_minor for item in found.carried),
        "payable_minor": sum(item.payable_minor for item in found.carried),
        "owed": [
            {**asdict(item), "invoices": list(item.invoices)} for item in found.carried if item.exposure.drawn_minor
        ],
        "expected_credit_loss_minor": sum(credit) if credit or not found.losses else None,
        "expected_dilution_loss_minor": sum(loss.dilution_minor for loss in found.losses.values()),
        "lines_without_pd": len(found.losses) - len(credit),
        "dilution": {"mean": float(found.dilution.mean), "months": found.dilution.months},
        "receivables": _lines(found),
    }


def _lines(found: SellerBase) -> list[dict[str, Any]]:
    advanced = {line.invoice_id: line for line in found.base.lines}
    lines = []
    for item in found.judged:
        told = item.receivable
        line, loss = advanced.get(told.invoice_id), found.losses.get(told.invoice_id)
        lines.append(
            {
                "invoice_id": told.invoice_id,
                "buyer_id": told.buyer_id,
                "outstanding_minor": told.outstanding_minor,
                "eligible_minor": item.eligible_minor,
                "deductions": {rule.value: amount for rule, amount in item.deductions.items()},
                "cautions": [caution.value for caution in item.cautions],
                "confirmation": told.confirmation.value,
                "is_disputed": told.is_disputed,
                "said": [
                    {"by": said.by, "what": said.what, "on": said.on.isoformat(), "amount_minor": said.amount_minor}
                    for said in told.told_by
                ],
                "advance_minor": 0 if line is None else line.advance_minor,
                "pd_12m": None if line is None else line.pd_12m,
                "pd_basis": None if line is None else line.basis,
                "expected_credit_loss_minor": None if loss is None else loss.credit_minor,
                "expected_dilution_loss_minor": None if loss is None else loss.dilution_minor,
            }
        )
    return lines
