"""Server-side sessions: the browser holds a random token, the database its hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.home import Home
from api.portal import repository
from data_contracts.identifiers import ObligorId

TOKEN_BYTES = 32
LONGEST_SESSION = timedelta(hours=12)
LONGEST_IDLE = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)
"""Use is noted at most so often: reading a page need not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in. `csrf_token` must come back with every form."""

    token_sha256: str
    csrf_token: str
    obligor_id: ObligorId
    sign_in_name: str

    def owns_form(self, csrf_token: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.csrf_token.encode(), csrf_token.encode())


def start(connection: sa.Connection, user_id: str, *, now: datetime) -> str:
    """Begin a session and return its token, which is not kept."""
    repository.delete_expired_sessions(connection, now=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    repository.insert_session(
        connection,
        token_sha256=_sha256(token),
        user_id=user_id,
        csrf_token=secrets.token_urlsafe(TOKEN_BYTES),
        now=now,
        expires=now + LONGEST_SESSION,
    )
    return token


def find(home: Home, token: str | None, *, now: datetime) -> Session | None:
    """The session of a token, None where it is unknown, ended, too old or too long unused."""
    if not token:
        return None
    with unit_of_work(home.engine) as connection:
        row = repository.find_session(connection, _sha256(token))
        if row is None:
            return None
        if now >= row.expires_time or now - row.last_seen_time >= LONGEST_IDLE:
            repository.delete_session(connection, row.token_sha256)
            return None
        if now - row.last_seen_time >= SEEN_EVERY:
            repository.touch_session(connection, row.token_sha256, now=now)
    return Session(
        token_sha256=row.token_sha256,
        csrf_token=row.csrf_token,
        obligor_id=ObligorId(row.obligor_id),
        sign_in_name=row.sign_in_name,
    )


def end(home: Home, session: Session) -> None:
    """Sign out: the token is worth nothing from now on."""
    with unit_of_work(home.engine) as connection:
        repository.delete_session(connection, session.token_sha256)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
