"""What honest firms do in worlds with frauds on papers, so that no name, number or missing value gives a fraud away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.frauds.desk import ADVANCE_DAYS, FACTORS, SECOND_ADVANCE_DAYS, WAYS, Desk, Row, largest
from simulator.frauds.plan import Code, Fraud
from simulator.told.money import LESSOR, Tables

LESSORS = (LESSOR, "LESSOR-SYNTHETIC-2")
PLAIN_SHARE = 0.7
"""Of the invoices that honest firms pledge: as they are, soon after their issue."""
RELATED_SHARE = 0.1
"""Of honest firms: bill a neighbour for contract work, which has no delivery."""
RELATED_PAYS_DAYS = (5, 40)
NEIGHBOURS = 3
"""Honest firms right after it, of which a firm works for one."""


def told_lessors(tables: Tables, block: Block, laws: Laws) -> Tables:
    """The ledgers with the leases of half of a block's firms granted by the second lessor."""
    uniform = laws.streams.of("fraud.lessor", block.number).random(len(block.firms))
    second = pa.array([code for code, u in zip(block.firms.obligor_ids, uniform, strict=True) if u < 0.5], pa.string())
    facilities = tables[RecordKind.FACILITY]
    leased = pc.equal(facilities["facility_kind"], "finance_lease")
    theirs = pc.and_(leased, pc.is_in(facilities["obligor_id"], value_set=second))
    lenders = pc.if_else(theirs, LESSORS[1], facilities["lender_id"])
    position = facilities.schema.get_field_index("lender_id")
    field = facilities.schema.field("lender_id")
    return {**tables, RecordKind.FACILITY: facilities.set_column(position, field, lenders.cast(field.type))}


def honest_papers(
    desk_of: Callable[..., Desk], block: Block, frauds: Sequence[Fraud], codes: Sequence[Code], laws: Laws
) -> Iterator[tuple[RecordKind, Row]]:
    """What a block's honest firms add to the ledgers, by the frauds that are asked for."""
    guilty = {firm for fraud in frauds for firm in (fraud.firm, *(fraud.others if fraud.is_by_several_firms else ()))}
    if Code.PLEDGED_TWICE in codes:
        share = laws.parameters.frauds.strengths[Code.PLEDGED_TWICE]["honest_share"]
        uniform = laws.streams.of("fraud.honest_pledge", block.number).random(len(block.firms))
        for firm in np.flatnonzero(uniform < share).tolist():
            if firm not in guilty:
                desk = desk_of(stream=laws.streams.of("fraud.honest_papers", block.number, firm))
                _pledge_once(desk, firm, laws)
                yield from desk.known()
    if Code.CIRCULAR_TRADE in codes:
        honest = [firm for firm in range(len(block.firms)) if firm not in guilty]
        uniform = laws.streams.of("fraud.honest_trade", block.number).random((len(block.firms), 2))
        for place, firm in enumerate(honest[:-1]):
            if uniform[firm, 0] < RELATED_SHARE:
                after = honest[place + 1 : place + 1 + NEIGHBOURS]
                desk = desk_of(stream=laws.streams.of("fraud.honest_work", block.number, firm))
                _work_for(desk, firm, after[int(uniform[firm, 1] * len(after))], laws)
                yield from desk.known()


def _pledge_once(desk: Desk, firm: int, laws: Laws) -> None:
    """The largest invoice of each month with one factor: mostly as it is, else in one of the ways of fraudsters."""
    strength = laws.parameters.frauds.strengths[Code.PLEDGED_TWICE]
    for invoices in desk.invoices(firm, 0, laws.calendar.day_count).values():
        for row in largest(invoices, int(strength["invoices_per_month"])):
            plain, turn = desk.stream.random() < PLAIN_SHARE, int(desk.stream.integers(len(WAYS)))
            desk.pledge(
                firm,
                row,
                round(row["amount_minor"] * strength["advance_share"]),
                way=WAYS[0] if plain else WAYS[turn],
                lender=FACTORS[firm % 2],
                days_later=ADVANCE_DAYS if plain else SECOND_ADVANCE_DAYS,
            )


def _work_for(desk: Desk, firm: int, neighbour: int, laws: Laws) -> None:
    """Each month's contract work, which the neighbour pays; neighbours come after, so that no ring closes."""
    share = laws.parameters.frauds.strengths[Code.CIRCULAR_TRADE]["turnover_share"]
    other = desk.invoices(neighbour, 0, laws.calendar.day_count)
    buyer = desk.obligor(neighbour)
    for position, invoices in desk.invoices(firm, 0, laws.calendar.day_count).items():
        if not invoices or not other[position]:
            continue
        like = largest(invoices, 1)[0]
        amounts = desk.amounts(round(sum(row["amount_minor"] for row in invoices) * share))
        event = desk.office_time(like["event_time"], days_later=1)
        number = desk.invoice(firm, event, like=like, buyer_id=buyer, **amounts)
        low, high = RELATED_PAYS_DAYS
        paid = desk.office_time(event, days_later=int(desk.stream.integers(low, high + 1)))
        desk.receipt(firm, paid, invoice=number, buyer=buyer, amount=amounts["amount_minor"])
