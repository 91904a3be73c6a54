"""One effect per Idempotency-Key: the key, the request's fingerprint and the answer are kept with the effect.

A key belongs to its owner, operation and mode. The same request gets the same bytes again; another one is refused.
SQLite queues its writers, so that a rival waits and then is answered from what was kept; on PostgreSQL it is told at
once that the request is in flight. Requests that fail are not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import idempotent_request as table
from api.errors import IdempotencyKeyReused, RequestInFlight


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and the exact bytes of a JSON body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Under which name an answer is kept, and what request it answers."""

    owner: str
    route: str
    key: str
    fingerprint: str


def fingerprint(*parts: bytes) -> str:
    """SHA-256 over the parts of a request that decide what it means."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def once(connection: sa.Connection, kept: Kept, effect: Callable[[], Answer], *, now: datetime) -> tuple[Answer, bool]:
    """The answer of `effect`, which happens once; and whether it is a replay.

    Raises IdempotencyKeyReused for another request under the same key, RequestInFlight while a rival is at work.
    """
    _take_turn(connection, kept)
    row = _find(connection, kept)
    if row is not None:
        if row.fingerprint != kept.fingerprint:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was sent before with another request.", hint="Take a new key for a new request."
            )
        return Answer(status=row.status, body=row.body), True
    answer = effect()
    values = {
        "owner": kept.owner,
        "route": kept.route,
        "idempotency_key": kept.key,
        "fingerprint": kept.fingerprint,
        "status": answer.status,
        "body": answer.body,
        "created_time": now,
    }
    connection.execute(table.insert(), values)
    return answer, False


def _take_turn(connection: sa.Connection, kept: Kept) -> None:
    """Hold the key until the transaction ends."""
    if connection.dialect.name != "postgresql":
        return  # the transaction is the only writer since it began
    name = fingerprint(kept.owner.encode(), kept.route.encode(), kept.key.encode())
    number = int.from_bytes(bytes.fromhex(name[:16]), "big", signed=True)
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(sa.cast(number, sa.BigInteger)))):
        raise RequestInFlight(
            "A request with this Idempotency-Key is being worked on.",
            hint="Ask again in a second; it is then answered.",
        )


def _find(connection: sa.Connection, kept: Kept) -> sa.Row[*tuple[Any, ...]] | None:
    return connection.execute(
        sa.select(table.c.fingerprint, table.c.status, table.c.body).where(
            table.c.owner == kept.owner, table.c.route == kept.route, table.c.idempotency_key == kept.key
        )
    ).one_or_none()
