"""The rows that claims are made of. What is asked is prepared once: whatever is kept is asked for as it is logged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from api.database.tables import watch_case, watch_event
from data_contracts.evidence.tables import batch_attestation
from data_contracts.observations.tables import batch, chunk, readmission

VALUES_PER_QUERY = 900

ADMISSIONS = sa.select(*batch.c, batch_attestation.c.level, batch_attestation.c.seal_digest).select_from(
    batch.outerjoin(
        batch_attestation,
        (batch_attestation.c.batch_id == batch.c.batch_id) & (batch_attestation.c.position == 0),
    )
)
"""Admissions, with what was said of each when it came in."""

CASE_EVENTS = sa.select(*watch_event.c, watch_case.c.obligor_id, watch_case.c.opened_on).select_from(
    watch_event.outerjoin(watch_case, watch_case.c.case_id == watch_event.c.case_id)
)
"""What happened in cases, with whose they are; of a case that is gone nobody's, so that its events stay in sight."""

READMITTED = sa.select(readmission.c.readmitted_in).distinct()
"""The batches with which rows came in again."""

CHUNKS = (
    sa.select(
        *(chunk.c.position, chunk.c.unit, chunk.c.period, chunk.c.rows),
        sa.type_coerce(chunk.c.recorded_from, sa.BigInteger),
        chunk.c.leaf,
    )
    .where(chunk.c.batch_id == sa.bindparam("batch_id"))
    .order_by(chunk.c.position)
)
"""What the register says of the chunks of one batch, but their salts."""


def rows_of(
    connection: sa.Connection, table: sa.Table, key: sa.Column[str], subjects: Sequence[str] | None
) -> Iterator[sa.Row[Any]]:
    """The rows of a table whose `key` is one of `subjects`, or all, in its order."""
    yield from selected(connection, _whole(table), key, subjects)


def selected(
    connection: sa.Connection, query: sa.Select[*tuple[Any, ...]], key: sa.Column[str], subjects: Sequence[str] | None
) -> Iterator[sa.Row[Any]]:
    """Those of a query, which is kept with what was prepared of it: one of the module's own."""
    if subjects is None:
        yield from connection.execute(query.order_by(key)).all()
        return
    for start in range(0, len(subjects), VALUES_PER_QUERY):
        some = subjects[start : start + VALUES_PER_QUERY]
        yield from connection.execute(_of_some(query, key), {"subjects": some}).all()


@cache
def _whole(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(table)


@cache
def _of_some(query: sa.Select[*tuple[Any, ...]], key: sa.Column[str]) -> sa.Select[*tuple[Any, ...]]:
    return query.where(key.in_(sa.bindparam("subjects", expanding=True))).order_by(key)
