"""Offers of recourse and re-scores as rows: appended and logged, never changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import credit_decision, recourse_offer, recourse_rescore
from api.evidence.claims import Kind
from api.evidence.service import record
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId


def append_offer(
    connection: sa.Connection,
    offer_id: str,
    decision_id: DecisionId,
    *,
    good_until: date | None,
    plans: int,
    note: str,
    body: bytes,
    now: datetime,
) -> None:
    """Keep and log an offer; the same offer is kept once."""
    row = {
        "offer_id": offer_id,
        "decision_id": decision_id,
        "made_time": now,
        "good_until": good_until,
        "plans": plans,
        "note": note,
        "body": body,
    }
    insert_once(connection, recourse_offer, row)
    record(connection, Kind.RECOURSE_OFFER, [offer_id])


def append_rescore(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Keep and log what was concluded when a plan was reported done."""
    insert_once(connection, recourse_rescore, row)
    record(connection, Kind.RECOURSE_RESCORE, [row["rescore_id"]])


def load(connection: sa.Connection, offer_id: str) -> sa.Row[Any]:
    """The stored offer. Raises NotFound."""
    row = connection.execute(sa.select(recourse_offer).where(recourse_offer.c.offer_id == offer_id)).one_or_none()
    if row is None:
        raise NotFound(f"No offer {offer_id!r} is stored here.")
    return row


def find_latest_of(connection: sa.Connection, decision_id: DecisionId) -> sa.Row[Any] | None:
    """The latest offer about a decision; None where there is none."""
    of_decision = sa.select(recourse_offer).where(recourse_offer.c.decision_id == decision_id)
    return connection.execute(of_decision.order_by(recourse_offer.c.made_time.desc()).limit(1)).one_or_none()


def latest_of(connection: sa.Connection, decision_id: DecisionId) -> sa.Row[Any]:
    """The latest offer about a decision. Raises NotFound."""
    row = find_latest_of(connection, decision_id)
    if row is None:
        raise NotFound(f"No offer about decision {decision_id!r} is stored here.")
    return row


def rescores(connection: sa.Connection, offer_id: str) -> list[bytes]:
    """What was concluded each time that a plan of the offer was reported done, in order."""
    table = recourse_rescore.c
    chosen = sa.select(table.body).where(table.offer_id == offer_id)
    return list(connection.scalars(chosen.order_by(table.reported_time, table.rescore_id)))


def latest_decision(
    connection: sa.Connection, obligor_id: ObligorId, partner_id: PartnerId, *, as_of: datetime
) -> DecisionId:
    """The decision of the latest `as_of` up to that one about an obligor for a partner. Raises NotFound."""
    table = credit_decision.c
    chosen = sa.select(table.decision_id).where(
        table.obligor_id == obligor_id, table.partner_id == partner_id, table.as_of <= as_of
    )
    found = connection.scalar(chosen.order_by(table.as_of.desc(), table.decided_time.desc()).limit(1))
    if found is None:
        raise NotFound(
            f"No decision about {obligor_id} up to {as_of.isoformat()} is stored for {partner_id}.",
            hint="Decide first: millgrade decide.",
        )
    return DecisionId(found)
