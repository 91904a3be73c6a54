"""A firm's desk: where papers are written that its own books do not know, alike for fraudsters and for honest firms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from simulator.block import Block, Laws
from simulator.finance.accounts import tax_on
from simulator.frauds.plan import Code
from simulator.told.ledgers import OFFICE_MINUTES, OFFICE_OPENS_SECONDS
from simulator.told.money import MID_MORNING, Tables

FACTORS = ("FACTOR-SYNTHETIC-1", "FACTOR-SYNTHETIC-2")
WAYS = ("exact", "edited", "split", "reissued")
"""How an invoice may be pledged: as it is, under a number a little edited, in two halves, or issued again first."""
DAY_SECONDS = 86_400

Row = dict[str, Any]


@dataclass(slots=True)
class Desk:
    """Where a firm's further papers are written, in numbers of their own until `renumbered` puts them in order."""

    block: Block
    tables: Tables
    laws: Laws
    stream: np.random.Generator
    last_numbers: dict[tuple[RecordKind, ObligorId], int]
    """The last number given so far, shared by the desks of a block."""
    rows: dict[RecordKind, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def own(self, kind: RecordKind, firm: int) -> pa.Table:
        """The firm's rows of a ledger."""
        table = self.tables[kind]
        return table.filter(pc.equal(table["obligor_id"], self.obligor(firm)))

    def invoices(self, firm: int, from_day: int, to_day: int) -> dict[int, list[Row]]:
        """The firm's own issued invoices of these days, by month of the world."""
        invoices = self.own(RecordKind.INVOICE, firm)
        issued = invoices.filter(pc.equal(invoices["status"], "issued")).to_pylist()
        months = [(month.position, *self._span(month.first_day, month.length)) for month in self.laws.calendar.months]
        first, last = self.instant(from_day), self.instant(to_day)
        return {
            position: [row for row in issued if max(begin, first) <= row["event_time"] < min(end, last)]
            for position, begin, end in months
        }

    def obligor(self, firm: int) -> ObligorId:
        """The firm's code."""
        return self.block.firms.obligor_ids[firm]

    def instant(self, day: int) -> datetime:
        """When a day of the world begins."""
        return datetime.fromtimestamp(int(self.laws.calendar.midnight(day)) / 1e6, tz=UTC)

    def office_time(self, day: datetime, *, days_later: int) -> datetime:
        """A minute in office hours some days later."""
        return self._minute(day, days_later, int(self.stream.integers(0, OFFICE_MINUTES)))

    def mid_morning(self, day: datetime, *, days_later: int) -> datetime:
        """The minute of papers that need no drawn time, some days later."""
        return self._minute(day, days_later, MID_MORNING)

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
        """A number that no paper of the firm has yet."""
        key = (kind, self.obligor(firm))
        if key not in self.last_numbers:
            numbers = self.own(kind, firm)[f"{kind}_id"].to_pylist()
            self.last_numbers[key] = max((int(name.rsplit("-", 1)[1]) for name in numbers), default=0)
        self.last_numbers[key] += 1
        return f"{prefix}-{self.obligor(firm)[10:17]}-{self.last_numbers[key]:05d}"

    def invoice(self, firm: int, event: datetime, *, like: Row, **values: Any) -> str:
        """An invoice that the firm issues, with the time for payment that another one grants; its number."""
        number = self.number(RecordKind.INVOICE, firm, "IN")
        granted = like["due_date"] - self._date(like["event_time"])
        defaults = {"invoice_id": number, "status": "issued", "due_date": self._date(event) + granted}
        self.add(RecordKind.INVOICE, firm, event, **{**defaults, **values})
        return number

    def amounts(self, about_minor: int) -> Row:
        """An amount with tax and its tax, so that the tax is right to the minor unit."""
        percent = self.laws.parameters.finance.vat_percent
        net = np.array([about_minor * 100 // (100 + percent)])
        tax = int(tax_on(net, percent)[0])
        return {"amount_minor": int(net[0]) + tax, "tax_minor": tax}

    def receipt(self, firm: int, event: datetime, *, invoice: str, buyer: str, amount: int) -> None:
        """Money that a buyer pays on an invoice."""
        self.add(
            RecordKind.RECEIPT,
            firm,
            event,
            receipt_id=self.number(RecordKind.RECEIPT, firm, "RC"),
            invoice_id=invoice,
            buyer_id=buyer,
            amount_minor=amount,
        )

    def reissue(self, firm: int, row: Row, *, days_later: int) -> str:
        """Take an invoice off by a red-letter invoice and issue it again on the same day; the new number."""
        same = {name: row[name] for name in ("buyer_id", "amount_minor", "tax_minor")}
        off = self.mid_morning(row["event_time"], days_later=days_later)
        corrected = {"corrected_invoice_id": row["invoice_id"], "due_date": None}
        self.invoice(firm, off, like=row, status="red_letter", **corrected, **same)
        again = self.office_time(row["event_time"], days_later=days_later)
        return self.invoice(firm, again, like=row, delivery_id=row["delivery_id"], **same)

    def pledge(self, firm: int, row: Row, amount: int, *, way: str, lender: str, days_later: int) -> None:
        """Draw an advance on an invoice from a factor, in one of the `WAYS`."""
        number = row["invoice_id"]
        if way == "reissued":
            number = self.reissue(firm, row, days_later=days_later)
        stem, _, running = number.rpartition("-")
        ways = {"edited": (f"{stem}-{int(running)}",), "split": (f"{number}/1", f"{number}/2")}
        collaterals = ways.get(way, (number,))
        event = self.office_time(row["event_time"], days_later=days_later)
        for collateral in collaterals:
            self.add(
                RecordKind.FACILITY,
                firm,
                event,
                facility_id=self.number(RecordKind.FACILITY, firm, "FA"),
                lender_id=lender,
                facility_kind="invoice_advance",
                purpose="receivables",
                collateral_id=collateral,
                amount_minor=amount // len(collaterals),
                rate_per_year=self.laws.parameters.frauds.strengths[Code.PLEDGED_TWICE]["advance_rate"],
                instalments=1,
            )

    def known(self) -> list[tuple[RecordKind, Row]]:
        """The rows that are recorded within the world."""
        end = self.instant(self.laws.calendar.day_count)
        return [(kind, row) for kind, rows in self.rows.items() for row in rows if row["recorded_time"] <= end]

    def _minute(self, day: datetime, days_later: int, minute: int) -> datetime:
        micros = np.array([int(day.timestamp() * 1e6)]) + (days_later - 1) * DAY_SECONDS * 1_000_000
        midnight = int(self.laws.calendar.next_midnight(micros)[0])
        return datetime.fromtimestamp(midnight / 1e6 + OFFICE_OPENS_SECONDS + 60 * minute, tz=UTC)

    def _date(self, instant: datetime) -> date:
        """The local date of an instant in office hours."""
        day = self._minute(instant, 0, 0) - timedelta(seconds=OFFICE_OPENS_SECONDS)
        starts = self.laws.calendar.midnight(np.arange(self.laws.calendar.day_count + 1))
        index = int(np.searchsorted(starts, int(day.timestamp() * 1e6), side="right")) - 1
        found: date = self.laws.calendar.date_of(np.array([index]))[0].item()
        return found

    def _span(self, first_day: int, length: int) -> tuple[datetime, datetime]:
        return self.instant(first_day), self.instant(first_day + length)


def largest(invoices: Sequence[Row], count: int) -> list[Row]:
    """The invoices with the largest amounts."""
    return sorted(invoices, key=lambda row: (-row["amount_minor"], row["invoice_id"]))[:count]
