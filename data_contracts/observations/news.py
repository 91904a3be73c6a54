"""What came in since one looked last: for whoever keeps what was read and must know when it holds no more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.evidence.log import ERASURE
from data_contracts.evidence.tables import log_entry
from data_contracts.identifiers import BatchId
from data_contracts.observations.register import Connection
from data_contracts.observations.tables import batch, chunk

_LAST = sa.select(batch.c.sequence, batch.c.batch_id).order_by(batch.c.sequence.desc()).limit(1)
_AT = sa.select(batch.c.batch_id).where(batch.c.sequence == sa.bindparam("sequence"))
_ERASURES = sa.select(sa.func.count()).select_from(log_entry).where(log_entry.c.kind == ERASURE)
_TOLD_OF = (
    sa.select(chunk.c.unit)
    .join(batch, batch.c.batch_id == chunk.c.batch_id)
    .where(
        batch.c.sequence.between(sa.bindparam("first"), sa.bindparam("last")),
        batch.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far one has seen: the last admission, by its place and name (0 and None where there was none), and how much
    had been erased by then. Admissions take turns, so that none with a lower place comes in later."""

    sequence: int
    batch_id: BatchId | None
    erasures: int


def seen_now(connection: Connection) -> Seen:
    """As far as this connection sees."""
    last = connection.execute(_LAST).one_or_none()
    erasures = connection.scalar(_ERASURES) or 0
    if last is None:
        return Seen(sequence=0, batch_id=None, erasures=erasures)
    return Seen(sequence=last.sequence, batch_id=BatchId(last.batch_id), erasures=erasures)


def told_of_since(
    connection: Connection, before: Seen, now: Seen, *, kinds: Collection[RecordKind]
) -> frozenset[str] | None:
    """The machines (obligors of ledgers) of which batches of these kinds speak that came in after `before` up to `now`.

    None where no such list says what changed: something was erased, or the last admission of then is not that of this
    database any more (it was rolled back, or a backup was put in its place).
    """
    if before == now:
        return frozenset()
    stands = before.batch_id == connection.scalar(_AT, {"sequence": before.sequence})
    if before.erasures != now.erasures or not stands:
        return None
    span = {"first": before.sequence + 1, "last": now.sequence, "kinds": sorted(kind.value for kind in kinds)}
    return frozenset(connection.scalars(_TOLD_OF, span))
