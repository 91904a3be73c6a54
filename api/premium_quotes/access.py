"""Who may read a quote: the partner that asked for it while the consent lasts, and the obligor that it is about."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from api.consents.access import require_visible
from api.database.text import is_storable
from api.http.call import Work
from api.keys.principal import PARTNER_ROLES
from api.premium_quotes import repository as quotes
from data_contracts.errors import NotFound
from data_contracts.identifiers import QuoteId


def require_readable(work: Work, quote_id: str) -> sa.Row[Any]:
    """The stored quote, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    if not is_storable(quote_id):
        raise NotFound(f"No quote {quote_id!r} is stored here.")
    row = quotes.load(work.connection, QuoteId(quote_id))
    require_visible(work.connection, work.principal, row.obligor_id, now=work.now)
    is_theirs = work.principal.role not in PARTNER_ROLES or row.partner_id == work.principal.partner_id
    if not is_theirs or json.loads(row.body)["livemode"] is not work.principal.livemode:
        raise NotFound(f"No quote {quote_id!r} is stored here.")
    return row
