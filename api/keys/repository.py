"""API keys as rows: the hash of the whole key, never the key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import api_key, obligor, partner
from api.keys.principal import Principal, Role
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId, PartnerId

_ONE = sa.select(api_key).where(api_key.c.key_id == sa.bindparam("key_id"))


def insert(connection: sa.Connection, principal: Principal, *, secret_sha256: str, now: datetime) -> None:
    """Keep a new key."""
    connection.execute(
        api_key.insert().values(
            key_id=principal.key_id,
            secret_sha256=secret_sha256,
            role=principal.role.value,
            partner_id=principal.partner_id,
            obligor_id=principal.obligor_id,
            livemode=principal.livemode,
            created_time=now,
        )
    )


def find(connection: sa.Connection, key_id: str) -> sa.Row[Any] | None:
    """The key's row, or None."""
    return connection.execute(_ONE, {"key_id": key_id}).one_or_none()


def list_all(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Every key, oldest first."""
    return list(connection.execute(sa.select(api_key).order_by(api_key.c.created_time, api_key.c.key_id)))


def revoke(connection: sa.Connection, key_id: str, *, now: datetime) -> None:
    """End a key; one that was ended before keeps its time. Raises NotFound."""
    if find(connection, key_id) is None:
        raise NotFound(f"No key {key_id!r} is kept here.", hint="Run: millgrade key list")
    ending = api_key.update().where(api_key.c.key_id == key_id, api_key.c.revoked_time.is_(None))
    connection.execute(ending.values(revoked_time=now))


def require_owner(connection: sa.Connection, *, partner_id: PartnerId | None, obligor_id: ObligorId | None) -> None:
    """Raises NotFound when the partner or obligor that a key would act for is not registered."""
    if partner_id is not None and not connection.scalar(_one(partner.c.partner_id, partner_id)):
        raise NotFound(f"No partner {partner_id!r} is known here.", hint="Run: millgrade partner add")
    if obligor_id is not None and not connection.scalar(_one(obligor.c.obligor_id, obligor_id)):
        raise NotFound(f"No obligor {obligor_id!r} is known here.", hint="Run: millgrade obligor add")


def principal_of(row: sa.Row[Any]) -> Principal:
    """The owner that a row speaks of."""
    return Principal(
        role=Role(row.role),
        partner_id=row.partner_id,
        obligor_id=row.obligor_id,
        livemode=row.livemode,
        key_id=row.key_id,
    )


def _one(column: sa.Column[str], value: str) -> sa.Select[str]:
    return sa.select(column).where(column == value)
