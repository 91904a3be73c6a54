"""Numbers of papers, given anew in the order of their dates, so that a forged one stands where an honest one would."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from simulator.finance.sales import counted
from simulator.told.money import Tables

LETTERS = {RecordKind.INVOICE: "IN", RecordKind.RECEIPT: "RC", RecordKind.FACILITY: "FA"}
REFERENCES = (
    (RecordKind.INVOICE, "corrected_invoice_id", RecordKind.INVOICE),
    (RecordKind.RECEIPT, "invoice_id", RecordKind.INVOICE),
    (RecordKind.REPAYMENT, "facility_id", RecordKind.FACILITY),
)
"""(ledger, column, ledger whose number it bears)."""
PLEDGED = re.compile(r"(?P<stem>IN-\d+-)(?P<running>\d+)(?P<half>/\d)?")
"""An invoice as a pledge names it, perhaps without leading zeros and perhaps one half of it."""


def renumbered(tables: Tables) -> Tables:
    """The ledgers with each firm's invoices, receipts and facilities counted by date, and what refers to them."""
    told, numbers = dict(tables), {}
    for kind, letters in LETTERS.items():
        told[kind], numbers[kind] = _in_order(told[kind], f"{kind}_id", letters)
    for kind, column, named in REFERENCES:
        told[kind] = _with(told[kind], column, [_new(numbers[named], old) for old in told[kind][column].to_pylist()])
    facilities = told[RecordKind.FACILITY].select(["facility_kind", "collateral_id"]).to_pylist()
    pledged = [
        _renamed(row["collateral_id"], numbers[RecordKind.INVOICE])
        if row["facility_kind"] == "invoice_advance"
        else row["collateral_id"]
        for row in facilities
    ]
    told[RecordKind.FACILITY] = _with(told[RecordKind.FACILITY], "collateral_id", pledged)
    return told


def _in_order(table: pa.Table, column: str, letters: str) -> tuple[pa.Table, dict[str, str]]:
    """The rows by firm and date under their new numbers, and the new number of each old one.

    Of papers of one minute the amount decides: which was added later must not show.
    """
    keys = ("obligor_id", "event_time", "recorded_time", "amount_minor", column)
    ordered = table.sort_by([(key, "ascending") for key in keys])
    firm = ordered["obligor_id"].combine_chunks()
    running = counted(np.asarray(firm.dictionary_encode().indices.to_numpy(zero_copy_only=False))) + 1
    serials = pc.utf8_slice_codeunits(firm, 10, 17).to_pylist()
    new = [f"{letters}-{serial}-{number:05d}" for serial, number in zip(serials, running.tolist(), strict=True)]
    numbers = dict(zip(ordered[column].to_pylist(), new, strict=True))
    assert len(numbers) == len(ordered), f"{column} is not unique"
    return _with(ordered, column, new), numbers


def _new(numbers: Mapping[str, str], old: str | None) -> str | None:
    return None if old is None else numbers[old]


def _renamed(collateral: str, numbers: Mapping[str, str]) -> str:
    """The pledged invoice's new number, written as the old one was."""
    found = PLEDGED.fullmatch(collateral)
    assert found is not None, f"{collateral} names no invoice"
    stem, running, half = found["stem"], found["running"], found["half"] or ""
    new = numbers[f"{stem}{int(running):05d}"]
    if len(running) < len(new) - len(stem):
        new = f"{stem}{int(new.removeprefix(stem))}"
    return f"{new}{half}"


def _with(table: pa.Table, column: str, values: list[str | None] | list[str]) -> pa.Table:
    position = table.schema.get_field_index(column)
    field = table.schema.field(position)
    return table.set_column(position, field, pa.array(values, type=field.type))
