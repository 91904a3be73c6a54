"""Overrides as rows: a proposal and a confirmation, each appended and logged, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from api.database.tables import decision_override, override_confirmation
from api.evidence.claims import Kind
from api.evidence.service import record
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId
from scoring.decision.override import Confirmation, Override
from scoring.records import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOverride:
    """An override with its name, its decision, and the second person's word, if it was given."""

    override_id: str
    decision_id: DecisionId
    override: Override
    confirmation: Confirmation | None


def propose(connection: sa.Connection, override_id: str, decision_id: DecisionId, override: Override) -> None:
    """Keep and log a proposal."""
    row = {"override_id": override_id, "decision_id": decision_id, **asdict(override)}
    connection.execute(decision_override.insert().values(row | {"outcome": override.outcome.value}))
    record(connection, Kind.OVERRIDE, [override_id])


def confirm(connection: sa.Connection, override_id: str, confirmation: Confirmation) -> None:
    """Keep and log the second person's word."""
    connection.execute(override_confirmation.insert().values(override_id=override_id, **asdict(confirmation)))
    record(connection, Kind.OVERRIDE_CONFIRMATION, [override_id])


def load(connection: sa.Connection, override_id: str) -> KeptOverride:
    """The override of that name. Raises NotFound."""
    found = _selected(connection, decision_override.c.override_id == override_id)
    if not found:
        raise NotFound(f"No override {override_id!r} is stored here.")
    return found[0]


def of_decision(connection: sa.Connection, decision_id: DecisionId) -> Sequence[KeptOverride]:
    """Every override of a decision, in order of proposal."""
    return _selected(connection, decision_override.c.decision_id == decision_id)


def every(connection: sa.Connection) -> Sequence[KeptOverride]:
    """Every override, in order of proposal."""
    return _selected(connection, sa.true())


def _selected(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> list[KeptOverride]:
    joined = decision_override.join(override_confirmation, isouter=True)
    confirmed = (override_confirmation.c.confirmed_by, override_confirmation.c.confirmed_time)
    query = sa.select(decision_override, *confirmed).select_from(joined).where(chosen)
    rows = connection.execute(query.order_by(decision_override.c.proposed_time, decision_override.c.override_id))
    return [
        KeptOverride(
            override_id=row.override_id,
            decision_id=DecisionId(row.decision_id),
            override=Override(
                outcome=Outcome(row.outcome),
                reason_code=row.reason_code,
                reason_text=row.reason_text,
                proposed_by=row.proposed_by,
                proposed_time=row.proposed_time,
                expires_time=row.expires_time,
            ),
            confirmation=None
            if row.confirmed_by is None
            else Confirmation(confirmed_by=row.confirmed_by, confirmed_time=row.confirmed_time),
        )
        for row in rows
    ]
