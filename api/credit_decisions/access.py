"""Who may read a decision: the partner that asked for it while the consent lasts, and the obligor that it is about."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from api.consents.access import require_of_partner
from api.credit_decisions import repository as decisions
from api.database.text import is_storable
from api.http.call import Work
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId


def require_readable(work: Work, decision_id: str) -> sa.Row[Any]:
    """The stored decision, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    missing = f"No decision {decision_id!r} is stored here."
    if not is_storable(decision_id):
        raise NotFound(missing)
    row = decisions.load(work.connection, DecisionId(decision_id))
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
