"""Frauds on papers: invoices pledged twice, sold in a ring or above what was made, and machines leased twice.

Rows are added to what was told; none is taken away. They look like the ledgers' own rows: only what they say together
can give them away, such as one invoice in two pledges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.finance.debt import PAST_DUE_DAYS, instalment
from simulator.finance.terms import INSTALMENT_DAYS
from simulator.frauds.desk import FACTORS, WAYS, Desk, Row, largest
from simulator.frauds.forge import Spell
from simulator.frauds.honest import LESSORS, honest_papers
from simulator.frauds.plan import Code, Fraud
from simulator.told.money import BASIS_POINTS, Tables

SHIPMENTS = (1, 2)
"""An order goes in one shipment or in two."""


def false_papers(
    block: Block, frauds: Sequence[Fraud], codes: Sequence[Code], tables: Tables, laws: Laws
) -> tuple[dict[RecordKind, pa.Table], tuple[Spell, ...]]:
    """The rows that a block's firms add to each ledger, and the spells of their frauds.

    Honest firms do the like in honesty, so that a pledge, or an invoice to a neighbour, gives nobody away.
    """
    added: dict[RecordKind, list[Row]] = defaultdict(list)
    spells: list[Spell] = []
    desk_of = partial(Desk, block=block, tables=tables, laws=laws, last_numbers={})
    for fraud in frauds:
        desk = desk_of(stream=laws.streams.of("fraud.papers", block.number, fraud.number))
        _WRITERS.get(fraud.code, _nothing)(desk, fraud, laws.parameters.frauds.strengths[fraud.code])
        rows = desk.known()
        # Instalments are really paid: a lease told twice is false on the days on which it is drawn.
        if days := [_day(row["event_time"], laws) for kind, row in rows if kind is not RecordKind.REPAYMENT]:
            spells.append(Spell(fraud=fraud, from_day=min(days), to_day=max(days) + 1))
        for kind, row in rows:
            added[kind].append(row)
    for kind, row in honest_papers(desk_of, block, frauds, codes, laws):
        added[kind].append(row)
    return {kind: pa.Table.from_pylist(rows, schema=tables[kind].schema) for kind, rows in added.items()}, tuple(spells)


def is_on_papers(code: Code) -> bool:
    """Whether the fraud adds to ledgers."""
    return code in _WRITERS


def pledge_twice(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F6: month by month the largest invoices are pledged with one factor, and then with another."""
    first, second = int(strength["first_advance_days"]), int(strength["second_advance_days"])
    turn = 0
    for invoices in desk.invoices(fraud.firm, fraud.from_day, fraud.to_day).values():
        for row in largest(invoices, int(strength["invoices_per_month"])):
            amount, way = round(row["amount_minor"] * strength["advance_share"]), WAYS[turn % len(WAYS)]
            desk.pledge(fraud.firm, row, amount, way=WAYS[0], lender=FACTORS[0], days_later=first)
            desk.pledge(fraud.firm, row, amount, way=way, lender=FACTORS[1], days_later=second)
            turn += 1


