"""Warranties in force beside an equipment cover: those that the same insurer bound, as its records say."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from api.database.tables import policy_record
from api.policy_records import ADAPTERS
from api.premium_quotes.question import CoverQuestion
from data_contracts.identifiers import PartnerId
from scoring.cover_basis import HeldWarranty
from scoring.insurance.offers.risk import DAYS_A_YEAR, MONTHS_A_YEAR
from scoring.insurance.policy_life import PolicyState, Record, Step, life_of
from scoring.records import InsuranceProduct


def held_warranties(
    connection: sa.Connection,
    question: CoverQuestion,
    *,
    partner: PartnerId,
    livemode: bool,
    as_of: datetime,
    waiting_months: int,
) -> tuple[HeldWarranty, ...]:
    """The obligor's machines under the partner's warranties on days of the cover asked for, by records up to `as_of`;
    none for another product. Another insurer's policies are nobody's business here."""
    if question.product is not InsuranceProduct.EQUIPMENT_UBI:
        return ()
    waiting = timedelta(days=round(waiting_months * DAYS_A_YEAR / MONTHS_A_YEAR))
    found = [
        HeldWarranty(
            policy_id=state.policy_id, machine_uid=machine, starts=max(first, state.bound.starts + waiting), ends=last
        )
        for state in _warranties(connection, question, partner=partner, livemode=livemode, as_of=as_of)
        for machine, first, last in state.covers
        if machine is not None
    ]
    return tuple(
        held
        for held in found
        if held.starts <= held.ends and held.starts <= question.ends and question.starts <= held.ends
    )


def _warranties(
    connection: sa.Connection, question: CoverQuestion, *, partner: PartnerId, livemode: bool, as_of: datetime
) -> list[PolicyState]:
    table = policy_record.c
    theirs = (table.partner_id == partner) & (table.obligor_id == question.obligor_id) & (table.livemode == livemode)
    asked = sa.select(table.policy_id, table.step, table.facts).where(theirs, table.recorded_time <= as_of)
    records: dict[str, list[Record]] = defaultdict(list)
    for row in connection.execute(asked.order_by(table.policy_id, table.position)):
        records[row.policy_id].append(ADAPTERS[Step(row.step)].validate_python(row.facts))
    states = [life_of(policy_id, kept) for policy_id, kept in records.items()]
    return [state for state in states if state.bound.product is InsuranceProduct.EXTENDED_WARRANTY]
