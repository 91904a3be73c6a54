"""Who may see a pledge: its partner while the consent lasts, and the obligor whose things are pledged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from api.consents.access import require_of_partner
from api.database.text import is_storable
from api.http.call import Work
from api.pledges import repository as pledges
from data_contracts.errors import NotFound


def require_readable(work: Work, pledge_id: str) -> sa.Row[Any]:
    """The pledge, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    missing = f"No pledge {pledge_id!r} is kept here."
    if not is_storable(pledge_id):
        raise NotFound(missing)
    row = pledges.load(work.connection, pledge_id)
    require_of_partner(
        work.connection,
        work.principal,
        obligor_id=row.obligor_id,
        partner_id=row.partner_id,
        livemode=row.livemode,
        now=work.now,
        missing=missing,
    )
    return row


def require_held(work: Work, pledge_id: str) -> sa.Row[Any]:
    """The pledge, if it was made to the key's partner. It may be ended after the consent was: that sets things free.

    Raises NotFound.
    """
    if not is_storable(pledge_id):
        raise NotFound(f"No pledge {pledge_id!r} is kept here.")
    row = pledges.load(work.connection, pledge_id)
    if row.partner_id != work.principal.partner_id or row.livemode is not work.principal.livemode:
        raise NotFound(f"No pledge {pledge_id!r} is kept here.")
    return row
