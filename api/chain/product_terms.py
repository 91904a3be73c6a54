"""What a facility of the chain rests on, beside the decision: receivables line by line, an order's tranches, leased
machines, stock. Read from the ledgers as known at the decision's time; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from api.chain.stock_terms import StockCount, stock_terms, valued
from api.home import Home
from api.leases.service import leased_machines, plain_leases
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features.loading import load_machine_days
from scoring.records import CreditProduct
from scoring.stock import StockHeld
from scoring.supply_chain.purchase_order.from_ledgers import Confirmed, OrderLedgers, daily, release_of
from scoring.supply_chain.purchase_order.jobs import SharedOut, shared_out
from scoring.supply_chain.receivables.from_ledgers import SellerLedgers, base_of

ZONE = ZoneInfo("Asia/Shanghai")
REACH = timedelta(days=550)
YEAR = timedelta(days=365)
SECONDS_AN_HOUR = 3600.0
DAY_COLUMNS = [
    *("machine_uid", "day", "parts", "scrap_parts", "energy_executing_kwh", "executing_seconds", "observed_seconds"),
]

Rows = Callable[..., pd.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What the lender brings beside the product: one order and what its buyer said of it, a count of stock, and what is
    owed against it."""

    order_id: str | None = None
    is_accepted: bool = False
    inspected_units: int | None = None
    stock: StockCount | None = None
    owed_minor: int = 0


def product_terms(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    product: CreditProduct,
    *,
    currency: str,
    pd_12m: float,
    detail: Detail,
    as_of: datetime,
) -> dict[str, Any] | None:
    """The terms of this product; None where it is none of the chain. Raises NotFound for an order that is not told."""
    said = _Said(reader(connection, home), obligor_id, as_of)
    rows, days = said.rows, said.days
    values, day = supply_chain_parameters().at(as_of), as_of.astimezone(ZONE).date()
    match product:
        case CreditProduct.RECEIVABLES:
            told = _receivables(rows, as_of, day=day, currency=currency, pd_12m=pd_12m, values=values)
        case CreditProduct.PURCHASE_ORDER:
            told = _order(rows, days(), as_of, day=day, detail=detail, values=values)
        case CreditProduct.FINANCE_LEASE:
            told = {"leases": plain_leases(leased_machines(rows, days(), as_of=as_of))}
        case CreditProduct.INVENTORY:
            told = stock_terms(
                rows(RecordKind.DELIVERY, as_of - YEAR),
                days(),
                as_of,
                count=detail.stock,
                owed_minor=detail.owed_minor,
                currency=currency,
                values=values,
            )
        case _:
            return None
    return {
        "product": product.value,
        "as_of": as_of.isoformat(),
        "parameters_version": supply_chain_parameters().version,
        **told,
    }


def known_stock(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, count: StockCount, *, currency: str, as_of: datetime
) -> StockHeld:
    """The stock that a lender counted, as it must lie there as of a time, and what of it may be lent. Raises
    InvalidRequest for a count older than a year or of the future."""
    said, values = _Said(reader(connection, home), obligor_id, as_of), supply_chain_parameters().at(as_of)
    deliveries = said.rows(RecordKind.DELIVERY, as_of - YEAR)
    return valued(deliveries, said.days(), as_of, count=count, currency=currency, values=values).held(count, values)


@dataclass(frozen=True, slots=True)
class _Said:
    """What ledgers and machines of one obligor said, as known as of a time."""

    source: ObservationReader
    obligor_id: ObligorId
    as_of: datetime

    def rows(self, kind: RecordKind, since: datetime | None = None) -> pd.DataFrame:
        """Rows of a ledger."""
        told = self.source.rows(kind, as_of=self.as_of, obligor_ids=[self.obligor_id], event_from=since)
        return told.to_pandas()

    def days(self) -> pd.DataFrame:
        """Its machine-days."""
        told, _ = load_machine_days(
            self.source, as_of=self.as_of, obligor_ids=[self.obligor_id], first_day=(self.as_of - REACH).date()
        )
        frame = told.table.select(DAY_COLUMNS).to_pandas()
        return frame.assign(
            day=pd.to_datetime(frame["day"]),
            executing_hours=(frame["executing_seconds"] / SECONDS_AN_HOUR).where(frame["observed_seconds"] > 0),
        )


