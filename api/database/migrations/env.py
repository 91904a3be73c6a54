"""Alembic's entry: runs the migrations on the connection that `api.database.migrate` hands over."""

from __future__ import annotations

from typing import Literal

from alembic import context

from api.database import tables as business
from data_contracts.evidence import tables as evidence
from data_contracts.observations import tables as observations


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """A migration knows no code of ours: an instant is the big integer that it is stored as."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, observations.Instant) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=[business.metadata, observations.metadata, evidence.metadata],
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
)
context.run_migrations()
