"""Ledgers as levers change them: what is made more is ordered, shipped, invoiced and billed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd

from data_contracts.contract import RecordKind
from features.what_if import Told
from scoring.recourse.telemetry import Made, first_of

COLLECTED_WITHIN = timedelta(days=10)
NEW_BUYERS = 2
YEAR = timedelta(days=365)
NOON = time(12, tzinfo=UTC)
MORE = "~more"
"""Ends the name of a paper that a lever adds."""


def open_parts(told: Told) -> float:
    """Parts of the orders of a year that are not delivered yet; 0 where no order is known."""
    return float(_open_orders(told)["open"].sum())


def booked(made: Made, days: int) -> Told:
    """The papers of what was made more: shipped against open orders, the oldest first, as it is made; invoiced and paid
    as the firm's invoices are; and metered. Raises nothing where a ledger is not told: then it says nothing of it."""
    told = _metered(made)
    shipped = _shipments(told, made, days)
    if shipped.empty:
        return told
    deliveries = told.ledgers[RecordKind.DELIVERY]
    told = told.with_ledger(RecordKind.DELIVERY, _with(deliveries, shipped))
    invoices = told.ledgers[RecordKind.INVOICE]
    return told if invoices.empty else _invoiced(told, shipped)


def spread_over_buyers(told: Told, share: float, days: int) -> Told | None:
    """The largest debtor's invoices and orders of the last `days`, up to `share` of what it owes, are those of
    `NEW_BUYERS` new buyers. None where no buyer owes anything."""
    owed = owed_by_invoice(told)
    if owed.empty or owed["open"].sum() <= 0:
        return None
    largest = owed.groupby("buyer_id")["open"].sum().idxmax()
    since = _noon(first_of(told, days))
    own = owed[(owed["buyer_id"] == largest) & (owed["event_time"] >= since) & (owed["open"] > 0)]
    moved = own[own["open"].cumsum() <= share * owed.loc[owed["buyer_id"] == largest, "open"].sum()]
    if moved.empty:
        return None
    names = {invoice: f"{told.obligor_id}-new-{n % NEW_BUYERS + 1}" for n, invoice in enumerate(moved["invoice_id"])}
    orders = told.ledgers[RecordKind.PURCHASE_ORDER]
    recent = orders[(orders["buyer_id"] == largest) & (orders["event_time"] >= since)]
    of_orders = {
        order: f"{told.obligor_id}-new-{n % NEW_BUYERS + 1}"
        for n, order in enumerate(recent["order_id"].iloc[: int(share * len(recent))])
    }
    for kind, key, renamed in (
        (RecordKind.INVOICE, "invoice_id", names),
        (RecordKind.RECEIPT, "invoice_id", names),
        (RecordKind.PURCHASE_ORDER, "order_id", of_orders),
    ):
        rows = told.ledgers[kind]
        buyers = [renamed.get(name, buyer) for name, buyer in zip(rows[key], rows["buyer_id"], strict=True)]
        told = told.with_ledger(kind, rows.assign(buyer_id=pd.array(buyers, dtype=rows["buyer_id"].dtype)))
    return told


def collected(told: Told, share: float, days: int) -> Told | None:
    """What was overdue within the last `days` came within ten days of its due day, or at their beginning; of a `share`
    of the invoices, the oldest first. None where nothing was."""
    owed = owed_by_invoice(told)
    start, now = _noon(first_of(told, days)), pd.Timestamp(told.as_of)
    by = (pd.to_datetime(owed["due_date"]).dt.tz_localize("UTC") + COLLECTED_WITHIN).clip(lower=start)
    receipts = told.ledgers[RecordKind.RECEIPT]
    late_paid = receipts.merge(owed[["invoice_id"]].assign(by=by), on="invoice_id")
    late_paid = late_paid[(late_paid["event_time"] > late_paid["by"]) & (late_paid["event_time"] >= start)]
    late_open = owed[(owed["open"] > 0) & (by < now)]
    names = [*late_open.sort_values("event_time")["invoice_id"], *late_paid.sort_values("event_time")["invoice_id"]]
    chosen = set(dict.fromkeys(names[: int(np.ceil(share * len(names)))]))
    if not chosen:
        return None
    hastened = receipts["invoice_id"].isin(chosen & set(late_paid["invoice_id"]))
    when = receipts["invoice_id"].map(dict(zip(owed["invoice_id"], by, strict=True)))
    moved = receipts.assign(
        event_time=receipts["event_time"].where(~hastened, np.minimum(receipts["event_time"], when))
    )
    paid = late_open[late_open["invoice_id"].isin(chosen)]
    new = pd.DataFrame(
        {
            "obligor_id": str(told.obligor_id),
            "receipt_id": paid["invoice_id"] + MORE,
            "invoice_id": paid["invoice_id"],
            "buyer_id": paid["buyer_id"],
            "event_time": by[paid.index],
            "amount_minor": paid["open"].astype(np.int64),
            "currency": paid["currency"],
        }
    )
    return told.with_ledger(RecordKind.RECEIPT, _with(moved, new))


def owed_by_invoice(told: Told) -> pd.DataFrame:
    """The invoices of a year with a due day, by time, each with what is `open` of it at `as_of`."""
    invoices, receipts = told.ledgers[RecordKind.INVOICE], told.ledgers[RecordKind.RECEIPT]
    issued = invoices[(invoices["status"] == "issued") & invoices["due_date"].notna()]
    issued = issued[issued["event_time"] >= pd.Timestamp(told.as_of - YEAR)].drop_duplicates("invoice_id", keep="last")
    credited = invoices[invoices["status"] == "red_letter"].groupby("corrected_invoice_id")["amount_minor"].sum()
    received = receipts.groupby("invoice_id")["amount_minor"].sum()
    settled = sum(issued["invoice_id"].map(part).astype(np.float64).fillna(0.0) for part in (credited, received))
    open_minor = (issued["amount_minor"] - settled).clip(lower=0.0)
    return issued.assign(open=open_minor).sort_values(["event_time", "invoice_id"], kind="stable", ignore_index=True)


