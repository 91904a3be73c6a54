"""The terms of a decision of the chain, as rows: appended and logged, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import decision_terms as table
from api.evidence.claims import Kind
from api.evidence.service import record
from api.identity import answer_id
from data_contracts.identifiers import DecisionId
from scoring.canonical import canonical_bytes


def keep(connection: sa.Connection, decision_id: DecisionId, terms: Mapping[str, Any] | None, *, now: datetime) -> None:
    """Keep and log what a decision was told to rest on; the same terms once, with their first time. None is nothing to
    keep."""
    if terms is None:
        return
    terms_id = answer_id("t", {"decision_id": decision_id, "terms": terms})
    row = {"terms_id": terms_id, "decision_id": decision_id, "told_time": now, "body": canonical_bytes(terms)}
    insert_once(connection, table, row)
    record(connection, Kind.DECISION_TERMS, [terms_id])


def latest(connection: sa.Connection, decision_id: DecisionId) -> dict[str, Any] | None:
    """The terms that were told last, if any were."""
    rows = sa.select(table.c.body).where(table.c.decision_id == decision_id)
    body = connection.scalar(rows.order_by(table.c.told_time.desc(), table.c.terms_id).limit(1))
    found: dict[str, Any] | None = None if body is None else json.loads(body)
    return found
