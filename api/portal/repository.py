"""Sign-ins and sessions of the manufacturer's page as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import portal_session, portal_user
from api.portal.passwords import NO_PASSWORD
from data_contracts.identifiers import ObligorId


def insert_user(
    connection: sa.Connection,
    *,
    user_id: str,
    obligor_id: ObligorId,
    sign_in_name: str,
    password_hash: str,
    now: datetime,
) -> None:
    """Keep a new sign-in."""
    connection.execute(
        portal_user.insert().values(
            user_id=user_id,
            sign_in_name=sign_in_name,
            password_hash=password_hash,
            obligor_id=obligor_id,
            created_time=now,
            failed_attempts=0,
        )
    )


def find_user(connection: sa.Connection, sign_in_name: str) -> sa.Row[Any] | None:
    """The sign-in of that name, held against other writers until the transaction ends."""
    chosen = sa.select(portal_user).where(portal_user.c.sign_in_name == sign_in_name)
    return connection.execute(chosen.with_for_update()).one_or_none()


def set_attempts(
    connection: sa.Connection, user_id: str, *, failed_attempts: int, locked_until: datetime | None
) -> None:
    """Note how many attempts in a row have failed, and until when no further one is heard."""
    connection.execute(
        portal_user.update()
        .where(portal_user.c.user_id == user_id)
        .values(failed_attempts=failed_attempts, locked_until=locked_until)
    )


def all_users(connection: sa.Connection, *, now: datetime) -> list[sa.Row[Any]]:
    """Every sign-in by name, with how many sessions of it have not run out (`open_sessions`)."""
    is_open = sa.and_(portal_session.c.user_id == portal_user.c.user_id, portal_session.c.expires_time > now)
    counted = sa.select(sa.func.count()).select_from(portal_session).where(is_open).scalar_subquery()
    return list(
        connection.execute(sa.select(portal_user, counted.label("open_sessions")).order_by(portal_user.c.sign_in_name))
    )


def set_password(connection: sa.Connection, user_id: str, *, password_hash: str) -> int:
    """Keep another password, lift any lock and end every session; returns how many."""
    connection.execute(
        portal_user.update()
        .where(portal_user.c.user_id == user_id)
        .values(password_hash=password_hash, failed_attempts=0, locked_until=None)
    )
    return connection.execute(portal_session.delete().where(portal_session.c.user_id == user_id)).rowcount


def insert_session(
    connection: sa.Connection, *, token_sha256: str, user_id: str, csrf_token: str, now: datetime, expires: datetime
) -> None:
    """Keep a new session."""
    connection.execute(
        portal_session.insert().values(
            token_sha256=token_sha256,
            user_id=user_id,
            csrf_token=csrf_token,
            created_time=now,
            last_seen_time=now,
            expires_time=expires,
        )
    )


def find_session(connection: sa.Connection, token_sha256: str) -> sa.Row[Any] | None:
    """The session with its user's obligor and sign-in name; none of a sign-in that was removed while it was made."""
    return connection.execute(
        sa.select(portal_session, portal_user.c.obligor_id, portal_user.c.sign_in_name)
        .join(portal_user, portal_user.c.user_id == portal_session.c.user_id)
        .where(portal_session.c.token_sha256 == token_sha256, portal_user.c.password_hash != NO_PASSWORD)
    ).one_or_none()


def touch_session(connection: sa.Connection, token_sha256: str, *, now: datetime) -> None:
    """Note that the session was used."""
    connection.execute(
        portal_session.update().where(portal_session.c.token_sha256 == token_sha256).values(last_seen_time=now)
    )


def delete_session(connection: sa.Connection, token_sha256: str) -> None:
    """End a session."""
    connection.execute(portal_session.delete().where(portal_session.c.token_sha256 == token_sha256))


def delete_expired_sessions(connection: sa.Connection, *, now: datetime) -> None:
    """Forget sessions that ended by themselves."""
    connection.execute(portal_session.delete().where(portal_session.c.expires_time <= now))
