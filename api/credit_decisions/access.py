"""Who may read a decision: the partner that asked for it while the consent lasts, and the obligor that it is about."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from api.consents.access import require_visible
from api.credit_decisions import repository as decisions
from api.database.text import is_storable
from api.http.call import Work
from api.keys.principal import PARTNER_ROLES
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId


def require_readable(work: Work, decision_id: str) -> sa.Row[Any]:
    """The stored decision, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    if not is_storable(decision_id):
        raise NotFound(f"No decision {decision_id!r} is stored here.")
    row = decisions.load(work.connection, DecisionId(decision_id))
    require_visible(work.connection, work.principal, row.obligor_id, now=work.now)
    is_theirs = work.principal.role not in PARTNER_ROLES or row.partner_id == work.principal.partner_id
    if not is_theirs or json.loads(row.body)["livemode"] is not work.principal.livemode:
        raise NotFound(f"No decision {decision_id!r} is stored here.")
    return row
