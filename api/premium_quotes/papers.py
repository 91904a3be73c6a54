"""Documents about stored quotes."""

from __future__ import annotations

import json
from datetime import datetime

from api.access_log.repository import looked
from api.database.engine import unit_of_work
from api.home import Home
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import ObligorId, QuoteId
from risk_reports import premium_statement_document
from risk_reports.document import Document
from risk_reports.wording.catalogue import Language


def statement_document(home: Home, quote_id: QuoteId, language: Language, *, now: datetime) -> Document:
    """The statement of a stored quote in one language, made of its exact answer; the look is noted. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        row = quotes.load(connection, quote_id)
        looked(connection, ObligorId(row.obligor_id), "premium_quote", now=now)
    return premium_statement_document.document(json.loads(row.body), language)
