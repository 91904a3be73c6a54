"""Signing in: a name, a password, at most five wrong attempts in a row.

An attempt is counted before its password is checked, so that many at once are no way around the count; the check
itself runs outside any transaction. Unknown, locked and wrong are told alike and cost the same work.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from api.access_log import repository as access_log
from api.database.engine import unit_of_work
from api.home import Home
from api.keys.principal import Role
from api.obligors import repository as obligors
from api.portal import repository, sessions
from api.portal.passwords import NO_PASSWORD, Passwords, production_passwords
from data_contracts.errors import BusinessError, InputError, NotFound
from data_contracts.identifiers import ObligorId

ATTEMPTS = 5
LOCKED_FOR = timedelta(minutes=15)
LONGEST_NAME = 80
SIGNED_IN = "portal_sign_in"
"""How the access log names a sign-in."""


class SignInNameTaken(BusinessError):
    """Somebody signs in by that name already."""

    code = "sign_in_name_taken"


class InvalidSignInName(InputError):
    """A sign-in name is empty or too long."""

    code = "invalid_sign_in_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """An attempt that was counted: for whom, and the hash to check against (None: not to be heard)."""

    user_id: str | None
    obligor_id: ObligorId | None
    password_hash: str | None


def create_user(
    connection: sa.Connection,
    *,
    obligor_id: ObligorId,
    sign_in_name: str,
    password: str,
    now: datetime,
    passwords: Passwords | None = None,
) -> str:
    """Give an obligor a sign-in and return its user's id.

    Raises NotFound (obligor), InvalidSignInName, SignInNameTaken, WeakPassword.
    """
    obligors.require(connection, obligor_id)
    name = normalised(sign_in_name)
    if not name or len(name) > LONGEST_NAME:
        raise InvalidSignInName(
            f"{sign_in_name!r} is no sign-in name.", hint=f"Choose 1 to {LONGEST_NAME} characters, such as an address."
        )
    if repository.find_user(connection, name) is not None:
        raise SignInNameTaken(
            f"The sign-in name {name!r} is taken.", hint="Choose another one, or give it a new password."
        )
    user_id = uuid4().hex
    repository.insert_user(
        connection,
        user_id=user_id,
        obligor_id=obligor_id,
        sign_in_name=name,
        password_hash=(passwords or production_passwords()).hash(password),
        now=now,
    )
    return user_id


def change_password(
    connection: sa.Connection, *, sign_in_name: str, password: str, passwords: Passwords | None = None
) -> int:
    """Give a sign-in another password, lift its lock and end its sessions; returns how many.

    One that was removed is let in again. Raises NotFound and WeakPassword.
    """
    user = _known_user(connection, sign_in_name)
    kept = (passwords or production_passwords()).hash(password)
    return repository.set_password(connection, user.user_id, password_hash=kept)


def remove_user(connection: sa.Connection, *, sign_in_name: str) -> int:
    """Let nobody in by that name any more and end its sessions; returns how many. Raises NotFound.

    The row stays, so that the name is not given to somebody else; in the place of its hash stands what no password
    fits, and an attempt is answered and costs as if the name were unknown.
    """
    user = _known_user(connection, sign_in_name)
    return repository.set_password(connection, user.user_id, password_hash=NO_PASSWORD)


def sign_in(home: Home, *, sign_in_name: str, password: str, passwords: Passwords, now: datetime) -> str | None:
    """A new session's token, or None: the name is unknown, the password wrong, or the name locked."""
    with unit_of_work(home.engine) as connection:
        attempt = _count(connection, normalised(sign_in_name), now=now)
    is_right = passwords.is_right(password, attempt.password_hash)
    if not is_right or attempt.user_id is None or attempt.obligor_id is None:
        return None
    with unit_of_work(home.engine) as connection:
        repository.set_attempts(connection, attempt.user_id, failed_attempts=0, locked_until=None)
        access_log.append(
            connection,
            attempt.obligor_id,
            viewer=attempt.obligor_id,
            role=Role.OBLIGOR.value,
            what=SIGNED_IN,
            now=now,
        )
        return sessions.start(connection, attempt.user_id, now=now)


def normalised(sign_in_name: str) -> str:
    """A name as it is kept and compared: no matter how it was typed."""
    return unicodedata.normalize("NFKC", sign_in_name).strip().casefold()


def _known_user(connection: sa.Connection, sign_in_name: str) -> sa.Row[Any]:
    user = repository.find_user(connection, normalised(sign_in_name))
    if user is None:
        raise NotFound(f"Nobody signs in as {sign_in_name!r}.", hint="Make the sign-in first: millgrade sign-in add.")
    return user


def _count(connection: sa.Connection, name: str, *, now: datetime) -> _Attempt:
    user = repository.find_user(connection, name) if 0 < len(name) <= LONGEST_NAME else None
    if user is None or user.password_hash == NO_PASSWORD or (user.locked_until is not None and now < user.locked_until):
        return _Attempt(user_id=None, obligor_id=None, password_hash=None)
    before = 0 if user.locked_until is not None else user.failed_attempts
    locked_until = now + LOCKED_FOR if before + 1 >= ATTEMPTS else None
    repository.set_attempts(connection, user.user_id, failed_attempts=before + 1, locked_until=locked_until)
    return _Attempt(user_id=user.user_id, obligor_id=user.obligor_id, password_hash=user.password_hash)
