"""The list of sign-ins to the manufacturer's page."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from api.database.engine import unit_of_work
from api.home import Home
from api.portal import repository, sign_in
from api.portal.passwords import NO_PASSWORD
from data_contracts.identifiers import ObligorId

PASSWORD_BYTES = 16


def add(home: Home, obligor: ObligorId, *, name: str, password: str | None, now: datetime) -> dict[str, Any]:
    """Let somebody sign in for an obligor. Without a `password` one is made: the answer alone ever shows it.

    Raises NotFound (obligor), InvalidSignInName, SignInNameTaken, WeakPassword.
    """
    chosen = _made() if password is None else password
    with unit_of_work(home.engine) as connection:
        sign_in.create_user(connection, obligor_id=obligor, sign_in_name=name, password=chosen, now=now)
    shown = chosen if password is None else None
    return {"name": sign_in.normalised(name), "obligor_id": obligor, "password": shown}


def listed(home: Home, *, now: datetime) -> list[dict[str, Any]]:
    """Every sign-in by name: for whom, whether it is paused or removed, how many sessions are open; never a hash."""
    with unit_of_work(home.engine) as connection:
        users = repository.all_users(connection, now=now)
    return [
        {
            "name": user.sign_in_name,
            "obligor_id": user.obligor_id,
            "created_time": user.created_time.isoformat(),
            "is_locked": user.locked_until is not None and now < user.locked_until,
            "is_removed": user.password_hash == NO_PASSWORD,
            "open_sessions": user.open_sessions,
        }
        for user in users
    ]


def set_password(home: Home, *, name: str, password: str | None) -> dict[str, Any]:
    """Give a sign-in another password, its own or one made here, lift its pause and end its sessions.

    One that was removed may sign in again. Raises NotFound and WeakPassword.
    """
    chosen = _made() if password is None else password
    with unit_of_work(home.engine) as connection:
        ended = sign_in.change_password(connection, sign_in_name=name, password=chosen)
    shown = chosen if password is None else None
    return {"name": sign_in.normalised(name), "sessions_ended": ended, "password": shown}


def remove(home: Home, *, name: str, now: datetime) -> dict[str, Any]:
    """Let nobody in by that name from now on and end its sessions. Raises NotFound.

    Nothing is deleted: the name stays taken and what the access log says of it stays. The table has no mark for it;
    a hash that no password fits stands in the old one's place.
    """
    with unit_of_work(home.engine) as connection:
        ended = sign_in.remove_user(connection, sign_in_name=name)
    return {"name": sign_in.normalised(name), "ended_time": now.isoformat(), "sessions_ended": ended}


def _made() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
