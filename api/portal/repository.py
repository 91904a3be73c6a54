"""Sign-ins and sessions of the manufacturer's page as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import portal_session, portal_user
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


def set_password(connection: sa.Connection, user_id: str, *, password_hash: str) -> None:
    """Keep another password, lift any lock and end every session."""
    connection.execute(
        portal_user.update()
        .where(portal_user.c.user_id == user_id)
        .values(password_hash=password_hash, failed_attempts=0, locked_until=None)
    )
    connection.execute(portal_session.delete().where(portal_session.c.user_id == user_id))


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
    """The session with its user's obligor and sign-in name."""
    return connection.execute(
        sa.select(portal_session, portal_user.c.obligor_id, portal_user.c.sign_in_name)
        .join(portal_user, portal_user.c.user_id == portal_session.c.user_id)
        .where(portal_session.c.token_sha256 == token_sha256)
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
