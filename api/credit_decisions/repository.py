"""Credit decisions as rows: appended, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import credit_decision, partner
from api.evidence.claims import Kind
from api.evidence.service import record_answers
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from scoring.governance import ModelMandate
from scoring.records import CreditDecision


def append(
    connection: sa.Connection,
    decision: CreditDecision,
    *,
    decision_id: DecisionId,
    partner_id: PartnerId,
    request: dict[str, Any],
    consent_ids: Sequence[str],
    mandate: ModelMandate,
    body: bytes,
    now: datetime,
) -> None:
    """Keep the decision; the same question on the same data and versions is the same decision and is kept once."""
    row = {
        "decision_id": decision_id,
        "obligor_id": decision.request.obligor_id,
        "partner_id": partner_id,
        "decided_time": now,
        "as_of": decision.request.as_of,
        "outcome": decision.outcome.value,
        "rating_grade": decision.score.rating_grade,
        "request": request,
        "snapshot_id": decision.score.snapshot_id,
        "model_version": decision.score.model_version,
        "parameters_version": decision.score.parameters_version,
        "consent_ids": list(consent_ids),
        "model_mandate": mandate.value,
        "body": body,
    }
    insert_once(connection, credit_decision, row)
    record_answers(
        connection,
        Kind.CREDIT_DECISION,
        [decision_id],
        models=[("credit", decision.score.model_version)],
        parameters_versions=[decision.score.parameters_version],
    )


_OF_NAME = sa.select(credit_decision).where(credit_decision.c.decision_id == sa.bindparam("name"))


def load(connection: sa.Connection, decision_id: DecisionId) -> sa.Row[Any]:
    """The stored row. Raises NotFound."""
    row = connection.execute(_OF_NAME, {"name": decision_id}).one_or_none()
    if row is None:
        raise NotFound(f"No decision {decision_id!r} is stored here.")
    return row


def latest_of_each_partner(connection: sa.Connection, obligor_id: ObligorId) -> list[sa.Row[Any]]:
    """Every partner's latest decision about an obligor, with its partner's name, the latest first."""
    table = credit_decision.c
    order = sa.func.row_number().over(
        partition_by=table.partner_id, order_by=(table.as_of.desc(), table.decided_time.desc(), table.decision_id)
    )
    ranked = sa.select(table.decision_id, order.label("place")).where(table.obligor_id == obligor_id).subquery()
    latest = (
        sa.select(credit_decision, partner.c.name.label("partner_name"))
        .join(ranked, (ranked.c.decision_id == table.decision_id) & (ranked.c.place == 1))
        .join(partner, partner.c.partner_id == table.partner_id)
    )
    return list(connection.execute(latest.order_by(table.as_of.desc(), table.decision_id)))


def count(connection: sa.Connection) -> int:
    """How many decisions are kept."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(credit_decision)) or 0)
