"""Partners as rows."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import lender_name, partner
from data_contracts.errors import NotFound
from data_contracts.identifiers import PartnerId

LOCAL = PartnerId("local")
"""The partner that the command line acts for on a home; never valid for a live key."""

_ONE = sa.select(partner.c.partner_id).where(partner.c.partner_id == sa.bindparam("partner_id"))

_NAMES = (
    sa.select(lender_name.c.lender_id)
    .where(lender_name.c.partner_id == sa.bindparam("partner_id"))
    .order_by(lender_name.c.lender_id)
)


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


def lender_names(connection: sa.Connection, partner_id: PartnerId) -> list[str]:
    """Under which names facility ledgers tell of what is owed to the partner, in order; none where nobody said."""
    return list(connection.scalars(_NAMES, {"partner_id": partner_id}))


def tell_lender_name(connection: sa.Connection, partner_id: PartnerId, name: str, *, now: datetime) -> None:
    """Keep one more name, with the time at which it was first told."""
    row = {"partner_id": partner_id, "lender_id": name, "told_time": now}
    insert_once(connection, lender_name, row)
