"""Applications as rows, and the lenders that each may be shown to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import application, application_lender
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId, PartnerId


def append(connection: sa.Connection, row: Mapping[str, Any], *, lenders: Iterable[PartnerId]) -> None:
    """Keep an application and whom it may be shown to."""
    connection.execute(application.insert().values(**row))
    named = [{"application_id": row["application_id"], "partner_id": lender} for lender in lenders]
    connection.execute(application_lender.insert(), named)


def load(connection: sa.Connection, application_id: str) -> sa.Row[Any]:
    """The stored row. Raises NotFound."""
    row = connection.execute(sa.select(application).where(application.c.application_id == application_id)).one_or_none()
    if row is None:
        raise NotFound(f"No application {application_id!r} is kept here.")
    return row


def lenders_of(connection: sa.Connection, application_ids: Sequence[str]) -> dict[str, list[PartnerId]]:
    """By application the lenders that it may be shown to, in order of their names."""
    table = application_lender.c
    rows = sa.select(table.application_id, table.partner_id).where(table.application_id.in_(application_ids))
    found: dict[str, list[PartnerId]] = {name: [] for name in application_ids}
    for row in connection.execute(rows.order_by(table.partner_id)):
        found[row.application_id].append(PartnerId(row.partner_id))
    return found


def withdraw(connection: sa.Connection, application_id: str, *, now: datetime) -> None:
    """End an application; one that was withdrawn before keeps its time."""
    still = (application.c.application_id == application_id) & application.c.withdrawn_time.is_(None)
    connection.execute(application.update().where(still).values(withdrawn_time=now))


def page(
    connection: sa.Connection,
    *,
    partner_id: PartnerId | None,
    obligor_ids: sa.Select[str],
    livemode: bool,
    after: tuple[datetime, str] | None,
    limit: int,
    now: datetime,
) -> list[sa.Row[Any]]:
    """Applications of these obligors in order of their filing, after a place in that order: to a partner those that are
    open and may be shown to it, to others all."""
    table = application.c
    rows = sa.select(application).where(table.obligor_id.in_(obligor_ids), table.livemode == livemode)
    if partner_id is not None:
        rows = rows.where(_is_open(now), _names(partner_id))
    if after is not None:
        filed_time, application_id = after
        later = sa.and_(table.filed_time == filed_time, table.application_id > application_id)
        rows = rows.where(sa.or_(table.filed_time > filed_time, later))
    return list(connection.execute(rows.order_by(table.filed_time, table.application_id).limit(limit)))


def open_for(
    connection: sa.Connection, partner_id: PartnerId, *, product: str, currency: str, livemode: bool, now: datetime
) -> dict[ObligorId, sa.Row[Any]]:
    """By obligor its latest open application for a product that may be shown to the partner."""
    table = application.c
    rows = sa.select(application).where(
        table.product == product, table.currency == currency, table.livemode == livemode, _is_open(now)
    )
    told = connection.execute(rows.where(_names(partner_id)).order_by(table.filed_time, table.application_id))
    return {ObligorId(row.obligor_id): row for row in told}


def is_open(row: sa.Row[Any], *, now: datetime) -> bool:
    """Whether an application has neither expired nor been withdrawn."""
    return row.withdrawn_time is None and row.expires_time > now


def _is_open(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(application.c.withdrawn_time.is_(None), application.c.expires_time > now)


def _names(partner_id: PartnerId) -> sa.ColumnElement[bool]:
    shown = sa.select(application_lender.c.application_id).where(application_lender.c.partner_id == partner_id)
    return application.c.application_id.in_(shown)
