"""What honest firms do in worlds with frauds on papers, so that no name, number or missing value gives a fraud away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.frauds.desk import FACTORS, WAYS, Desk, Row, largest
from simulator.frauds.plan import Code, Fraud
from simulator.told.money import LESSOR, Tables

LESSORS = (LESSOR, "LESSOR-SYNTHETIC-2")


def told_lessors(tables: Tables, block: Block, laws: Laws) -> Tables:
    """The ledgers with the leases of some of a block's firms granted by the second lessor."""
    share = laws.parameters.frauds.strengths[Code.LEASED_TWICE]["honest_second_lessor_share"]
    uniform = laws.streams.of("fraud.lessor", block.number).random(len(block.firms))
    chosen = [code for code, u in zip(block.firms.obligor_ids, uniform, strict=True) if u < share]
    facilities = tables[RecordKind.FACILITY]
    leased = pc.equal(facilities["facility_kind"], "finance_lease")
    theirs = pc.and_(leased, pc.is_in(facilities["obligor_id"], value_set=pa.array(chosen, pa.string())))
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
        strength = laws.parameters.frauds.strengths[Code.CIRCULAR_TRADE]
        honest = [firm for firm in range(len(block.firms)) if firm not in guilty]
        uniform = laws.streams.of("fraud.honest_trade", block.number).random((len(block.firms), 2))
        for place, firm in enumerate(honest[1:], start=1):
            if uniform[firm, 0] < strength["honest_share"]:
                before = honest[:place][-int(strength["honest_neighbours"]) :]
                desk = desk_of(stream=laws.streams.of("fraud.honest_work", block.number, firm))
                _work_for(desk, firm, before[int(uniform[firm, 1] * len(before))], laws)
                yield from desk.known()


def _pledge_once(desk: Desk, firm: int, laws: Laws) -> None:
    """The largest invoice of each month with one factor: mostly as it is, else in one of the ways of fraudsters."""
    strength = laws.parameters.frauds.strengths[Code.PLEDGED_TWICE]
    for invoices in desk.invoices(firm, 0, laws.calendar.day_count).values():
        for row in largest(invoices, int(strength["invoices_per_month"])):
            plain, turn = desk.stream.random() < strength["honest_plain_share"], int(desk.stream.integers(len(WAYS)))
            desk.pledge(
                firm,
                row,
                round(row["amount_minor"] * strength["advance_share"]),
                way=WAYS[0] if plain else WAYS[turn],
                lender=FACTORS[firm % 2],
                days_later=int(strength["first_advance_days" if plain else "second_advance_days"]),
            )


def _work_for(desk: Desk, firm: int, neighbour: int, laws: Laws) -> None:
    """Each month's contract work, which the neighbour pays; neighbours come before, so that no ring closes."""
    strength = laws.parameters.frauds.strengths[Code.CIRCULAR_TRADE]
    other = desk.invoices(neighbour, 0, laws.calendar.day_count)
    buyer = desk.obligor(neighbour)
    for position, invoices in desk.invoices(firm, 0, laws.calendar.day_count).items():
        if not invoices or not other[position]:
            continue
        like = largest(invoices, 1)[0]
        amounts = desk.amounts(round(sum(row["amount_minor"] for row in invoices) * strength["turnover_share"]))
        event = desk.office_time(like["event_time"], days_later=1)
        number = desk.invoice(firm, event, like=like, buyer_id=buyer, **amounts)
        low, high = int(strength["honest_pays_days_low"]), int(strength["honest_pays_days_high"])
        paid = desk.office_time(event, days_later=int(desk.stream.integers(low, high + 1)))
        desk.receipt(firm, paid, invoice=number, buyer=buyer, amount=amounts["amount_minor"])