def trade_in_a_ring(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F7: related firms bill each other in a ring for what nobody made, and the money goes round within days."""
    ring = (*fraud.others, fraud.firm)
    own = {firm: desk.invoices(firm, fraud.from_day, fraud.to_day) for firm in ring}
    for month, invoices in own[fraud.firm].items():
        if not all(own[firm][month] for firm in ring):
            continue
        amounts = desk.amounts(round(sum(row["amount_minor"] for row in invoices) * strength["turnover_share"]))
        event = desk.office_time(largest(invoices, 1)[0]["event_time"], days_later=1)
        for position, firm in enumerate(ring):
            buyer, like = desk.obligor(ring[(position + 1) % len(ring)]), largest(own[firm][month], 1)[0]
            number = desk.invoice(firm, event, like=like, buyer_id=buyer, **amounts)
            event = desk.office_time(event, days_later=int(strength["pays_days"]))
            desk.receipt(firm, event, invoice=number, buyer=buyer, amount=amounts["amount_minor"])


def bill_too_much(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F8: usual buyers are billed for shipments that no delivery ledger knows, up to a share of the turnover."""
    free = _unshipped(desk, fraud.firm)
    for invoices in desk.invoices(fraud.firm, fraud.from_day, fraud.to_day).values():
        left = round(sum(row["amount_minor"] for row in invoices) * strength["extra_turnover_share"])
        for row in largest(invoices, len(invoices)):
            event = desk.office_time(row["event_time"], days_later=2)
            if left < row["amount_minor"] or (shipment := _next_shipment(free, row, event)) is None:
                continue
            left -= row["amount_minor"]
            same = {name: row[name] for name in ("buyer_id", "amount_minor", "tax_minor")}
            desk.invoice(fraud.firm, event, like=row, delivery_id=shipment, **same)


def lease_twice(desk: Desk, fraud: Fraud, strength: Mapping[str, float]) -> None:
    """F9: a machine is leased with two lessors; the first may be a lease that the firm has already."""
    lives, apart = desk.block.lives, int(strength["second_lease_days"])
    if fraud.from_day + apart >= min(lives.default_day[fraud.firm], lives.last_day[fraud.firm]):
        return
    rules, uid = desk.laws.parameters.finance, desk.block.machines.uids[fraud.machine]
    facilities = desk.own(RecordKind.FACILITY, fraud.firm)
    own = facilities.filter(pc.equal(facilities["facility_kind"], "finance_lease"))
    granted = set(own.filter(pc.equal(own["collateral_id"], uid))["lender_id"].to_pylist())
    lessors = [str(lessor) for lessor in desk.stream.permutation(LESSORS) if lessor not in granted]
    low, high = rules.lease_rate_bp
    drawn = int(desk.stream.integers(low, high + 1)) / BASIS_POINTS
    rate = own["rate_per_year"][0].as_py() if len(own) else drawn
    amount = int(desk.block.machines.value_minor[fraud.machine]) * rules.lease_financed_percent // 100
    for position, lessor in enumerate(lessors[: 1 + int(strength["machines_leased"])]):
        number, start = desk.number(RecordKind.FACILITY, fraud.firm, "FA"), apart * position
        desk.add(
            RecordKind.FACILITY,
            fraud.firm,
            desk.mid_morning(desk.instant(fraud.from_day), days_later=start),
            facility_id=number,
            lender_id=lessor,
            facility_kind="finance_lease",
            purpose="equipment",
            collateral_id=uid,
            amount_minor=amount,
            rate_per_year=rate,
            instalments=rules.lease_instalments,
        )
        _repay(desk, fraud.firm, number, fraud.from_day + start, amount=amount, rate_bp=round(rate * BASIS_POINTS))


def _repay(desk: Desk, firm: int, facility: str, start: int, *, amount: int, rate_bp: int) -> None:
    """A lease's instalments on the firm's own days, paid until ninety days before a default."""
    lives, calendar = desk.block.lives, desk.laws.calendar
    dates = desk.own(RecordKind.REPAYMENT, firm)["due_date"].to_pylist()
    first = calendar.date_of(np.array([0]))[0].item()
    phase = (dates[0] - first).days if dates else start
    due = start + INSTALMENT_DAYS - (start - phase) % INSTALMENT_DAYS
    stops = int(lives.default_day[firm]) - PAST_DUE_DAYS
    end = min(int(lives.last_day[firm]), calendar.day_count)
    if lives.default_day[firm] >= calendar.day_count:
        stops = calendar.day_count
    principal, total = np.array([amount]), desk.laws.parameters.finance.lease_instalments
    for number, day in enumerate(range(due, end, INSTALMENT_DAYS)[:total], start=1):
        part, interest = instalment(principal, np.array([total + 1 - number]), np.array([rate_bp]))
        principal, owed, is_paid = principal - part, int((part + interest)[0]), day < stops
        date = first + timedelta(days=day)
        desk.add(
            RecordKind.REPAYMENT,
            firm,
            desk.instant(day),
            facility_id=facility,
            instalment=number,
            due_date=date,
            amount_due_minor=owed,
            amount_paid_minor=owed * is_paid,
            paid_date=date if is_paid else None,
        )


def _unshipped(desk: Desk, firm: int) -> dict[str, list[tuple[datetime, str]]]:
    """By buyer: when each order came, and the numbers of the shipments of it that never left, in order."""
    shipped = set(desk.own(RecordKind.DELIVERY, firm)["delivery_id"].to_pylist())
    free: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for order in desk.own(RecordKind.PURCHASE_ORDER, firm).to_pylist():
        for number in SHIPMENTS:
            if (shipment := f"{order['order_id']}/{number}") not in shipped:
                free[order["buyer_id"]].append((order["event_time"], shipment))
    return free


def _next_shipment(free: Mapping[str, list[tuple[datetime, str]]], row: Row, event: datetime) -> str | None:
    """A shipment that might have left for the buyer of an invoice: of its own order, else of the latest before it.

    It is taken off what is free.
    """
    left = free[row["buyer_id"]]
    own = [place for place, (_, shipment) in enumerate(left) if shipment[:-2] == row["delivery_id"][:-2]]
    earlier = [place for place, (came, _) in enumerate(left) if came < event]
    return left.pop((own or earlier)[-1])[1] if own or earlier else None


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
