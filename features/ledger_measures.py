"""The daily measures of ledgers: what was ordered, billed, owed and repaired on each local day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from features.bookings import Book, Groups, Items, keys_of, known_units, last_of_each, looked_up, unit_of
from features.history import Array, Measure, unsaid
from features.ledger_rows import Rows

Ints = NDArray[np.int64]
Placed = Mapping[RecordKind, Rows]
"""Rows of each ledger as `Book.placed` places them: with their unit and column, up to the unit's last day."""

EARTH_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

MONEY_LEDGERS = (RecordKind.INVOICE, RecordKind.REPAYMENT, RecordKind.SUPPLIER_INVOICE)


@dataclass(frozen=True, slots=True, eq=False)
class Sold:
    """Invoices with what was received and taken off, and their rows in the same order."""

    items: Items
    issued: Rows

    @classmethod
    def of(cls, placed: Placed) -> Sold:
        """What these rows say."""
        bills = placed[RecordKind.INVOICE]
        issued = last_of_each(bills.of(bills.says("status", "issued")), "invoice_id")
        red = bills.of(bills.says("status", "red_letter"))
        taken_off = red.having(invoice_id=red["corrected_invoice_id"])
        settled = [taken_off, placed[RecordKind.RECEIPT]]
        return cls(Items.of(issued, settled, "invoice_id", "amount_minor"), issued)


@dataclass(frozen=True, slots=True, eq=False)
class Booked:
    """The ledgers of obligors as placed, and what several of their measures rest on: what was sold, and which units
    deal in several currencies (`mixed`)."""

    placed: Placed
    sold: Sold
    mixed: NDArray[np.bool_]

    @classmethod
    def of(cls, book: Book, placed: Placed) -> Booked:
        """What these rows say of the units of a book."""
        return cls(placed, Sold.of(placed), mixed_currencies(book, placed))


def obligor_measures(book: Book, booked: Booked) -> dict[str, Measure]:
    """Measures of obligors. Money is NaN for an obligor whose ledgers speak in several currencies."""
    placed, sold = booked.placed, booked.sold
    found = {
        **_orders(book, placed[RecordKind.PURCHASE_ORDER], placed[RecordKind.DELIVERY]),
        **_sales(book, placed, sold),
        **_debts(book, placed[RecordKind.REPAYMENT]),
        **_purchases(book, placed[RecordKind.SUPPLIER_INVOICE]),
        **_bills(book, placed[RecordKind.ENERGY_BILL]),
        **_upkeep(book, placed[RecordKind.MAINTENANCE]),
        "moved_km": _moved(book, placed[RecordKind.LOCATION]),
    }
    for name, measure in found.items():
        if name.endswith("_minor"):
            measure.values[booked.mixed] = np.nan
    return found


def machine_measures(book: Book, upkeep: Rows, places: Rows) -> dict[str, Measure]:
    """Measures of machines: their upkeep and their moves, as placed."""
    return {**_upkeep(book, upkeep), "moved_km": _moved(book, places)}


def mixed_currencies(book: Book, placed: Placed) -> NDArray[np.bool_]:
    """Units whose money ledgers speak in more than one currency: amounts do not add up."""
    said = np.unique(np.concatenate([keys_of(placed[kind], "currency") for kind in MONEY_LEDGERS]))
    return np.asarray(np.bincount(unit_of(said), minlength=len(book.units)) > 1)


def _orders(book: Book, orders: Rows, deliveries: Rows) -> dict[str, Measure]:
    placed = last_of_each(orders, "order_id")
    items = Items.of(placed, [deliveries], "order_id", "parts")
    known = known_units(placed)
    due = book.column_of(placed["due_date"], items.unit)
    return {
        "open_order_parts": book.balance(*items.open_after(items.column), known=known),
        "due_parts": book.flow(items.unit, due, items.amount, known=known),
        "on_time_parts": book.flow(items.unit, due, items.settled_by(due), known=known),
    }


def _sales(book: Book, placed: Placed, sold: Sold) -> dict[str, Measure]:
    items, issued = sold.items, sold.issued
    bills, receipts = placed[RecordKind.INVOICE], placed[RecordKind.RECEIPT]
    known = known_units(bills)
    overdue_from = np.maximum(book.column_of(issued["due_date"], items.unit) + 1, items.column)
    delivered = Groups.of(placed[RecordKind.DELIVERY], "delivery_id")
    parts = delivered.sums(placed[RecordKind.DELIVERY]["parts"])
    billed = issued.having(parts=looked_up(keys_of(issued, "delivery_id"), delivered.keys, parts))
    billed = billed.of(~np.isnan(billed["parts"]))
    return {
        "invoiced_minor": _flow(book, bills, "amount_minor", known, of=bills.says("status", "issued")),
        "credited_minor": _flow(book, bills, "amount_minor", known, of=bills.says("status", "red_letter")),
        "received_minor": _flow(book, receipts, "amount_minor", known_units(receipts)),
        "receivable_minor": book.balance(*items.open_after(items.column), known=known),
        "overdue_minor": book.balance(*items.open_after(overdue_from), known=known),
        "invoiced_parts": _flow(book, billed, "parts", known_units(billed)),
    }