def _open_orders(told: Told) -> pd.DataFrame:
    orders, deliveries = told.ledgers[RecordKind.PURCHASE_ORDER], told.ledgers[RecordKind.DELIVERY]
    placed = orders[orders["event_time"] >= pd.Timestamp(told.as_of - YEAR)].drop_duplicates("order_id", keep="last")
    sent = placed["order_id"].map(deliveries.groupby("order_id")["parts"].sum()).astype(np.float64).fillna(0.0)
    found = placed.assign(open=(placed["parts"] - sent).clip(lower=0.0))
    return found[found["open"] > 0].sort_values(["event_time", "order_id"], kind="stable", ignore_index=True)


def _metered(made: Made) -> Told:
    """The site's bills of the months in which machines drew more."""
    bills = made.told.ledgers[RecordKind.ENERGY_BILL]
    if bills.empty:
        return made.told
    by_month = made.more.groupby(made.more["day"].map(lambda day: day.replace(day=1)))["energy_kwh"].sum()
    more = pd.to_datetime(bills["month"]).dt.date.map(lambda day: by_month.get(day.replace(day=1), 0.0))
    grown = bills["energy_kwh"] + more.astype(np.float64)
    return made.told.with_ledger(RecordKind.ENERGY_BILL, bills.assign(energy_kwh=grown))


def _shipments(told: Told, made: Made, days: int) -> pd.DataFrame:
    """A delivery a week of what was made more in it, split over the open orders in turn."""
    deliveries = told.ledgers[RecordKind.DELIVERY]
    orders = _open_orders(told)
    if orders.empty or deliveries.empty:
        return deliveries.iloc[:0]
    first = first_of(told, days)
    week = np.array([(day - first).days // 7 for day in made.more["day"]], dtype=np.int64)
    made_more = np.zeros(-(-days // 7))
    np.add.at(made_more, week[week >= 0], made.more["parts"].to_numpy(np.float64)[week >= 0])
    until = np.cumsum(np.round(made_more))
    room = np.cumsum(orders["open"].to_numpy(np.float64))
    # What lies between two ends of the weeks and between two ends of the orders is shipped in the one for the other.
    begins, starts = np.append(0.0, until[:-1]), np.append(0.0, room[:-1])
    taken = np.round(np.minimum.outer(until, room) - np.maximum.outer(begins, starts))
    number, at = np.nonzero(taken > 0)
    parts = taken[number, at].astype(np.int64)
    chosen = orders.iloc[at]
    price = (orders["amount_minor"] / orders["parts"]).to_numpy(np.float64)[at]
    return pd.DataFrame(
        {
            "obligor_id": str(told.obligor_id),
            "delivery_id": [f"{name}-{n}{MORE}" for name, n in zip(chosen["order_id"], number, strict=True)],
            "order_id": chosen["order_id"].to_numpy(),
            "event_time": [_noon(min(first + timedelta(days=7 * int(n) + 6), told.last_day)) for n in number],
            "parts": parts,
            "amount_minor": (parts * price).astype(np.int64),
            "currency": chosen["currency"].to_numpy(),
            "buyer_id": chosen["buyer_id"].to_numpy(),
        }
    )


def _invoiced(told: Told, shipped: pd.DataFrame) -> Told:
    """An invoice for each delivery, at the firm's usual tax and term, paid when due."""
    invoices, receipts = told.ledgers[RecordKind.INVOICE], told.ledgers[RecordKind.RECEIPT]
    issued = invoices[(invoices["status"] == "issued") & invoices["due_date"].notna()]
    if issued.empty or shipped.empty:
        return told
    net = (issued["amount_minor"] - issued["tax_minor"]).clip(lower=1)
    rate = float((issued["tax_minor"] / net).median())
    issue_day = issued["event_time"].dt.tz_localize(None).dt.normalize()
    term = timedelta(days=int((pd.to_datetime(issued["due_date"]) - issue_day).dt.days.median()))
    tax = (shipped["amount_minor"] * rate).round().astype(np.int64)
    due = (shipped["event_time"] + term).dt.date
    new = pd.DataFrame(
        {
            "obligor_id": shipped["obligor_id"],
            "invoice_id": shipped["delivery_id"],
            "buyer_id": shipped["buyer_id"],
            "delivery_id": shipped["delivery_id"],
            "event_time": shipped["event_time"],
            "status": "issued",
            "amount_minor": shipped["amount_minor"] + tax,
            "tax_minor": tax,
            "currency": shipped["currency"],
            "due_date": due,
        }
    )
    told = told.with_ledger(RecordKind.INVOICE, _with(invoices, new))
    paid = new[due < told.last_day]
    settled = paid[["obligor_id", "invoice_id", "buyer_id", "amount_minor", "currency"]].assign(
        receipt_id=paid["invoice_id"], event_time=[_noon(day) for day in paid["due_date"]]
    )
    return told.with_ledger(RecordKind.RECEIPT, _with(receipts, settled)) if len(settled) else told


def _with(rows: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The rows of a ledger and new ones, which were recorded when they happened."""
    new = new.assign(recorded_time=new["event_time"], batch_id=MORE)
    return pd.concat([rows, new.reindex(columns=rows.columns).astype(rows.dtypes.to_dict())], ignore_index=True)


def _noon(day: date) -> datetime:
    return datetime.combine(day, NOON)
