"""Frauds on papers: invoices pledged twice, sold in a ring or above what was made, and machines leased twice.

Rows are added to what was told; none is changed or taken away. They look like the ledgers' own rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from simulator.block import Block, Laws
from simulator.frauds.forge import Spell
from simulator.frauds.plan import Code, Fraud

ADVANCE_DAYS, SECOND_ADVANCE_DAYS, RING_PAYS_DAYS, DUE_DAYS = 1, 4, 5, 60
RATE, LEASE_RATE, LEASE_INSTALMENTS = 0.06, 0.08, 36
TAX_NUMERATOR, TAX_DENOMINATOR = 13, 113
FACTORS = ("FACTOR-SYNTHETIC-1", "FACTOR-SYNTHETIC-2")
SECOND_LESSOR = "LESSOR-SYNTHETIC-2"
FIRST_LESSOR = "LESSOR-SYNTHETIC"
WAYS = ("exact", "edited", "split", "reissued")
"""How an invoice is pledged again: as it is, under a number a little edited, in two halves, or re-issued."""
MICROSECONDS_PER_HOUR = 3_600_000_000
OFFICE = (9, 17)

Row = dict[str, Any]
Tables = Mapping[RecordKind, pa.Table]


@dataclass(slots=True)
class Desk:
    """Where one firm's false papers of a block are written; it numbers them on from the firm's own."""

    block: Block
    tables: Tables
    laws: Laws
    stream: np.random.Generator
    last_numbers: dict[tuple[RecordKind, ObligorId], int]
    """The last number given so far, shared by the desks of a block."""
    rows: dict[RecordKind, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def invoices(self, firm: int, from_day: int, to_day: int) -> dict[int, list[Row]]:
        """The firm's own issued invoices of these days, by month of the world."""
        invoices = self.tables[RecordKind.INVOICE]
        own = invoices.filter(
            pc.and_(pc.equal(invoices["obligor_id"], self.obligor(firm)), pc.equal(invoices["status"], "issued"))
        ).to_pylist()
        months = [(month.position, *self._span(month.first_day, month.length)) for month in self.laws.calendar.months]
        first, last = self.instant(from_day), self.instant(to_day)
        return {
            position: [row for row in own if max(begin, first) <= row["event_time"] < min(end, last)]
            for position, begin, end in months
        }

    def obligor(self, firm: int) -> ObligorId:
        """The firm's code."""
        return self.block.firms.obligor_ids[firm]

    def instant(self, day: int) -> datetime:
        """When a day of the world begins."""
        return datetime.fromtimestamp(int(self.laws.calendar.midnight(day)) / 1e6, tz=UTC)

    def office_time(self, day: datetime, *, days_later: int) -> datetime:
        """A time in office hours some days later."""
        micros = np.array([int(day.timestamp() * 1e6)]) + days_later * 24 * MICROSECONDS_PER_HOUR
        midnight = int(self.laws.calendar.next_midnight(micros)[0])
        hours = OFFICE[0] - 24 + (OFFICE[1] - OFFICE[0]) * self.stream.random()
        minutes = round(hours * 60) * 60
        return datetime.fromtimestamp(midnight / 1e6 + minutes, tz=UTC)

    def add(self, kind: RecordKind, firm: int, event: datetime, **values: Any) -> None:
        """One more row of the firm, known at the end of its day."""
        recorded = int(self.laws.calendar.next_midnight(np.array([int(event.timestamp() * 1e6)]))[0])
        self.rows[kind].append(
            {
                "obligor_id": self.obligor(firm),
                "event_time": event,
                "currency": self.laws.parameters.place.currency,
                "recorded_time": datetime.fromtimestamp(recorded / 1e6, tz=UTC),
                **values,
            }
        )

    def number(self, kind: RecordKind, firm: int, prefix: str) -> str:
        """The next number after the firm's own."""
        column = f"{kind}_id"
        key = (kind, self.obligor(firm))
        if key not in self.last_numbers:
            table = self.tables[kind]
            own = table.filter(pc.equal(table["obligor_id"], self.obligor(firm)))[column].to_pylist()
            self.last_numbers[key] = max((int(name.rsplit("-", 1)[1]) for name in own), default=0)
        self.last_numbers[key] += 1
        return f"{prefix}-{self.obligor(firm)[10:17]}-{self.last_numbers[key]:05d}"

    def invoice(self, firm: int, event: datetime, **values: Any) -> str:
        """An invoice that the firm issues; its number."""
        number = self.number(RecordKind.INVOICE, firm, "IN")
        defaults = {
            "invoice_id": number,
            "status": "issued",
            "tax_minor": round(values["amount_minor"] * TAX_NUMERATOR / TAX_DENOMINATOR),
            "due_date": (event + timedelta(days=DUE_DAYS)).date(),
        }
        self.add(RecordKind.INVOICE, firm, event, **{**defaults, **values})
        return number

    def advance(self, firm: int, event: datetime, *, lender: str, collateral: str, amount: int) -> None:
        """Money that a factor pays on an invoice."""
        self.add(
            RecordKind.FACILITY,
            firm,
            event,
            facility_id=self.number(RecordKind.FACILITY, firm, "FA"),
            lender_id=lender,
            facility_kind="invoice_advance",
            purpose="receivables",
            collateral_id=collateral,
            amount_minor=amount,
            rate_per_year=RATE,
            instalments=1,
        )

    def _span(self, first_day: int, length: int) -> tuple[datetime, datetime]:
        return self.instant(first_day), self.instant(first_day + length)


