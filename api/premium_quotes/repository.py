"""Premium quotes as rows: appended, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import premium_quote
from api.evidence.claims import Kind
from api.evidence.service import record_answers
from data_contracts.errors import NotFound
from data_contracts.identifiers import PartnerId, QuoteId
from scoring.records import InsuranceProduct, PremiumQuote

MODEL_KINDS: dict[InsuranceProduct, str | None] = {
    InsuranceProduct.EQUIPMENT_UBI: "insurance",
    InsuranceProduct.EXTENDED_WARRANTY: "insurance",
    InsuranceProduct.IDLE_COVER: None,
    InsuranceProduct.GUARANTEE: "credit",
}
"""Which kind of model a quote names; the model of idle cover is its parameters."""


def append(
    connection: sa.Connection,
    quote: PremiumQuote,
    *,
    quote_id: QuoteId,
    partner_id: PartnerId,
    request: dict[str, Any],
    consent_ids: Sequence[str],
    body: bytes,
    now: datetime,
) -> None:
    """Keep the quote; the same question on the same data and versions is the same quote and is kept once."""
    row = {
        "quote_id": quote_id,
        "obligor_id": quote.request.obligor_id,
        "partner_id": partner_id,
        "quoted_time": now,
        "as_of": quote.request.as_of,
        "request": request,
        "snapshot_id": quote.snapshot_id,
        "model_version": quote.model_version,
        "parameters_version": quote.parameters_version,
        "consent_ids": list(consent_ids),
        "body": body,
    }
    insert_once(connection, premium_quote, row)
    record_answers(
        connection,
        Kind.PREMIUM_QUOTE,
        [quote_id],
        models=[(kind, quote.model_version)] if (kind := MODEL_KINDS[quote.request.product]) else [],
        parameters_versions=[quote.parameters_version],
    )


def load(connection: sa.Connection, quote_id: QuoteId) -> sa.Row[Any]:
    """The stored row. Raises NotFound."""
    row = connection.execute(sa.select(premium_quote).where(premium_quote.c.quote_id == quote_id)).one_or_none()
    if row is None:
        raise NotFound(f"No quote {quote_id!r} is stored here.")
    return row
