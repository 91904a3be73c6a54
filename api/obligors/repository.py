"""Obligors as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import obligor
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId
from data_contracts.observations.register import slices

_ONE = sa.select(obligor.c.obligor_id).where(obligor.c.obligor_id == sa.bindparam("obligor_id"))


def insert_unknown(
    connection: sa.Connection, obligor_ids: Sequence[ObligorId], *, registered_by: str, now: datetime
) -> list[ObligorId]:
    """Register those of `obligor_ids` that are not known yet, and return them."""
    known = {name for some in slices(obligor_ids) for name in _registered(connection, some)}
    unknown = [obligor_id for obligor_id in dict.fromkeys(obligor_ids) if obligor_id not in known]
    if unknown:
        connection.execute(
            obligor.insert(),
            [
                {"obligor_id": obligor_id, "registered_time": now, "registered_by": registered_by}
                for obligor_id in unknown
            ],
        )
    return unknown


def _registered(connection: sa.Connection, obligor_ids: Sequence[str]) -> Iterable[str]:
    return connection.scalars(sa.select(obligor.c.obligor_id).where(obligor.c.obligor_id.in_(obligor_ids)))


def all_ids(connection: sa.Connection) -> list[ObligorId]:
    """Every registered obligor, in order of its code."""
    return [
        ObligorId(row) for row in connection.scalars(sa.select(obligor.c.obligor_id).order_by(obligor.c.obligor_id))
    ]


def page(connection: sa.Connection, visible: sa.Select[str], *, after: str | None, limit: int) -> list[sa.Row[Any]]:
    """Rows of the obligors that `visible` selects, in order of their codes, those after a code."""
    rows = sa.select(obligor).where(obligor.c.obligor_id.in_(visible)).order_by(obligor.c.obligor_id).limit(limit)
    return list(connection.execute(rows if after is None else rows.where(obligor.c.obligor_id > after)))


def load(connection: sa.Connection, obligor_id: ObligorId) -> sa.Row[Any]:
    """The obligor's row. Raises NotFound."""
    require(connection, obligor_id)
    return connection.execute(sa.select(obligor).where(obligor.c.obligor_id == obligor_id)).one()


def require(connection: sa.Connection, obligor_id: ObligorId) -> None:
    """Raises NotFound when the obligor is not registered."""
    if connection.scalar(_ONE, {"obligor_id": obligor_id}) is None:
        raise NotFound(
            f"No obligor {obligor_id} is known here.",
            hint="Ingest its telemetry first: millgrade ingest FILE --mapping NAME --obligor USCC.",
        )
