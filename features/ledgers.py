"""Ledgers beside a history: rows of orders, invoices, debts, upkeep and ratings, read once and booked on local days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from features.bookings import Book
from features.declaration import HISTORY_DAYS
from features.history import DailyHistory, Level, Standing
from features.ledger_measures import Booked, Placed, machine_measures, obligor_measures
from features.ledger_reading import LedgerReading, Take, read_ledgers
from features.ledger_rows import Ints, Rows, numbered, words_of
from features.loading import ZONE_MARGIN
from features.standing import machine_standing, obligor_standing

if TYPE_CHECKING:
    from data_contracts.observations.remembered import Observations

COLUMNS: Mapping[RecordKind, Sequence[str]] = {
    RecordKind.PURCHASE_ORDER: ("order_id", "buyer_id", "parts", "amount_minor", "currency", "due_date"),
    RecordKind.DELIVERY: ("delivery_id", "order_id", "parts", "amount_minor"),
    RecordKind.INVOICE: (
        "invoice_id",
        "buyer_id",
        "delivery_id",
        "status",
        "corrected_invoice_id",
        "amount_minor",
        "currency",
        "due_date",
    ),
    RecordKind.RECEIPT: ("invoice_id", "amount_minor"),
    RecordKind.FACILITY: ("facility_id", "collateral_id", "amount_minor", "currency", "rate_per_year", "instalments"),
    RecordKind.REPAYMENT: (
        "facility_id",
        "instalment",
        "due_date",
        "amount_due_minor",
        "amount_paid_minor",
        "currency",
    ),
    RecordKind.MAINTENANCE: ("machine_uid", "maintenance_kind", "work_seconds"),
    RecordKind.ENERGY_BILL: ("month", "energy_kwh"),
    RecordKind.SUPPLIER_INVOICE: (
        "supplier_invoice_id",
        "supplier_id",
        "amount_minor",
        "amount_paid_minor",
        "currency",
        "paid_date",
    ),
    RecordKind.COUNTERPARTY_RATING: ("counterparty_id", "pd_12m"),
    RecordKind.BALANCE_SHEET: ("equity_minor", "currency"),
    RecordKind.LOCATION: ("latitude_deg", "longitude_deg"),
}
"""What features take from each ledger, beside whose row it is and its `event_time`."""

MACHINE_KINDS = (RecordKind.MAINTENANCE, RecordKind.LOCATION)
"""Ledgers that speak of single machines."""

TIMELESS = (RecordKind.FACILITY, RecordKind.BALANCE_SHEET, RecordKind.COUNTERPARTY_RATING)
"""Ledgers of which a row counts however old it is."""

TAKES: Mapping[RecordKind, Take] = {
    kind: Take(
        kind=kind, columns=tuple(columns), days=None if kind in TIMELESS else HISTORY_DAYS + ZONE_MARGIN // timedelta(1)
    )
    for kind, columns in COLUMNS.items()
    if kind is not RecordKind.LOCATION
}
"""What features take of the ledgers of obligors."""


@dataclass(frozen=True, eq=False)
class Ledgers:
    """Rows of each ledger that could be known at an instant, and the machines of `ObservationReader.machines`."""

    tables: Mapping[RecordKind, pa.Table]
    machines: pa.Table

    @cached_property
    def owners(self) -> dict[str, str]:
        """The obligor to whom each machine came last."""
        named = (self.machines[name].to_pylist() for name in ("machine_uid", "obligor_id"))
        return dict(zip(*named, strict=True))

    @cached_property
    def rows(self) -> dict[RecordKind, Rows]:
        """The rows of each ledger as numbers."""
        words = words_of(self.tables.values())
        return {kind: numbered(table, words) for kind, table in self.tables.items()}

    def placed(self, book: Book, kinds: Iterable[RecordKind]) -> dict[RecordKind, Rows]:
        """The rows of these ledgers on the days of the obligors of a book."""
        return {kind: book.placed(self.rows[kind], self._obligors(kind, book)) for kind in kinds}

    def places(self, book: Book) -> Rows:
        """Where machines were, on the days of the machines of a book."""
        rows = self.rows[RecordKind.LOCATION]
        return book.placed(rows, book.units_of(rows.words["machine"])[rows["machine_uid"]])

    def upkeep(self, book: Book, owners: Sequence[str]) -> Rows:
        """What was done on the machines of a book by these owners of theirs."""
        rows = self.rows[RecordKind.MAINTENANCE]
        unit = book.units_of(rows.words["machine"])[rows["machine_uid"]]
        number = {word: place for place, word in enumerate(rows.words["obligor"].to_pylist())}
        owner = np.array([*(number.get(name, -1) for name in owners), -1], dtype=np.int64)
        return book.placed(rows, np.where(owner[unit] == rows["obligor_id"], unit, -1))

    def _obligors(self, kind: RecordKind, book: Book) -> Ints:
        """The obligor whom each row concerns; a place that of whom the machine came to last."""
        rows = self.rows[kind]
        if kind is not RecordKind.LOCATION:
            return np.asarray(book.units_of(rows.words["obligor"])[rows["obligor_id"]])
        owners = pa.array([self.owners.get(uid) for uid in rows.words["machine"].to_pylist()], pa.string())
        return np.asarray(book.units_of(owners)[rows["machine_uid"]])


def load_ledgers(
    reader: Observations,
    *,
    as_of: datetime,
    machine_uids: Sequence[MachineUid],
    obligor_ids: Sequence[ObligorId] | None = None,
    kinds: Sequence[RecordKind] = tuple(COLUMNS),
    machines: pa.Table | None = None,
    reading: LedgerReading | None = None,
) -> Ledgers:
    """The ledgers of these obligors (all, if None) and of these machines over the `HISTORY_DAYS` before `as_of`.
    `machines` are every owner's of the obligors' machines (of `reader.machines`): a later owner ends an earlier one.
    `reading` holds `TAKES` of the obligors' ledgers. Both where they are at hand."""
    takes = [TAKES[kind] for kind in kinds if kind is not RecordKind.LOCATION]
    reading = reading or read_ledgers(reader, as_of=as_of, obligor_ids=obligor_ids, takes=takes)
    tables = {take.kind: reading.take(take) for take in takes}
    if RecordKind.LOCATION in kinds:
        tables[RecordKind.LOCATION] = reader.rows(
            RecordKind.LOCATION,
            as_of=as_of,
            machine_uids=machine_uids,
            event_from=as_of - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN,
            columns=("machine_uid", "event_time", *COLUMNS[RecordKind.LOCATION]),
        )
    owned = reader.machines(as_of=as_of) if machines is None else machines
    begun = pc.less_equal(owned["owned_from"], pa.scalar(as_of.astimezone(UTC), pa.timestamp("us", tz="UTC")))
    return Ledgers(tables, owned.filter(pc.fill_null(begun, True)))