def _receivables(rows: Rows, as_of: datetime, *, day: Any, currency: str, pd_12m: float, values: Any) -> dict[str, Any]:
    ledgers = SellerLedgers(
        invoices=rows(RecordKind.INVOICE, as_of - REACH),
        receipts=rows(RecordKind.RECEIPT, as_of - REACH),
        deliveries=rows(RecordKind.DELIVERY, as_of - REACH),
        supplier_invoices=rows(RecordKind.SUPPLIER_INVOICE, as_of - REACH),
        ratings=rows(RecordKind.COUNTERPARTY_RATING),
    )
    found = base_of(ledgers, day=day, currency=currency, pd_supplier=pd_12m, values=values)
    advanced = {line.invoice_id: line for line in found.base.lines}
    return {
        "currency": currency,
        "outstanding_minor": found.base.outstanding_minor,
        "eligible_minor": found.base.eligible_minor,
        "advance_minor": found.base.advance_minor,
        "dilution": {"mean": float(found.dilution.mean), "months": found.dilution.months},
        "receivables": [
            {
                "invoice_id": item.receivable.invoice_id,
                "buyer_id": item.receivable.buyer_id,
                "outstanding_minor": item.receivable.outstanding_minor,
                "eligible_minor": item.eligible_minor,
                "deductions": {rule.value: amount for rule, amount in item.deductions.items()},
                "cautions": [caution.value for caution in item.cautions],
                "advance_minor": advanced[item.receivable.invoice_id].advance_minor if item.eligible_minor else 0,
                "pd_basis": advanced[item.receivable.invoice_id].basis if item.eligible_minor else None,
            }
            for item in found.judged
        ],
    }


def _order(rows: Rows, days: pd.DataFrame, as_of: datetime, *, day: Any, detail: Detail, values: Any) -> dict[str, Any]:
    orders = rows(RecordKind.PURCHASE_ORDER, as_of - REACH)
    orders = orders.assign(placed=_local_day(orders["event_time"]))
    if detail.order_id is None:
        open_orders = orders[pd.to_datetime(orders["due_date"]) >= pd.Timestamp(day)]
        return {"order": None, "orders_due_later": sorted(open_orders["order_id"].tolist())}
    runs = rows(RecordKind.PRODUCTION_RUN, as_of - REACH)
    ledgers = OrderLedgers(
        orders=orders,
        deliveries=rows(RecordKind.DELIVERY, as_of - REACH),
        invoices=rows(RecordKind.INVOICE, as_of - REACH),
        supplier_invoices=rows(RecordKind.SUPPLIER_INVOICE, as_of - REACH),
        facilities=rows(RecordKind.FACILITY),
        days=daily(days),
        jobs=shared_out(days, runs.assign(day=_local_day(runs["event_time"])), orders) if len(runs) else None,
    )
    confirmed = Confirmed(is_accepted=detail.is_accepted, inspected_units=detail.inspected_units)
    file, ahead, told = release_of(ledgers, detail.order_id, confirmed, day=day, values=values)
    return {
        "order": {
            **asdict(file.order),
            "placed_on": file.order.placed_on.isoformat(),
            "told_on": _told_on(orders, detail.order_id),
            "due_on": file.order.due_on.isoformat(),
        },
        "work": asdict(file.work),
        "work_by_job": asdict(file.work_by_job),
        **_told_of_parts(ledgers.jobs, detail.order_id),
        "progress": asdict(told.progress),
        "forecast": None if ahead is None else asdict(ahead),
        "shipped_minor": file.shipped_minor,
        "invoiced_minor": file.invoiced_minor,
        "drawn_minor": file.drawn_minor,
        "release_minor": told.release_minor,
        "exposure_minor": told.exposure_minor,
        "holds": [hold.value for hold in told.holds],
        "tranches": [
            {
                "tranche": item.tranche.value,
                "entitled_minor": item.entitled_minor,
                "holds": [hold.value for hold in item.holds],
                "evidence": list(item.evidence),
            }
            for item in told.tranches
        ],
    }


def _local_day(moments: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    return moments.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()


def _told_on(orders: pd.DataFrame, order_id: str) -> str:
    """The local day on which what is known of an order was told: one told long after it was placed can name any day."""
    told = _local_day(orders.loc[orders["order_id"] == order_id, "recorded_time"])
    return str(told.iloc[0].date())


def _told_of_parts(jobs: SharedOut | None, order_id: str) -> dict[str, Any]:
    """Runs that name the order and make another part, and what runs made for which no order has room: each where there
    is any."""
    if jobs is None:
        return {}
    other = [asdict(runs) for runs in jobs.runs.contradicting if runs.order_id == order_id]
    idle = [{"part_number": number, **asdict(work)} for number, work in jobs.runs.not_placed.items()]
    return {name: told for name, told in {"runs_of_another_part": other, "runs_not_placed": idle}.items() if told}