def false_papers(
    block: Block, frauds: Sequence[Fraud], codes: Sequence[Code], tables: Tables, laws: Laws
) -> tuple[dict[RecordKind, pa.Table], tuple[Spell, ...]]:
    """The rows that a block's fraudsters add to each ledger, and the spells of their frauds.

    Where invoices are pledged twice, some honest firms pledge theirs once, so that a pledge alone gives nobody away.
    """
    added: dict[RecordKind, list[Row]] = defaultdict(list)
    spells: list[Spell] = []
    desk_of = partial(Desk, block=block, tables=tables, laws=laws, last_numbers={})
    for fraud in frauds:
        desk = desk_of(stream=laws.streams.of("fraud.papers", block.number, fraud.number))
        _WRITERS.get(fraud.code, _nothing)(desk, fraud, laws.parameters.frauds.strengths[fraud.code])
        rows = _known(desk, laws)
        if rows:
            days = [_day(row["event_time"], laws) for _, row in rows]
            spells.append(Spell(fraud=fraud, from_day=min(days), to_day=max(days) + 1))
        for kind, row in rows:
            added[kind].append(row)
    if Code.PLEDGED_TWICE in codes:
        for kind, row in _honest_pledges(desk_of, block, frauds, laws):
            added[kind].append(row)
    return {kind: pa.Table.from_pylist(rows, schema=tables[kind].schema) for kind, rows in added.items()}, tuple(spells)


