"""How far each batch can be trusted to come from where it says: what was said of it, and what has become known since.

A level is said when a batch comes in and whenever more is known; nothing that was said is taken back. What counts
against a whole chain, a fork or a key that was stolen, is read when the level is asked for, as it was known then.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa

from data_contracts.evidence.chain import DIVIDING
from data_contracts.evidence.tables import (
    batch_attestation,
    gateway_fault,
    gateway_key_end,
    gateway_seal,
)

Connection = sa.Connection

VALUES_PER_QUERY = 900


class AttestationLevel(StrEnum):
    """How far a batch can be trusted to come from where it says. No level says that a sensor told the truth."""

    SELF_DECLARED = "L0"
    """A file that somebody handed in, or history loaded late."""

    AUTHENTICATED = "L1"
    """Over an authenticated channel; or sealed, but something is wrong with the chain or its key."""

    SEALED = "L2"
    """Signed by the gateway and in its chain."""

    CROSS_CHECKED = "L3"
    """Held against an independent source: a utility's meter, a tax record."""

    THIRD_PARTY = "L4"
    """Attested on site, or by a third party."""


def attest(
    connection: Connection,
    batch_id: str,
    level: AttestationLevel,
    *,
    seal_digest: str | None = None,
    by: str,
    evidence: str | None = None,
    now_us: int,
) -> int:
    """Say how far a batch can be trusted, after what was said before; returns the place of this saying."""
    table = batch_attestation.c
    last = connection.scalar(sa.select(sa.func.max(table.position)).where(table.batch_id == batch_id))
    position = 0 if last is None else last + 1
    row = {"batch_id": batch_id, "position": position, "level": level.value, "seal_digest": seal_digest}
    told = {"attested_by": by, "evidence": evidence, "attested_us": now_us}
    connection.execute(sa.insert(batch_attestation), {**row, **told})
    return position


def attest_admission(
    connection: Connection, batch_id: str, level: AttestationLevel, *, seal_digest: str | None, by: str, now_us: int
) -> None:
    """Say it of a batch that has just come in, of which nothing was said before."""
    row = {"batch_id": batch_id, "position": 0, "level": level.value, "seal_digest": seal_digest}
    told = {"attested_by": by, "evidence": None, "attested_us": now_us}
    connection.execute(sa.insert(batch_attestation), {**row, **told})


def levels(
    connection: Connection, batch_ids: Sequence[str], *, as_of_us: int | None = None
) -> dict[str, AttestationLevel]:
    """How far each batch can be trusted as is known now, or was known at an instant: see `said_levels`. Self-declared
    where nothing was said."""
    found = dict.fromkeys(batch_ids, AttestationLevel.SELF_DECLARED)
    for start in range(0, len(batch_ids), VALUES_PER_QUERY):
        some = batch_attestation.c.batch_id.in_(batch_ids[start : start + VALUES_PER_QUERY])
        for row in connection.execute(sa.select(said_levels(some, as_of_us=as_of_us))):
            found[row.batch_id] = AttestationLevel(row.level)
    return found


def said_levels(which: sa.ColumnElement[bool], *, as_of_us: int | None) -> sa.Subquery:
    """(batch_id, level) of those attested batches that `which` (over `batch_attestation`) chooses, as a query.

    As each was last attested; where its seal is what it rests on, no further than authenticated if its gateway's key
    counted for nothing when it came in, or its chain divides at or before it. What was attested, revoked or found after
    an instant was not known at it; what a batch came in with always was.
    """
    said, seal = batch_attestation.c, gateway_seal.c
    is_known = sa.true() if as_of_us is None else (said.position == 0) | (said.attested_us <= as_of_us)
    last = sa.select(said.batch_id, sa.func.max(said.position).label("position")).where(which, is_known)
    newest = last.group_by(said.batch_id).subquery()
    ends, divides = key_ends(as_of_us), divisions(as_of_us)
    is_doubtful = sa.or_(ends.c.from_us <= seal.received_us, divides.c.sequence <= seal.sequence)
    most = AttestationLevel.AUTHENTICATED.value
    level = sa.case((is_doubtful & (said.level > most), most), else_=said.level).label("level")
    is_last = (said.batch_id == newest.c.batch_id) & (said.position == newest.c.position)
    joined = newest.join(batch_attestation, is_last).outerjoin(gateway_seal, seal.digest == said.seal_digest)
    joined = joined.outerjoin(ends, ends.c.key_id == seal.key_id)
    joined = joined.outerjoin(divides, divides.c.key_id == seal.key_id)
    return sa.select(said.batch_id, level).select_from(joined).subquery()


def key_ends(as_of_us: int | None = None) -> sa.Subquery:
    """(key_id, from_us, revoked_us) of the keys that end: since when each counts for nothing, by the earliest instant
    that was said up to a time, and when that it ends was said first."""
    end = gateway_key_end.c
    is_known = sa.true() if as_of_us is None else end.revoked_us <= as_of_us
    earliest = sa.func.min(end.revoked_from_us).label("from_us")
    first = sa.func.min(end.revoked_us).label("revoked_us")
    return sa.select(end.key_id, earliest, first).where(is_known).group_by(end.key_id).subquery()


def divisions(as_of_us: int | None = None, *, of_key: sa.BindParameter[str] | None = None) -> sa.Subquery:
    """(key_id, sequence) of the chains that divide (of all keys, or one), and at which seal, as was found up to a time.

    From there on nobody can say which side is the gateway: whoever holds the key signs both. Of the two seals that
    prove a division the one of the lower sequence is where it begins, at the latest.
    """
    fault, one, other = gateway_fault.c, gateway_seal.alias(), gateway_seal.alias()
    is_known = sa.true() if as_of_us is None else fault.found_us <= as_of_us
    is_asked = sa.true() if of_key is None else fault.key_id == of_key
    lower = sa.case((one.c.sequence < other.c.sequence, one.c.sequence), else_=other.c.sequence)
    proven = gateway_fault.join(one, one.c.digest == fault.digest).join(other, other.c.digest == fault.other_digest)
    divided = sa.select(fault.key_id, sa.func.min(lower).label("sequence")).select_from(proven)
    return divided.where(fault.kind.in_(sorted(DIVIDING)), is_known, is_asked).group_by(fault.key_id).subquery()
