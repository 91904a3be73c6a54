"""Clearing away what nobody needs any more: leftovers of admissions, old idempotency keys, ended sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import idempotent_request, portal_session
from api.home import Home
from api.operations.recovery import clear_left_over
from data_contracts.observations.store import ObservationStore

FILES_AFTER = timedelta(hours=1)
"""A file that the register does not name may belong to an admission that is still at work."""
LEFT_OVERS_AFTER = timedelta(days=7)
"""What a recovery set aside stays so long, should it be the database that was wrong."""
KEYS_AFTER = timedelta(days=30)
"""An Idempotency-Key is honoured for so long at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How much was cleared away."""

    observation_files: int
    left_over: int
    idempotency_keys: int
    sessions: int


def sweep(home: Home, *, now: datetime) -> Swept:
    """Clear away files that no transaction committed, what a recovery set aside, keys after `KEYS_AFTER`, and sessions
    that have expired."""
    keys = idempotent_request.delete().where(idempotent_request.c.created_time < now - KEYS_AFTER)
    sessions = portal_session.delete().where(portal_session.c.expires_time < now)
    with unit_of_work(home.engine) as connection:
        ended = [connection.execute(statement).rowcount for statement in (keys, sessions)]
        files = _sweep_files(connection, home, now=now)
    left = clear_left_over(home, written_before=now - LEFT_OVERS_AFTER)
    return Swept(observation_files=files, left_over=left, idempotency_keys=ended[0], sessions=ended[1])


def _sweep_files(connection: sa.Connection, home: Home, *, now: datetime) -> int:
    return len(ObservationStore(home.observations).sweep(connection, written_before=now - FILES_AFTER))
