"""What can be pledged: a machine, an order, an invoice, or the machine-hours behind an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ItemKind(StrEnum):
    """Kinds of pledged things."""

    MACHINE = "machine"
    ORDER = "order"
    INVOICE = "invoice"
    MACHINE_HOURS = "machine_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineItem:
    """A machine by its maker's plate. `machine_uid` names what its gateway reports; None where it has none."""

    maker: str
    serial_number: str
    machine_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper that another one belongs to, by its number, and the value that it is good for."""

    number: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """A buyer's order, by the seller's number of it."""

    seller_id: str
    buyer_id: str
    number: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceItem:
    """An invoice. `order` and `delivery` are what it bills, where that is known: both bound what may be pledged."""

    seller_id: str
    buyer_id: str
    number: str
    amount_minor: int
    currency: str
    issued_on: date
    order: Paper | None = None
    delivery: Paper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursItem:
    """The time of one machine that stands behind an order: `starts` inclusive, `ends` exclusive, both with a zone."""

    machine_uid: str
    starts: datetime
    ends: datetime


Item = MachineItem | OrderItem | InvoiceItem | HoursItem