def pledge_twice(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F6: month by month the largest invoices are pledged with one factor, and then with another."""
    turn = 0
    for invoices in desk.invoices(fraud.firm, fraud.from_day, fraud.to_day).values():
        for row in _largest(invoices, int(strength["invoices_per_month"])):
            amount = round(row["amount_minor"] * strength["advance_share"])
            _pledge(desk, fraud.firm, row, amount, lender=FACTORS[0], days_later=ADVANCE_DAYS)
            _pledge_again(desk, fraud.firm, row, amount, way=WAYS[turn % len(WAYS)])
            turn += 1


def trade_in_a_ring(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F7: related firms bill each other in a ring for what nobody made, and the money goes round within days."""
    ring = (*fraud.others, fraud.firm)
    for invoices in desk.invoices(fraud.firm, fraud.from_day, fraud.to_day).values():
        if not invoices:
            continue
        amount = round(sum(row["amount_minor"] for row in invoices) * strength["turnover_share"])
        event = desk.office_time(_largest(invoices, 1)[0]["event_time"], days_later=1)
        for position, firm in enumerate(ring):
            buyer = desk.obligor(ring[(position + 1) % len(ring)])
            number = desk.invoice(firm, event, buyer_id=buyer, amount_minor=amount)
            paid = desk.office_time(event, days_later=RING_PAYS_DAYS)
            desk.add(
                RecordKind.RECEIPT,
                firm,
                paid,
                receipt_id=desk.number(RecordKind.RECEIPT, firm, "RC"),
                invoice_id=number,
                buyer_id=buyer,
                amount_minor=amount,
            )
            event = paid


def bill_too_much(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F8: usual buyers are billed for shipments that no delivery ledger knows, up to a share of the turnover."""
    for invoices in desk.invoices(fraud.firm, fraud.from_day, fraud.to_day).values():
        left = round(sum(row["amount_minor"] for row in invoices) * strength["extra_turnover_share"])
        for row in _largest(invoices, len(invoices)):
            if row["delivery_id"] is None or left < row["amount_minor"]:
                continue
            left -= row["amount_minor"]
            desk.invoice(
                fraud.firm,
                desk.office_time(row["event_time"], days_later=2),
                buyer_id=row["buyer_id"],
                amount_minor=row["amount_minor"],
                delivery_id=row["delivery_id"].rsplit("/", 1)[0] + "/3",
            )


def lease_twice(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F9: a machine is leased with two lessors; the first may be a lease that the firm has already."""
    uid = desk.block.machines.uids[fraud.machine]
    facilities = desk.tables[RecordKind.FACILITY]
    leased = pc.any(pc.equal(facilities["collateral_id"], uid)).as_py()
    amount = round(int(desk.block.machines.value_minor[fraud.machine]) * strength["value_share"])
    start = desk.instant(fraud.from_day)
    lessors = (SECOND_LESSOR,) if leased else (FIRST_LESSOR, SECOND_LESSOR)
    for position, lessor in enumerate(lessors):
        desk.add(
            RecordKind.FACILITY,
            fraud.firm,
            desk.office_time(start, days_later=30 * position),
            facility_id=desk.number(RecordKind.FACILITY, fraud.firm, "FA"),
            lender_id=lessor,
            facility_kind="finance_lease",
            purpose="equipment",
            collateral_id=uid,
            amount_minor=amount,
            rate_per_year=LEASE_RATE,
            instalments=LEASE_INSTALMENTS,
        )


def _pledge(desk: Desk, firm: int, row: Row, amount: int, *, lender: str, days_later: int) -> None:
    event = desk.office_time(row["event_time"], days_later=days_later)
    desk.advance(firm, event, lender=lender, collateral=row["invoice_id"], amount=amount)


def _pledge_again(desk: Desk, firm: int, row: Row, amount: int, *, way: str) -> None:
    event, number = desk.office_time(row["event_time"], days_later=SECOND_ADVANCE_DAYS), row["invoice_id"]
    stem, _, running = number.rpartition("-")
    collaterals = {
        "exact": (number,),
        "edited": (f"{stem}-{int(running)}",),
        "split": (f"{number}/1", f"{number}/2"),
    }.get(way, ())
    if way == "reissued":
        same = {name: row[name] for name in ("buyer_id", "amount_minor", "tax_minor")}
        desk.invoice(firm, event, status="red_letter", corrected_invoice_id=number, due_date=None, **same)
        collaterals = (desk.invoice(firm, event, delivery_id=row["delivery_id"], **same),)
    for collateral in collaterals:
        desk.advance(firm, event, lender=FACTORS[1], collateral=collateral, amount=amount // len(collaterals))


def _honest_pledges(
    desk_of: Callable[..., Desk], block: Block, frauds: Sequence[Fraud], laws: Laws
) -> Iterator[tuple[RecordKind, Row]]:
    strength = laws.parameters.frauds.strengths[Code.PLEDGED_TWICE]
    uniform = laws.streams.of("fraud.honest_pledge", block.number).random(len(block.firms))
    guilty = {fraud.firm for fraud in frauds}
    for firm in np.flatnonzero(uniform < strength["honest_share"]).tolist():
        if firm in guilty:
            continue
        desk = desk_of(stream=laws.streams.of("fraud.honest_papers", block.number, firm))
        for invoices in desk.invoices(firm, 0, laws.calendar.day_count).values():
            for row in _largest(invoices, int(strength["invoices_per_month"])):
                amount = round(row["amount_minor"] * strength["advance_share"])
                _pledge(desk, firm, row, amount, lender=FACTORS[firm % 2], days_later=ADVANCE_DAYS)
        yield from _known(desk, laws)


def _known(desk: Desk, laws: Laws) -> list[tuple[RecordKind, Row]]:
    """The desk's rows that are recorded within the world."""
    end = desk.instant(laws.calendar.day_count)
    return [(kind, row) for kind, rows in desk.rows.items() for row in rows if row["recorded_time"] <= end]


def _largest(invoices: Sequence[Row], count: int) -> list[Row]:
    return sorted(invoices, key=lambda row: (-row["amount_minor"], row["invoice_id"]))[:count]


def _day(instant: datetime, laws: Laws) -> int:
    return (
        int(np.searchsorted(laws.calendar.midnight(np.arange(laws.calendar.day_count)), instant.timestamp() * 1e6)) - 1
    )


def _nothing(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """Frauds on telemetry write no papers."""


_WRITERS = {
    Code.PLEDGED_TWICE: pledge_twice,
    Code.CIRCULAR_TRADE: trade_in_a_ring,
    Code.OVER_INVOICING: bill_too_much,
    Code.LEASED_TWICE: lease_twice,
}