def _debts(book: Book, placed: Rows) -> dict[str, Measure]:
    due = book.column_of(placed["due_date"], placed["unit"])
    amount = placed["amount_due_minor"].astype(np.float64)
    return {"debt_service_minor": book.flow(placed["unit"], due, amount, known=known_units(placed))}


def _purchases(book: Book, placed: Rows) -> dict[str, Measure]:
    paid = placed.of(placed["amount_paid_minor"] > 0)
    paid = paid.having(column=book.column_of(paid["paid_date"], paid["unit"]), amount_minor=paid["amount_paid_minor"])
    items = Items.of(last_of_each(placed, "supplier_invoice_id"), [paid], "supplier_invoice_id", "amount_minor")
    known = known_units(placed)
    return {
        "purchased_minor": _flow(book, placed, "amount_minor", known),
        "payable_minor": book.balance(*items.open_after(items.column), known=known),
    }


def _bills(book: Book, placed: Rows) -> dict[str, Measure]:
    """Electricity by day: each bill spread evenly over its month; NaN on days that no bill covers."""
    month = placed["month"].astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    length = (month + 1).astype("datetime64[D]").astype(np.int64) - first
    row = np.repeat(np.arange(len(placed)), length)
    unit = placed["unit"]
    column = first - book.last_days[unit] + book.days - 1
    each = column[row] + np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    daily = (placed["energy_kwh"].astype(np.float64) / length)[row]
    known = known_units(placed)
    covered = book.flow(unit[row], each, np.ones(len(row)), known=known).values
    billed = book.flow(unit[row], each, daily, known=known).values
    return {"billed_kwh": Measure(np.where(covered > 0, billed, np.nan))}


def _upkeep(book: Book, work: Rows) -> dict[str, Measure]:
    known = known_units(work)
    planned, corrective = (work.says("maintenance_kind", kind) for kind in ("preventive", "corrective"))
    return {
        "planned_work_seconds": _flow(book, work, "work_seconds", known, of=planned),
        "corrective_work_seconds": _flow(book, work, "work_seconds", known, of=corrective),
        "planned_services": _flow(book, work, None, known, of=planned),
    }


def _moved(book: Book, places: Rows) -> Measure:
    """On each day, how far a machine of the unit was from where it was first seen; NaN on days without a word."""
    if not len(places):
        return unsaid(len(book.units), book.days)
    placed = places.of(np.lexsort((places["event_time"], places["machine_uid"])))
    machine = placed["machine_uid"]
    begins = np.flatnonzero(np.diff(machine, prepend=machine[0] - 1))
    latitude, longitude = (placed[name].astype(np.float64) for name in ("latitude_deg", "longitude_deg"))
    first = np.repeat(begins, np.diff(begins, append=len(placed)))
    km = great_circle_km(latitude, longitude, latitude[first], longitude[first])
    values = np.full((len(book.units), book.days), -np.inf)
    inside = placed["column"] >= 0
    np.maximum.at(values, (placed["unit"][inside], placed["column"][inside]), km[inside])
    return Measure(np.where(np.isinf(values), np.nan, values))


def great_circle_km(latitude: Array, longitude: Array, other_latitude: Array, other_longitude: Array) -> Array:
    """Distance in km on a sphere, of places in degrees (haversine formula)."""
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    half = np.sin((other_phi - phi) / 2) ** 2
    half += np.cos(phi) * np.cos(other_phi) * np.sin(np.radians(other_longitude - longitude) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def _flow(book: Book, rows: Rows, amount: str | None, known: Ints, *, of: NDArray[np.bool_] | None = None) -> Measure:
    """An amount of the rows (1, if None), or `of` some of them, by unit and day."""
    unit, column = rows["unit"], rows["column"]
    amounts = np.ones(len(rows)) if amount is None else rows[amount].astype(np.float64)
    chosen = slice(None) if of is None else of
    return book.flow(unit[chosen], column[chosen], amounts[chosen], known=known)