def with_ledgers(history: DailyHistory, ledgers: Ledgers) -> DailyHistory:
    """The history with what ledgers say of its units: measures on local days up to each unit's last complete one, and
    its standing at the end of it. Of machines, that is their owner's upkeep of them, their places and their value."""
    book = Book.of(history)
    if history.level is Level.MACHINE:
        return with_upkeep(history, ledgers.upkeep(book, history.obligor_ids), ledgers)
    return with_placed(history, ledgers.placed(book, COLUMNS), ledgers.owners)


def with_upkeep(history: DailyHistory, upkeep: Rows, ledgers: Ledgers) -> DailyHistory:
    """The history of machines with their upkeep, as placed, and with their places and their value."""
    book = Book.of(history)
    measures = machine_measures(book, upkeep, ledgers.places(book))
    return _filled(history, machine_standing(book, ledgers.machines, history.standing), measures)


def with_placed(history: DailyHistory, placed: Placed, owners: Mapping[str, str]) -> DailyHistory:
    """The history of obligors with what their ledgers say, as placed; `owners` tells whose a machine is."""
    book = Book.of(history)
    booked = Booked.of(book, placed)
    standing = obligor_standing(book, booked, owners, history.standing)
    return _filled(history, standing, obligor_measures(book, booked))


def _filled(history: DailyHistory, standing: Standing, measures: dict[str, Any]) -> DailyHistory:
    return replace(history, standing=standing, **measures)
