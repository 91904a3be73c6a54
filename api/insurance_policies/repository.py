"""Policies as their records: appended and logged, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.database.tables import policy_record as table
from api.evidence.claims import Kind
from api.evidence.service import record as log_records
from api.identity import answer_id
from api.policy_records import ADAPTERS
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId, PartnerId, QuoteId
from scoring.insurance.policy_life import STEPS, Bound, PolicyState, Record, Step, life_of

STEP_OF = {kind: step for step, kind in STEPS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """One record of a policy, by whom it was made, and what it says as plain values."""

    record_id: str
    step: Step
    recorded_by: str
    record: Record
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicy:
    """A policy: whose it is, and its records in their order."""

    policy_id: str
    obligor_id: ObligorId
    partner_id: PartnerId
    livemode: bool
    records: Sequence[KeptRecord]

    @property
    def state(self) -> PolicyState:
        """What its records say."""
        return life_of(self.policy_id, [kept.record for kept in self.records])


def begin(
    connection: sa.Connection,
    bound: Bound,
    *,
    obligor_id: ObligorId,
    partner_id: PartnerId,
    livemode: bool,
    by: str,
) -> KeptPolicy:
    """Keep the first record of a policy, whose name follows from its quote."""
    policy = KeptPolicy(
        policy_id=answer_id("p", {"quote_id": bound.quote_id}),
        obligor_id=obligor_id,
        partner_id=partner_id,
        livemode=livemode,
        records=(),
    )
    return append(connection, policy, bound, by=by, quote_id=bound.quote_id)


def append(
    connection: sa.Connection, policy: KeptPolicy, record: Record, *, by: str, quote_id: QuoteId | None = None
) -> KeptPolicy:
    """Keep and log one more record of a policy that the caller has locked; returns the policy with it."""
    step, position = STEP_OF[type(record)], len(policy.records)
    facts = ADAPTERS[step].dump_python(record, mode="json")
    record_id = answer_id("l", {"policy_id": policy.policy_id, "position": position, "step": step.value, **facts})
    connection.execute(
        table.insert().values(
            record_id=record_id,
            policy_id=policy.policy_id,
            position=position,
            step=step.value,
            quote_id=quote_id,
            obligor_id=policy.obligor_id,
            partner_id=policy.partner_id,
            livemode=policy.livemode,
            recorded_time=record.recorded_time,
            recorded_by=by,
            facts=facts,
        )
    )
    log_records(connection, Kind.POLICY_RECORD, [record_id])
    return load(connection, policy.policy_id)


def load(connection: sa.Connection, policy_id: str, *, for_update: bool = False) -> KeptPolicy:
    """A policy with all its records; with `for_update` nobody else appends until the transaction ends.

    Raises NotFound.
    """
    query = sa.select(table).where(table.c.policy_id == policy_id).order_by(table.c.position)
    if for_update:
        connection.execute(query.where(table.c.position == 0).with_for_update()).all()
    rows = connection.execute(query).all()
    if not rows:
        raise NotFound(f"No policy {policy_id!r} is kept here.")
    first = rows[0]
    return KeptPolicy(
        policy_id=policy_id,
        obligor_id=ObligorId(first.obligor_id),
        partner_id=PartnerId(first.partner_id),
        livemode=first.livemode,
        records=tuple(_record(row) for row in rows),
    )


def of_quote(connection: sa.Connection, quote_id: QuoteId) -> str | None:
    """The policy that a quote was bound as."""
    return connection.scalar(sa.select(table.c.policy_id).where(table.c.quote_id == quote_id))


def _record(row: sa.Row[Any]) -> KeptRecord:
    step = Step(row.step)
    return KeptRecord(
        record_id=row.record_id,
        step=step,
        recorded_by=row.recorded_by,
        record=ADAPTERS[step].validate_python(row.facts),
        facts=row.facts,
    )
