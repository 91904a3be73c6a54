"""Who looked at whose data, as rows: appended, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import access_log
from api.keys.principal import Role
from data_contracts.identifiers import ObligorId

_INSERT = access_log.insert()


def append(
    connection: sa.Connection, obligor_id: ObligorId, *, viewer: str, role: str, what: str, now: datetime
) -> None:
    """Note that `viewer` looked at `what` of an obligor."""
    row = {"time": now, "obligor_id": obligor_id, "viewer": viewer, "role": role, "what": what}
    connection.execute(_INSERT, row)


def looked(
    connection: sa.Connection, obligor_id: ObligorId, what: str, *, viewer: str = Role.OPERATOR.value, now: datetime
) -> None:
    """Note a look on the command line: by the operator, or by it on behalf of a partner."""
    append(connection, obligor_id, viewer=viewer, role=Role.OPERATOR.value, what=what, now=now)


def newest(
    connection: sa.Connection, obligor_id: ObligorId, *, limit: int, before: int | None = None
) -> list[sa.Row[Any]]:
    """Looks at one obligor, the newest first; with `before`, only those older than that sequence number."""
    rows = sa.select(access_log).where(access_log.c.obligor_id == obligor_id)
    if before is not None:
        rows = rows.where(access_log.c.sequence < before)
    return list(connection.execute(rows.order_by(access_log.c.sequence.desc()).limit(limit)))
