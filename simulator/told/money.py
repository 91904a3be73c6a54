"""The ledgers of money and upkeep: a month of a block's books as rows of the contracts.

What would be recorded after the world's end is left out, as in `simulator.told.ledgers`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator.block import Block, BlockMonth, Laws
from simulator.factory.machines import ENERGY_STEP_KWH
from simulator.finance.books import MachineSales
from simulator.finance.debt import LEASE, Facilities, Instalments
from simulator.finance.opening import OpeningPapers
from simulator.finance.recovery import CONDITIONS
from simulator.finance.sales import CreditNotes, Invoices, Receipts
from simulator.told.ledgers import (
    OFFICE_MINUTES,
    buyers_of,
    constant,
    delivery_ids,
    instants,
    ledger,
    numbered,
    obligors,
    office_time,
    uids_of,
)
from simulator.world_calendar import QUARTER_SECONDS, Month

LENDER = "BANK-SYNTHETIC"
LESSOR = "LESSOR-SYNTHETIC"
BASIS_POINTS = 10_000.0
MID_MORNING = 60
"""Minutes after the office opens at which what needs no drawn time happens."""

Tables = Mapping[RecordKind, pa.Table]
Ints = NDArray[np.int64]


def month_tables(block: Block, told: BlockMonth, laws: Laws) -> Tables:
    """What a month adds to the ledgers of money and upkeep."""
    books, month = told.books, told.machines.month
    sales = books.sales
    return {
        RecordKind.INVOICE: pa.concat_tables(
            [
                invoice_table(block, sales.issued, laws, position=month.position),
                credit_note_table(block, sales.credit_notes, laws),
            ]
        ),
        RecordKind.RECEIPT: receipt_table(block, sales.receipts, laws, position=month.position),
        RecordKind.FACILITY: pa.concat_tables(
            [facility_table(block, drawn, laws) for drawn in books.facilities] or [no_facilities(block, laws)]
        ),
        RecordKind.REPAYMENT: repayment_table(block, books.instalments, laws),
        RecordKind.MAINTENANCE: maintenance_table(block, told, laws),
        RecordKind.ENERGY_BILL: energy_table(block, month, books.energy_steps, books.energy_minor, laws),
        RecordKind.MACHINE_SALE: sale_table(block, books.machine_sales, laws),
    }


def opening_tables(block: Block, papers: OpeningPapers, laws: Laws) -> Tables:
    """What was issued before the world and still counts in it."""
    return {
        RecordKind.INVOICE: invoice_table(block, papers.invoices, laws, position=-1),
        RecordKind.FACILITY: facility_table(block, papers.facilities, laws),
        RecordKind.REPAYMENT: repayment_table(block, papers.instalments, laws),
    }


def invoice_table(block: Block, invoices: Invoices, laws: Laws, *, position: int) -> pa.Table:
    """Invoices, in office hours of the day of their delivery."""
    calendar = laws.calendar
    minutes = laws.streams.of("invoice.minute", block.number, position + 1).integers(0, OFFICE_MINUTES, len(invoices))
    event = office_time(invoices.day, minutes, calendar)
    shipped = delivery_ids(block.firms, invoices.firm, invoices.order, invoices.shipment)
    has_delivery = pa.array(invoices.order >= 0)
    columns = {
        "obligor_id": obligors(block.firms, invoices.firm),
        "invoice_id": numbered("IN", block.firms, invoices.firm, invoices.number),
        "buyer_id": buyers_of(laws, invoices.buyer, firms=block.firms.obligor_ids),
        "delivery_id": pc.if_else(has_delivery, shipped, pa.scalar(None, type=pa.string())),
        "event_time": instants(event),
        "status": constant("issued", len(invoices)),
        "corrected_invoice_id": pa.nulls(len(invoices), type=pa.string()),
        "amount_minor": pa.array(invoices.gross_minor),
        "tax_minor": pa.array(invoices.tax_minor),
        "currency": constant(laws.parameters.place.currency, len(invoices)),
        "due_date": pa.array(calendar.date_of(invoices.due_day), type=pa.date32()),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.INVOICE, columns, calendar)


def credit_note_table(block: Block, notes: CreditNotes, laws: Laws) -> pa.Table:
    """Red-letter invoices: they name what they take off as a positive amount."""
    calendar, count = laws.calendar, len(notes.firm)
    event = office_time(notes.day, np.full(count, MID_MORNING), calendar)
    columns = {
        "obligor_id": obligors(block.firms, notes.firm),
        "invoice_id": numbered("IN", block.firms, notes.firm, notes.number),
        "buyer_id": buyers_of(laws, notes.buyer, firms=block.firms.obligor_ids),
        "delivery_id": pa.nulls(count, type=pa.string()),
        "event_time": instants(event),
        "status": constant("red_letter", count),
        "corrected_invoice_id": numbered("IN", block.firms, notes.firm, notes.corrected),
        "amount_minor": pa.array(notes.gross_minor),
        "tax_minor": pa.array(notes.tax_minor),
        "currency": constant(laws.parameters.place.currency, count),
        "due_date": pa.nulls(count, type=pa.date32()),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.INVOICE, columns, calendar)


def receipt_table(block: Block, receipts: Receipts, laws: Laws, *, position: int) -> pa.Table:
    """Payments by buyers, in office hours of their day."""
    calendar, count = laws.calendar, len(receipts.firm)
    minutes = laws.streams.of("receipt.minute", block.number, position).integers(0, OFFICE_MINUTES, count)
    event = office_time(receipts.day, minutes, calendar)
    columns = {
        "obligor_id": obligors(block.firms, receipts.firm),
        "receipt_id": numbered("RC", block.firms, receipts.firm, receipts.number),
        "invoice_id": numbered("IN", block.firms, receipts.firm, receipts.invoice),
        "buyer_id": buyers_of(laws, receipts.buyer, firms=block.firms.obligor_ids),
        "event_time": instants(event),
        "amount_minor": pa.array(receipts.amount_minor),
        "currency": constant(laws.parameters.place.currency, count),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.RECEIPT, columns, calendar)


def facility_table(block: Block, drawn: Facilities, laws: Laws) -> pa.Table:
    """Facilities, known on the evening of the day on which they are drawn."""
    calendar, count = laws.calendar, len(drawn.firm)
    event = office_time(drawn.day, np.full(count, MID_MORNING), calendar)
    is_lease = drawn.slot == LEASE
    leased = pa.array(block.machines.uids).take(pa.array(np.where(is_lease, drawn.machine, 0)))
    columns = {
        "obligor_id": obligors(block.firms, drawn.firm),
        "facility_id": numbered("FA", block.firms, drawn.firm, drawn.number),
        "event_time": instants(event),
        "lender_id": _words(is_lease, LESSOR, LENDER),
        "facility_kind": _words(is_lease, "finance_lease", "term_loan"),
        "purpose": _words(is_lease, "equipment", "working_capital"),
        "collateral_id": pc.if_else(pa.array(is_lease), leased, pa.scalar(None, type=pa.string())),
        "amount_minor": pa.array(drawn.amount_minor),
        "currency": constant(laws.parameters.place.currency, count),
        "rate_per_year": pa.array(drawn.rate_bp / BASIS_POINTS),
        "instalments": pa.array(drawn.instalments),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.FACILITY, columns, calendar)


def no_facilities(block: Block, laws: Laws) -> pa.Table:
    """A month in which nothing was drawn."""
    none = np.array([], dtype=np.int64)
    empty = Facilities(**dict.fromkeys(Facilities.__dataclass_fields__, none))
    return facility_table(block, empty, laws)


def repayment_table(block: Block, rows: Instalments, laws: Laws) -> pa.Table:
    """Instalments as they stand at the end of a day: the day on which they fall due, and that of a later payment."""
    calendar, count = laws.calendar, len(rows.firm)
    paid_day = np.where(rows.is_paid, rows.known_day, 0)
    dates = pa.array(calendar.date_of(paid_day), type=pa.date32())
    columns = {
        "obligor_id": obligors(block.firms, rows.firm),
        "facility_id": numbered("FA", block.firms, rows.firm, rows.facility),
        "instalment": pa.array(rows.number),
        "event_time": instants(calendar.midnight(rows.due_day)),
        "due_date": pa.array(calendar.date_of(rows.due_day), type=pa.date32()),
        "amount_due_minor": pa.array(rows.amount_minor),
        "amount_paid_minor": pa.array(rows.amount_minor * rows.is_paid),
        "currency": constant(laws.parameters.place.currency, count),
        "paid_date": pc.if_else(pa.array(rows.is_paid), dates, pa.scalar(None, type=pa.date32())),
        "recorded_time": instants(calendar.midnight(rows.known_day + 1)),
    }
    return ledger(RecordKind.REPAYMENT, columns, calendar)


def maintenance_table(block: Block, told: BlockMonth, laws: Laws) -> pa.Table:
    """Work orders, in office hours of their day; a repair names the first component that failed on that day."""
    work, position = told.books.work, told.machines.month.position
    calendar, machines, count = laws.calendar, block.machines, len(work.machine)
    minutes = laws.streams.of("maintenance.minute", block.number, position).integers(0, OFFICE_MINUTES, count)
    event = office_time(work.day, minutes, calendar)
    uids = uids_of(machines, work.machine)
    dates = pc.strftime(pa.array(calendar.date_of(work.day), type=pa.date32()), format="%Y%m%d")
    columns = {
        "obligor_id": obligors(block.firms, machines.firm[work.machine]),
        "maintenance_id": pc.binary_join_element_wise(_words(work.is_repair, "R", "M"), uids, dates, "-"),
        "machine_uid": uids,
        "event_time": instants(event),
        "maintenance_kind": _words(work.is_repair, "corrective", "preventive"),
        "component": _failed_component(block, told, laws),
        "work_seconds": pa.array(work.quarters * float(QUARTER_SECONDS)),
        "cost_minor": pa.array(work.cost_minor),
        "currency": constant(laws.parameters.place.currency, count),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.MAINTENANCE, columns, calendar)


def _failed_component(block: Block, told: BlockMonth, laws: Laws) -> pa.Array:
    """By work order: the component whose failure it repairs; null for planned maintenance."""
    work, log, month = told.books.work, told.machines.failures, told.machines.month
    types = laws.parameters.components.types.values()
    first = np.cumsum([0, *(len(parts) for parts in types)])
    failed = np.searchsorted(
        log.machine * month.length + log.column, work.machine * month.length + work.day - month.first_day
    )
    codes = first[block.machines.kind[work.machine]] + np.append(log.component, 0)[failed]
    names = pa.array([code for parts in types for code in parts])
    return pc.if_else(
        pa.array(work.is_repair), names.take(pa.array(codes * work.is_repair)), pa.scalar(None, pa.string())
    )


def energy_table(block: Block, month: Month, steps: Ints, amount_minor: Ints, laws: Laws) -> pa.Table:
    """A bill for each firm that still works in the month, known some days after it."""
    calendar = laws.calendar
    firm = np.flatnonzero(block.lives.last_day > month.first_day)
    end = month.first_day + month.length
    columns = {
        "obligor_id": obligors(block.firms, firm),
        "month": pa.array(calendar.date_of(np.full(len(firm), month.first_day)), type=pa.date32()),
        "event_time": instants(calendar.midnight(np.full(len(firm), end))),
        "energy_kwh": pa.array(steps[firm] * ENERGY_STEP_KWH),
        "amount_minor": pa.array(amount_minor[firm]),
        "currency": constant(laws.parameters.place.currency, len(firm)),
        "recorded_time": instants(
            calendar.midnight(np.full(len(firm), end + laws.parameters.finance.energy_bill_known_after_days))
        ),
    }
    return ledger(RecordKind.ENERGY_BILL, columns, calendar)


def sale_table(block: Block, sales: MachineSales, laws: Laws) -> pa.Table:
    """Machines sold for lenders."""
    calendar, machines, chosen = laws.calendar, block.machines, sales.sold.is_recovery
    machine, day = sales.sold.machine[chosen], sales.sold.day[chosen]
    event = office_time(day, np.full(len(machine), MID_MORNING), calendar)
    columns = {
        "machine_uid": uids_of(machines, machine),
        "obligor_id": obligors(block.firms, machines.firm[machine]),
        "event_time": instants(event),
        "price_minor": pa.array(sales.price_minor[chosen]),
        "currency": constant(laws.parameters.place.currency, len(machine)),
        "operating_seconds": pa.array(sales.appraisal.meter_quarters[chosen] * float(QUARTER_SECONDS)),
        "condition": pa.array(CONDITIONS).take(pa.array(sales.appraisal.condition[chosen])),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.MACHINE_SALE, columns, calendar)


def _words(chosen: NDArray[np.bool_], yes: str, no: str) -> pa.Array:
    return pc.if_else(pa.array(chosen), pa.scalar(yes), pa.scalar(no))
