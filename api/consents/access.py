"""Which obligors a key may see. Forbidden and absent are the same NotFound, after the same queries."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.tables import obligor
from api.database.text import is_storable
from api.keys.principal import OBLIGOR_ROLES, Principal, Role
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId

PURPOSES = {Role.BANK: Purpose.CREDIT, Role.INSURER: Purpose.INSURANCE}
"""What the consent must be for that a partner's key rests on."""


def visible_obligors(principal: Principal, *, now: datetime) -> sa.Select[str]:
    """The obligors that a key may see, as a query: a partner those that consent to it and to the platform, an obligor
    itself, an operator all."""
    rows = sa.select(obligor.c.obligor_id)
    if principal.role in PURPOSES:
        told, live = obligor.c.obligor_id, principal.livemode
        platform = consents.consenting(recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now, livemode=live)
        partner = consents.consenting(
            recipient=principal.as_partner(), purpose=PURPOSES[principal.role], now=now, livemode=live
        )
        return rows.where(told.in_(platform), told.in_(partner))
    if principal.role in OBLIGOR_ROLES:
        return rows.where(obligor.c.obligor_id == principal.as_obligor())
    return rows


def require_visible(connection: sa.Connection, principal: Principal, obligor_id: str, *, now: datetime) -> ObligorId:
    """The obligor, if the key may see it. Raises NotFound, whether it is hidden or absent."""
    seen = visible_obligors(principal, now=now).where(obligor.c.obligor_id == obligor_id)
    if not is_storable(obligor_id) or connection.scalar(seen) is None:
        raise NotFound(f"No obligor {obligor_id!r} is known here.")
    return ObligorId(obligor_id)
