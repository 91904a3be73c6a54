"""Gateways' keys and chains as rows. Every function takes the caller's connection and never commits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from data_contracts.errors import InvalidEvidence, NotFound
from data_contracts.evidence.chain import Fault, FaultKind, Known, judge
from data_contracts.evidence.seal import Seal, check_signature, key_id_of, read_seal
from data_contracts.evidence.tables import batch_attestation, gateway_fault, gateway_key, gateway_seal

Connection = sa.Connection
Row = sa.Row[*tuple[Any, ...]]

PUBLIC_KEY_BYTES = 32
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A seal that is signed by a known key and over the body that came, and what is wrong with its chain."""

    seal: Seal
    signature: bytes
    faults: Sequence[Fault]

    @property
    def level(self) -> AttestationLevel:
        """What the seal is worth."""
        return AttestationLevel.AUTHENTICATED if self.faults else AttestationLevel.SEALED


class KeyRevoked(InvalidEvidence):
    """A seal is signed by a key that counts for nothing any more."""

    code = "gateway_key_revoked"


def register_key(
    connection: Connection,
    *,
    gateway: str,
    obligor_id: str,
    public_key: bytes,
    livemode: bool,
    by: str,
    now_us: int,
) -> str:
    """Register a gateway's key; the same one again for the same gateway changes nothing. Returns its id.

    Raises InvalidEvidence where the key is of another gateway or of another length.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise InvalidEvidence(f"The public key has {len(public_key)} bytes, not 32.", hint="Send a raw Ed25519 key.")
    key_id = key_id_of(public_key)
    known = connection.execute(sa.select(gateway_key).where(gateway_key.c.key_id == key_id)).one_or_none()
    if known is not None:
        if (known.gateway, known.obligor_id, known.livemode) != (gateway, obligor_id, livemode):
            raise InvalidEvidence(f"The key {key_id} belongs to another gateway.", hint="Make a key for each gateway.")
        return key_id
    row = {"key_id": key_id, "gateway": gateway, "obligor_id": obligor_id, "public_key": public_key}
    said = {"livemode": livemode, "registered_us": now_us, "registered_by": by}
    connection.execute(sa.insert(gateway_key), {**row, **said})
    return key_id


def load_key(connection: Connection, key_id: str) -> Row:
    """A gateway's key. Raises NotFound."""
    row = connection.execute(sa.select(gateway_key).where(gateway_key.c.key_id == key_id)).one_or_none()
    if row is None:
        raise NotFound(f"No gateway key {key_id!r} is registered here.", hint="Run: millgrade gateway list")
    return row


def list_keys(connection: Connection, obligor_id: str | None, *, livemode: bool | None) -> list[Row]:
    """The gateways' keys of an obligor or of all, of one mode or of both, in order of their registration."""
    keys = sa.select(gateway_key).where(*_which(obligor_id, livemode))
    return list(connection.execute(keys.order_by(gateway_key.c.registered_us, gateway_key.c.key_id)))


def revoke_key(connection: Connection, key_id: str, *, from_us: int, now_us: int) -> None:
    """Let a key count for nothing from an instant on, which may lie in the past; once, for good. Raises NotFound."""
    load_key(connection, key_id)
    ending = sa.update(gateway_key).where(gateway_key.c.key_id == key_id, gateway_key.c.revoked_us.is_(None))
    connection.execute(ending.values(revoked_us=now_us, revoked_from_us=from_us))


def examine(
    connection: Connection, text: str, *, body: bytes, obligor_id: str | None, livemode: bool, now_us: int
) -> Sealed:
    """The seal of a batch, verified and judged by what its gateway sent before.

    Raises InvalidEvidence where it cannot be read, is not signed by a registered key of the obligor, or is over
    another body; KeyRevoked.
    """
    seal, signature = read_seal(text)
    row = connection.execute(sa.select(gateway_key).where(gateway_key.c.key_id == seal.key_id)).one_or_none()
    if row is None or (row.obligor_id, row.livemode) != (obligor_id, livemode):
        raise InvalidEvidence(f"No gateway key {seal.key_id} of this obligor is registered.", hint="Register it first.")
    check_signature(seal, signature, row.public_key)
    if hashlib.sha256(body).hexdigest() != seal.body_sha256:
        raise InvalidEvidence("The seal is over another body than came.", hint="Hash the bytes exactly as sent.")
    if row.revoked_from_us is not None and row.revoked_from_us <= now_us:
        raise KeyRevoked(f"The gateway key {seal.key_id} was revoked.", hint="Register a new key for the gateway.")
    _take_turn(connection)
    return Sealed(seal=seal, signature=signature, faults=judge(seal, _known(connection, seal), received_us=now_us))


