"""Partners as rows."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from api.database.tables import partner
from data_contracts.errors import NotFound
from data_contracts.identifiers import PartnerId

LOCAL = PartnerId("local")
"""The partner that the command line acts for on a home; never valid for a live key."""

_ONE = sa.select(partner.c.partner_id).where(partner.c.partner_id == sa.bindparam("partner_id"))


def ensure_local(connection: sa.Connection, *, now: datetime) -> None:
    """Make the home's own partner when it is absent."""
    if connection.scalar(sa.select(partner.c.partner_id).where(partner.c.partner_id == LOCAL)) is None:
        connection.execute(
            partner.insert().values(partner_id=LOCAL, name="This home's operator", kind="operator", created_time=now)
        )


def require(connection: sa.Connection, partner_id: PartnerId) -> None:
    """Raises NotFound when there is no such partner; the home's own is known before anything came in."""
    if partner_id == LOCAL:
        return
    if connection.scalar(_ONE, {"partner_id": partner_id}) is None:
        raise NotFound(f"No partner {partner_id!r} is known here.", hint="Leave --partner out to act for this home.")
