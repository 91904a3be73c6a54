"""The daily measures of ledgers: what was ordered, billed, owed and repaired on each local day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from features.bookings import Book, Items, known_units
from features.history import Array, Measure, unsaid

Ints = NDArray[np.int64]
Frames = Mapping[RecordKind, pd.DataFrame]
"""Rows of each ledger as `Book.placed` places them: with their unit and column, up to the unit's last day."""

EARTH_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

MONEY_LEDGERS = (RecordKind.INVOICE, RecordKind.REPAYMENT, RecordKind.SUPPLIER_INVOICE)


@dataclass(frozen=True, slots=True, eq=False)
class Sold:
    """Invoices with what was received and taken off, and their rows in the same order."""

    items: Items
    issued: pd.DataFrame

    @classmethod
    def of(cls, frames: Frames) -> Sold:
        """What these frames say."""
        bills = frames[RecordKind.INVOICE]
        issued = bills[bills["status"] == "issued"].drop_duplicates(["unit", "invoice_id"], keep="last")
        taken_off = bills.loc[
            bills["status"] == "red_letter", ["unit", "column", "corrected_invoice_id", "amount_minor"]
        ]
        taken_off = taken_off.rename(columns={"corrected_invoice_id": "invoice_id"})
        settled = [taken_off, frames[RecordKind.RECEIPT]]
        return cls(Items.of(issued, settled, "invoice_id", "amount_minor"), issued)


@dataclass(frozen=True, slots=True, eq=False)
class Booked:
    """The ledgers of obligors as placed, and what several of their measures rest on: what was sold, and which units
    deal in several currencies (`mixed`)."""

    frames: Frames
    sold: Sold
    mixed: NDArray[np.bool_]

    @classmethod
    def of(cls, book: Book, frames: Frames) -> Booked:
        """What these frames say of the units of a book."""
        return cls(frames, Sold.of(frames), mixed_currencies(book, frames))


def obligor_measures(book: Book, booked: Booked) -> dict[str, Measure]:
    """Measures of obligors. Money is NaN for an obligor whose ledgers speak in several currencies."""
    frames, sold = booked.frames, booked.sold
    found = {
        **_orders(book, frames[RecordKind.PURCHASE_ORDER], frames[RecordKind.DELIVERY]),
        **_sales(book, frames, sold),
        **_debts(book, frames[RecordKind.REPAYMENT]),
        **_purchases(book, frames[RecordKind.SUPPLIER_INVOICE]),
        **_bills(book, frames[RecordKind.ENERGY_BILL]),
        **_upkeep(book, frames[RecordKind.MAINTENANCE]),
        "moved_km": _moved(book, frames[RecordKind.LOCATION]),
    }
    for name, measure in found.items():
        if name.endswith("_minor"):
            measure.values[booked.mixed] = np.nan
    return found


def machine_measures(book: Book, upkeep: pd.DataFrame, places: pd.DataFrame) -> dict[str, Measure]:
    """Measures of machines: their upkeep and their moves, as placed."""
    return {**_upkeep(book, upkeep), "moved_km": _moved(book, places)}


def mixed_currencies(book: Book, frames: Frames) -> NDArray[np.bool_]:
    """Units whose money ledgers speak in more than one currency: amounts do not add up."""
    rows = pd.concat([frames[kind][["unit", "currency"]] for kind in MONEY_LEDGERS]).drop_duplicates()
    return np.asarray(np.bincount(rows["unit"].to_numpy(np.int64), minlength=len(book.units)) > 1)


def _orders(book: Book, orders: pd.DataFrame, deliveries: pd.DataFrame) -> dict[str, Measure]:
    placed = orders.drop_duplicates(["unit", "order_id"], keep="last")
    items = Items.of(placed, [deliveries], "order_id", "parts")
    known = known_units(placed)
    due = book.column_of(placed["due_date"], items.unit)
    return {
        "open_order_parts": book.balance(*items.open_after(items.column), known=known),
        "due_parts": book.flow(items.unit, due, items.amount, known=known),
        "on_time_parts": book.flow(items.unit, due, items.settled_by(due), known=known),
    }


def _sales(book: Book, frames: Frames, sold: Sold) -> dict[str, Measure]:
    items, issued = sold.items, sold.issued
    bills, receipts = frames[RecordKind.INVOICE], frames[RecordKind.RECEIPT]
    known = known_units(bills)
    overdue_from = np.maximum(book.column_of(issued["due_date"], items.unit) + 1, items.column)
    delivered = frames[RecordKind.DELIVERY][["unit", "delivery_id", "parts"]]
    billed = issued[["unit", "column", "delivery_id"]].merge(delivered, on=["unit", "delivery_id"])
    return {
        "invoiced_minor": _flow(book, bills, "amount_minor", known, of=bills["status"] == "issued"),
        "credited_minor": _flow(book, bills, "amount_minor", known, of=bills["status"] == "red_letter"),
        "received_minor": _flow(book, receipts, "amount_minor", known_units(receipts)),
        "receivable_minor": book.balance(*items.open_after(items.column), known=known),
        "overdue_minor": book.balance(*items.open_after(overdue_from), known=known),
        "invoiced_parts": _flow(book, billed, "parts", known_units(billed)),
    }