def keep(connection: Connection, sealed: Sealed, batch_id: str, *, now_us: int) -> list[str]:
    """Keep a seal with its batch, and everything that is wrong with it as proof; returns the faults' ids."""
    seal = sealed.seal
    if not any(fault.kind is FaultKind.REPLAY and fault.other == seal for fault in sealed.faults):
        row = {name: getattr(seal, name) for name in seal.__dataclass_fields__}
        kept = {"digest": seal.digest, "signature": sealed.signature, "received_us": now_us, "batch_id": batch_id}
        connection.execute(sa.insert(gateway_seal), {**row, **kept})
    rows = [_fault_row(fault, seal, batch_id, now_us) for fault in sealed.faults]
    if rows:
        connection.execute(sa.insert(gateway_fault), rows)
    return [row["fault_id"] for row in rows]


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

    As each was last attested, but no further than authenticated where its gateway's key counted for nothing when it
    came in. What was attested or revoked after an instant was not known at it; what a batch came in with always was.
    """
    said, seal, key = batch_attestation.c, gateway_seal.c, gateway_key.c
    is_known = sa.true() if as_of_us is None else (said.position == 0) | (said.attested_us <= as_of_us)
    last = sa.select(said.batch_id, sa.func.max(said.position).label("position")).where(which, is_known)
    newest = last.group_by(said.batch_id).subquery()
    is_stolen = key.revoked_from_us <= seal.received_us
    if as_of_us is not None:
        is_stolen &= key.revoked_us <= as_of_us
    most = AttestationLevel.AUTHENTICATED.value
    level = sa.case((is_stolen & (said.level > most), most), else_=said.level).label("level")
    is_last = (said.batch_id == newest.c.batch_id) & (said.position == newest.c.position)
    joined = newest.join(batch_attestation, is_last).outerjoin(gateway_seal, seal.digest == said.seal_digest)
    joined = joined.outerjoin(gateway_key, key.key_id == seal.key_id)
    return sa.select(said.batch_id, level).select_from(joined).subquery()


def list_faults(connection: Connection, obligor_id: str | None, *, livemode: bool | None) -> list[Row]:
    """What was found wrong with gateways of an obligor or of all, of one mode or of both, in the order of finding."""
    joined = gateway_fault.join(gateway_key, gateway_key.c.key_id == gateway_fault.c.key_id)
    faults = sa.select(*list(gateway_fault.c), gateway_key.c.gateway, gateway_key.c.obligor_id).select_from(joined)
    in_order = faults.order_by(gateway_fault.c.found_us, gateway_fault.c.fault_id)
    return list(connection.execute(in_order.where(*_which(obligor_id, livemode))))


def missing(connection: Connection, key_id: str) -> int:
    """How many seals of a chain have not come in: those below its highest that are not here."""
    table = gateway_seal.c
    counted = sa.select(sa.func.max(table.sequence), sa.func.count(table.sequence.distinct()))
    highest, present = connection.execute(counted.where(table.key_id == key_id)).one()
    return 0 if highest is None else int(highest) + 1 - int(present)


def _which(obligor_id: str | None, livemode: bool | None) -> list[sa.ColumnElement[bool]]:
    whose = [] if obligor_id is None else [gateway_key.c.obligor_id == obligor_id]
    return whose if livemode is None else [*whose, gateway_key.c.livemode.is_(livemode)]


def _take_turn(connection: Connection) -> None:
    """Two seals that contradict each other must not be judged at the same time."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE gateway_seal IN SHARE ROW EXCLUSIVE MODE"))
    else:
        connection.execute(sa.update(gateway_seal).where(sa.false()).values(key_id=gateway_seal.c.key_id))


def _known(connection: Connection, seal: Seal) -> Known:
    """What is known of the chain around a seal."""
    table = gateway_seal.c
    mine = table.key_id == seal.key_id
    lower = connection.scalar(sa.select(sa.func.max(table.sequence)).where(mine, table.sequence < seal.sequence))
    higher = connection.scalar(sa.select(sa.func.min(table.sequence)).where(mine, table.sequence > seal.sequence))
    around = [number for number in (lower, seal.sequence, higher) if number is not None]
    near = [_seal(row) for row in connection.execute(sa.select(gateway_seal).where(mine, table.sequence.in_(around)))]
    same_body = connection.execute(
        sa.select(gateway_seal)
        .where(mine, table.body_sha256 == seal.body_sha256, table.sequence != seal.sequence)
        .limit(1)
    ).one_or_none()
    span = sa.select(sa.func.min(table.sequence), sa.func.max(table.sequence))
    first, last = connection.execute(span.where(mine, table.boot_id == seal.boot_id)).one()
    return Known(
        same=[other for other in near if other.sequence == seal.sequence],
        before=[other for other in near if other.sequence == lower],
        after=[other for other in near if other.sequence == higher],
        same_body=None if same_body is None else _seal(same_body),
        boot_span=None if first is None else (first, last),
    )


def _seal(row: Row) -> Seal:
    return Seal(**{name: getattr(row, name) for name in Seal.__dataclass_fields__})


def _fault_row(fault: Fault, seal: Seal, batch_id: str, now_us: int) -> dict[str, Any]:
    other = None if fault.other is None else fault.other.digest
    named = f"{fault.kind} {seal.digest} {other} {batch_id}"
    return {
        "fault_id": "f" + hashlib.sha256(named.encode()).hexdigest()[:23],
        "kind": fault.kind.value,
        "key_id": seal.key_id,
        "digest": seal.digest,
        "other_digest": other,
        "detail": fault.detail,
        "found_us": now_us,
        "batch_id": batch_id,
    }
