"""Documents about stored decisions."""

from __future__ import annotations

import json
from datetime import datetime

from api.access_log.repository import looked
from api.credit_decisions import repository as decisions
from api.database.engine import unit_of_work
from api.home import Home
from data_contracts.identifiers import DecisionId, ObligorId
from risk_reports import credit_memo_document
from risk_reports.document import Document
from risk_reports.wording.catalogue import Language


def memo_document(home: Home, decision_id: DecisionId, language: Language, *, now: datetime) -> Document:
    """The memo of a stored decision in one language, made of its exact answer; the look is noted. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        row = decisions.load(connection, decision_id)
        looked(connection, ObligorId(row.obligor_id), "credit_decision", now=now)
    return credit_memo_document.document(json.loads(row.body), language)