def _debts(book: Book, placed: pd.DataFrame) -> dict[str, Measure]:
    unit = placed["unit"].to_numpy(np.int64)
    due = book.column_of(placed["due_date"], unit)
    amount = placed["amount_due_minor"].to_numpy(np.float64)
    return {"debt_service_minor": book.flow(unit, due, amount, known=known_units(placed))}


def _purchases(book: Book, placed: pd.DataFrame) -> dict[str, Measure]:
    paid = placed[placed["amount_paid_minor"] > 0].copy()
    paid["column"] = book.column_of(paid["paid_date"], paid["unit"].to_numpy(np.int64))
    paid["amount_minor"] = paid["amount_paid_minor"]
    items = Items.of(placed, [paid], "supplier_invoice_id", "amount_minor")
    known = known_units(placed)
    return {
        "purchased_minor": _flow(book, placed, "amount_minor", known),
        "payable_minor": book.balance(*items.open_after(items.column), known=known),
    }


def _bills(book: Book, placed: pd.DataFrame) -> dict[str, Measure]:
    """Electricity by day: each bill spread evenly over its month; NaN on days that no bill covers."""
    month = pd.to_datetime(placed["month"]).to_numpy().astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    length = (month + 1).astype("datetime64[D]").astype(np.int64) - first
    row = np.repeat(np.arange(len(placed)), length)
    unit = placed["unit"].to_numpy(np.int64)
    column = first - book.last_days[unit] + book.days - 1
    each = column[row] + np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    daily = (placed["energy_kwh"].to_numpy(np.float64) / length)[row]
    known = known_units(placed)
    covered = book.flow(unit[row], each, np.ones(len(row)), known=known).values
    billed = book.flow(unit[row], each, daily, known=known).values
    return {"billed_kwh": Measure(np.where(covered > 0, billed, np.nan))}


def _upkeep(book: Book, work: pd.DataFrame) -> dict[str, Measure]:
    known = known_units(work)
    planned, corrective = (work["maintenance_kind"] == kind for kind in ("preventive", "corrective"))
    return {
        "planned_work_seconds": _flow(book, work, "work_seconds", known, of=planned),
        "corrective_work_seconds": _flow(book, work, "work_seconds", known, of=corrective),
        "planned_services": _flow(book, work, None, known, of=planned),
    }


def _moved(book: Book, places: pd.DataFrame) -> Measure:
    """On each day, how far a machine of the unit was from where it was first seen; NaN on days without a word."""
    if places.empty:
        return unsaid(len(book.units), book.days)
    placed = places.sort_values(["machine_uid", "event_time"], kind="stable")
    first = placed.groupby("machine_uid")[["latitude_deg", "longitude_deg"]].transform("first")
    km = great_circle_km(
        *(placed[name].to_numpy(np.float64) for name in ("latitude_deg", "longitude_deg")),
        *(first[name].to_numpy(np.float64) for name in ("latitude_deg", "longitude_deg")),
    )
    values = np.full((len(book.units), book.days), -np.inf)
    inside = placed["column"].to_numpy() >= 0
    cell = placed["unit"].to_numpy(np.int64)[inside], placed["column"].to_numpy(np.int64)[inside]
    np.maximum.at(values, cell, km[inside])
    return Measure(np.where(np.isinf(values), np.nan, values))


def great_circle_km(latitude: Array, longitude: Array, other_latitude: Array, other_longitude: Array) -> Array:
    """Distance in km on a sphere, of places in degrees (haversine formula)."""
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    half = np.sin((other_phi - phi) / 2) ** 2
    half += np.cos(phi) * np.cos(other_phi) * np.sin(np.radians(other_longitude - longitude) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def _flow(book: Book, rows: pd.DataFrame, amount: str | None, known: Ints, *, of: pd.Series | None = None) -> Measure:
    """An amount of the rows (1, if None), or `of` some of them, by unit and day."""
    unit, column = rows["unit"].to_numpy(np.int64), rows["column"].to_numpy(np.int64)
    amounts = np.ones(len(rows)) if amount is None else rows[amount].to_numpy(np.float64)
    chosen = slice(None) if of is None else of.to_numpy(np.bool_)
    return book.flow(unit[chosen], column[chosen], amounts[chosen], known=known)
