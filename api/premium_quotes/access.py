"""Who may read a quote: the partner that asked for it while the consent lasts, and the obligor that it is about."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from api.consents.access import require_of_partner
from api.database.text import is_storable
from api.http.call import Work
from api.premium_quotes import repository as quotes
from data_contracts.errors import NotFound
from data_contracts.identifiers import QuoteId


def require_readable(work: Work, quote_id: str) -> sa.Row[Any]:
    """The stored quote, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    missing = f"No quote {quote_id!r} is stored here."
    if not is_storable(quote_id):
        raise NotFound(missing)
    row = quotes.load(work.connection, QuoteId(quote_id))
    require_of_partner(
        work.connection,
        work.principal,
        obligor_id=row.obligor_id,
        partner_id=row.partner_id,
        livemode=json.loads(row.body)["livemode"],
        now=work.now,
        missing=missing,
    )
    return row
