"""What a facility of the chain rests on, beside the decision: receivables line by line, an order's tranches, leased
machines, stock. Read from the ledgers as known at the decision's time; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from api.chain.order_terms import Asked, order_terms
from api.chain.receivable_terms import Seller, receivable_terms
from api.chain.stock_terms import StockCount, stock_terms, valued
from api.chain.told import REACH, ZONE, BuyersSay
from api.consents import repository as consents
from api.home import Home
from api.leases.service import leased_machines, plain_leases
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.observations.reader import ObservationReader
from features.loading import load_machine_days
from scoring.records import CreditProduct
from scoring.stock import StockHeld
from scoring.supply_chain.purchase_order.from_ledgers import Confirmed
from scoring.supply_chain.receivables.said import NOTHING_SAID, LenderSays

YEAR = timedelta(days=365)
SECONDS_AN_HOUR = 3600.0
DAY_COLUMNS = [
    *("machine_uid", "day", "parts", "scrap_parts", "energy_executing_kwh", "executing_seconds", "observed_seconds"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What the lender brings beside the product: one order, what its buyer said of it, what it costs to make and whose
    material it takes, a count of stock, what is owed against it, and what is said of receivables."""

    order_id: str | None = None
    is_accepted: bool = False
    inspected_units: int | None = None
    cost_minor: int | None = None
    material_suppliers: tuple[str, ...] = ()
    stock: StockCount | None = None
    owed_minor: int = 0
    receivables: LenderSays = NOTHING_SAID


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks, and when: ledgers of others are read only as far as they consent to it."""

    partner: PartnerId
    livemode: bool
    now: datetime


def product_terms(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    product: CreditProduct,
    *,
    currency: str,
    pd_12m: float,
    detail: Detail,
    viewer: Viewer,
    as_of: datetime,
) -> dict[str, Any] | None:
    """The terms of this product; None where it is none of the chain. Raises NotFound for an order that is not told, and
    InvalidRequest for a fact of an invoice that is not, or a count of another year."""
    said = _Said(reader(connection, home), obligor_id, as_of)
    rows, days = said.rows, said.days
    values, day = supply_chain_parameters().at(as_of), as_of.astimezone(ZONE).date()
    match product:
        case CreditProduct.RECEIVABLES:
            told = receivable_terms(
                Seller(obligor_id=obligor_id, rows=rows, days=days, buyers_say=said.of_buyers(connection, viewer)),
                as_of,
                currency=currency,
                pd_12m=pd_12m,
                lender=detail.receivables,
                count=detail.stock,
                values=values,
            )
        case CreditProduct.PURCHASE_ORDER:
            confirmed = Confirmed(
                is_accepted=detail.is_accepted,
                inspected_units=detail.inspected_units,
                cost_minor=detail.cost_minor,
                material_suppliers=frozenset(detail.material_suppliers),
            )
            asked = Asked(order_id=detail.order_id, confirmed=confirmed, pd_12m=pd_12m)
            buyers_say = said.of_buyers(connection, viewer)
            told = order_terms(rows, days(), as_of, day=day, asked=asked, buyers_say=buyers_say, values=values)
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

    def of_buyers(self, connection: sa.Connection, viewer: Viewer) -> BuyersSay:
        """What buyers told of it in their own ledgers: of those that consent to be shown to the asker."""

        def told(kind: RecordKind, buyers: Sequence[str]) -> pd.DataFrame:
            shown = consents.shown_for_credit(connection, viewer.partner, now=viewer.now, livemode=viewer.livemode)
            asked = sorted(set(shown) & set(buyers))
            found = self.source.rows(kind, as_of=self.as_of, obligor_ids=asked).to_pandas()
            return found[found["supplier_id"] == self.obligor_id]

        return told

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
