"""Gateways' keys and chains as rows. Every function takes the caller's connection and never commits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from data_contracts.errors import InvalidEvidence, NotFound
from data_contracts.evidence.chain import STEADY, STEP_US, Fault, FaultKind, Known, continued, judge
from data_contracts.evidence.levels import AttestationLevel, attest, divisions, key_ends
from data_contracts.evidence.seal import Seal, check_signature, key_id_of, read_seal
from data_contracts.evidence.tables import (
    batch_attestation,
    gateway_fault,
    gateway_key,
    gateway_key_end,
    gateway_seal,
    refused_seal,
)

Connection = sa.Connection
Row = sa.Row[*tuple[Any, ...]]

PUBLIC_KEY_BYTES = 32

CHAIN = "chain"
"""By whom a batch is attested anew when its gap closes."""

MOST_REFUSALS = 1000
"""So many refused seals of a key are kept as proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A seal that is signed by a known key and over the body that came, and what is wrong with its chain.

    `divided` is the sequence from which on its chain divides, by what was found before. `continued` are seals that
    waited for this one.
    """

    seal: Seal
    signature: bytes
    faults: Sequence[Fault]
    divided: int | None
    continued: Sequence[Seal]

    @property
    def is_doubtful(self) -> bool:
        """Whether it lies where nobody can say any more which of two histories is the gateway's."""
        return self.divided is not None and self.divided <= self.seal.sequence

    @property
    def level(self) -> AttestationLevel:
        """What the seal is worth."""
        is_sound = not self.faults and not self.is_doubtful
        return AttestationLevel.SEALED if is_sound else AttestationLevel.AUTHENTICATED


class RefusalReason(StrEnum):
    """Why a seal is refused that a registered key signed."""

    REVOKED = "revoked_key"
    """The key counts for nothing any more."""

    OTHER_BODY = "other_body"
    """It is over another body than came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A seal as it was sent, whose signature holds, why it was refused, and the hash of the body that came with it."""

    key_id: str
    reason: RefusalReason
    seal: str
    body_sha256: str


class ProvenRefusal(InvalidEvidence):
    """A seal that a registered key signed is refused: what was `refused` proves what the holder of the key did."""

    def __init__(self, message: str, *, hint: str, refused: Refused) -> None:
        super().__init__(message, hint=hint)
        self.refused = refused


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
    """A gateway's key, with `revoked_us` and `from_us` of its end, if any. Raises NotFound."""
    row = connection.execute(_one_key(), {"key_id": key_id}).one_or_none()
    if row is None:
        raise NotFound(f"No gateway key {key_id!r} is registered here.", hint="Run: millgrade gateway list")
    return row


def list_keys(connection: Connection, obligor_id: str | None, *, livemode: bool | None) -> list[Row]:
    """The gateways' keys of an obligor or of all, of one mode or of both, in order of their registration."""
    keys = _keys().where(*_which(obligor_id, livemode))
    return list(connection.execute(keys.order_by(gateway_key.c.registered_us, gateway_key.c.key_id)))


def revoke_key(connection: Connection, key_id: str, *, from_us: int, now_us: int) -> bool:
    """Let a key count for nothing from an instant on, which may lie in the past; for good. Whether that says anything:
    a key that ends already can only be dated further back. Raises NotFound."""
    _take_turn(connection)
    ended = load_key(connection, key_id)
    if ended.from_us is not None and ended.from_us <= from_us:
        return False
    end = gateway_key_end.c
    position = connection.scalar(sa.select(sa.func.count()).where(end.key_id == key_id))
    row = {"key_id": key_id, "position": position, "revoked_us": now_us, "revoked_from_us": from_us}
    connection.execute(sa.insert(gateway_key_end), row)
    return True


def examine(
    connection: Connection, text: str, *, body: bytes, obligor_id: str | None, livemode: bool, now_us: int
) -> Sealed:
    """The seal of a batch, verified and judged by what its gateway sent before.

    Raises InvalidEvidence where it cannot be read or is not signed by a registered key of the obligor; ProvenRefusal
    where it is, but over another body, or the key counts for nothing any more.
    """
    seal, signature = read_seal(text)
    row = connection.execute(_one_key(), {"key_id": seal.key_id}).one_or_none()
    if row is None or (row.obligor_id, row.livemode) != (obligor_id, livemode):
        raise InvalidEvidence(f"No gateway key {seal.key_id} of this obligor is registered.", hint="Register it first.")
    check_signature(seal, signature, row.public_key)
    _require_honoured(seal, text, hashlib.sha256(body).hexdigest(), is_ended=_is_before(row.from_us, now_us))
    _take_turn(connection)
    known = _known(connection, seal)
    return Sealed(
        seal=seal,
        signature=signature,
        faults=judge(seal, known, received_us=now_us),
        divided=connection.scalar(_divided(), {"key_id": seal.key_id}),
        continued=continued(seal, known),
    )


def keep(connection: Connection, sealed: Sealed, batch_id: str, *, now_us: int) -> tuple[list[str], list[str]]:
    """Keep a seal with its batch, and everything that is wrong with it as proof. Returns the ids of the faults, and the
    batches whose gap it closes: they are attested anew, as sealed."""
    seal = sealed.seal
    if not any(fault.kind is FaultKind.REPLAY and fault.other == seal for fault in sealed.faults):
        row = {name: getattr(seal, name) for name in seal.__dataclass_fields__}
        kept = {"digest": seal.digest, "signature": sealed.signature, "received_us": now_us, "batch_id": batch_id}
        connection.execute(sa.insert(gateway_seal), {**row, **kept})
    rows = [_fault_row(fault, seal, batch_id, now_us) for fault in sealed.faults]
    if rows:
        connection.execute(sa.insert(gateway_fault), rows)
    closed = [name for other in sealed.continued if (name := _close_gap(connection, other, now_us)) is not None]
    return [row["fault_id"] for row in rows], closed


def keep_refusal(connection: Connection, refused: Refused, *, by: str, now_us: int) -> str | None:
    """Keep a refused seal as proof; returns its id, None where it is kept already or as many of its key are as there
    may be: whoever is refused must not fill the disk."""
    table = refused_seal.c
    named = f"{refused.reason} {refused.body_sha256} {refused.seal}"
    refusal_id = "r" + hashlib.sha256(named.encode()).hexdigest()[:23]
    _take_turn(connection)
    of_key = sa.select(sa.func.count()).where(table.key_id == refused.key_id)
    is_kept = connection.scalar(sa.select(table.refusal_id).where(table.refusal_id == refusal_id)) is not None
    if is_kept or (connection.scalar(of_key) or 0) >= MOST_REFUSALS:
        return None
    said = {"refusal_id": refusal_id, "key_id": refused.key_id, "reason": refused.reason.value, "seal": refused.seal}
    sent = {"body_sha256": refused.body_sha256, "sent_by": by, "refused_us": now_us}
    connection.execute(sa.insert(refused_seal), {**said, **sent})
    return refusal_id


def list_faults(connection: Connection, obligor_id: str | None, *, livemode: bool | None) -> list[Row]:
    """What was found wrong with gateways of an obligor or of all, of one mode or of both, in the order of finding."""
    joined = gateway_fault.join(gateway_key, gateway_key.c.key_id == gateway_fault.c.key_id)
    faults = sa.select(*list(gateway_fault.c), gateway_key.c.gateway, gateway_key.c.obligor_id).select_from(joined)
    in_order = faults.order_by(gateway_fault.c.found_us, gateway_fault.c.fault_id)
    return list(connection.execute(in_order.where(*_which(obligor_id, livemode))))


def list_refusals(connection: Connection, obligor_id: str | None, *, livemode: bool | None) -> list[Row]:
    """Seals of registered keys that were refused, of an obligor or of all, of one mode or of both, as they came."""
    joined = refused_seal.join(gateway_key, gateway_key.c.key_id == refused_seal.c.key_id)
    refusals = sa.select(*list(refused_seal.c), gateway_key.c.gateway, gateway_key.c.obligor_id).select_from(joined)
    in_order = refusals.order_by(refused_seal.c.refused_us, refused_seal.c.refusal_id)
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
        connection.execute(_TURN)


# Prepared once: every sealed batch asks these, and to put them together takes longer than to have them answered.
_TURN = sa.update(gateway_seal).where(sa.false()).values(key_id=gateway_seal.c.key_id)
_OF_KEY = gateway_seal.c.key_id == sa.bindparam("key_id")
_SAME_BODY = (
    sa.select(gateway_seal)
    .where(
        _OF_KEY,
        gateway_seal.c.body_sha256 == sa.bindparam("body_sha256"),
        gateway_seal.c.sequence != sa.bindparam("sequence"),
    )
    .limit(1)
)


@cache
def _one_key() -> sa.Select[*tuple[Any, ...]]:
    return _keys().where(gateway_key.c.key_id == sa.bindparam("key_id"))


@cache
def _divided() -> sa.Select[int]:
    """From which seal on the chain of a key divides."""
    divided = divisions(of_key=sa.bindparam("key_id"))
    return sa.select(divided.c.sequence)


@cache
def _near() -> sa.Select[*tuple[Any, ...]]:
    """The seals of a sequence and of the next known ones below and above it."""
    table, sequence = gateway_seal.c, sa.bindparam("sequence", type_=sa.BigInteger)
    lower = sa.select(sa.func.max(table.sequence)).where(_OF_KEY, table.sequence < sequence).scalar_subquery()
    higher = sa.select(sa.func.min(table.sequence)).where(_OF_KEY, table.sequence > sequence).scalar_subquery()
    return sa.select(gateway_seal).where(_OF_KEY, table.sequence.in_([sequence, lower, higher]))


@cache
def _ends() -> sa.Select[*tuple[Any, ...]]:
    """The first and the last known seal of a start."""
    table = gateway_seal.c
    mine = _OF_KEY & (table.boot_id == sa.bindparam("boot_id"))
    ends = [sa.select(end(table.sequence)).where(mine).scalar_subquery() for end in (sa.func.min, sa.func.max)]
    return sa.select(gateway_seal).where(mine, table.sequence.in_(ends))


def _keys() -> sa.Select[*tuple[Any, ...]]:
    """Keys, each with its end, if any."""
    ends = key_ends()
    joined = gateway_key.outerjoin(ends, ends.c.key_id == gateway_key.c.key_id)
    return sa.select(*list(gateway_key.c), ends.c.revoked_us, ends.c.from_us).select_from(joined)


def _is_before(instant_us: int | None, now_us: int) -> bool:
    return instant_us is not None and instant_us <= now_us


def _require_honoured(seal: Seal, text: str, body_sha256: str, *, is_ended: bool) -> None:
    """Raises ProvenRefusal for a seal that its own key signed and that still does not count."""

    def refused(reason: RefusalReason) -> Refused:
        return Refused(key_id=seal.key_id, reason=reason, seal=text, body_sha256=body_sha256)

    if body_sha256 != seal.body_sha256:
        hint = "Hash the bytes exactly as sent."
        raise ProvenRefusal(
            "The seal is over another body than came.", hint=hint, refused=refused(RefusalReason.OTHER_BODY)
        )
    if is_ended:
        hint = "Register a new key for the gateway."
        raise ProvenRefusal(
            f"The gateway key {seal.key_id} was revoked.", hint=hint, refused=refused(RefusalReason.REVOKED)
        )


def _close_gap(connection: Connection, seal: Seal, now_us: int) -> str | None:
    """Attest the batch of a seal as sealed, now that the one before it is here; None, and nothing is said, where
    anything else than the gap is wrong with it, or more was said of it meanwhile. Returns the batch."""
    of_seal = sa.select(gateway_seal.c.batch_id).where(gateway_seal.c.digest == seal.digest)
    batch_id: str = connection.execute(of_seal).scalar_one()
    fault = gateway_fault.c
    names_it = (fault.batch_id == batch_id) | ((fault.other_digest == seal.digest) & (fault.kind != FaultKind.REPLAY))
    kinds = set(connection.scalars(sa.select(fault.kind).where(fault.key_id == seal.key_id, names_it)))
    said = batch_attestation.c
    last = sa.select(said.level).where(said.batch_id == batch_id).order_by(said.position.desc()).limit(1)
    if kinds != {FaultKind.GAP} or connection.scalar(last) != AttestationLevel.AUTHENTICATED:
        return None
    attest(connection, batch_id, AttestationLevel.SEALED, seal_digest=seal.digest, by=CHAIN, now_us=now_us)
    return batch_id


def _known(connection: Connection, seal: Seal) -> Known:
    """What is known of the chain around a seal."""
    asked = {"key_id": seal.key_id, "sequence": seal.sequence}
    near = [_seal(row) for row in connection.execute(_near(), asked)]
    same_body = connection.execute(_SAME_BODY, {**asked, "body_sha256": seal.body_sha256}).one_or_none()
    boots = sorted({seal.boot_id, *(other.boot_id for other in near)})
    starts = {boot_id: ends for boot_id in boots if (ends := _ends_of(connection, seal.key_id, boot_id)) is not None}
    return Known(
        same=[other for other in near if other.sequence == seal.sequence],
        before=[other for other in near if other.sequence < seal.sequence],
        after=[other for other in near if other.sequence > seal.sequence],
        same_body=None if same_body is None else _seal(same_body),
        starts=starts,
        parted=_parted(connection, seal, starts[seal.boot_id][0]) if seal.boot_id in starts else None,
    )


def _ends_of(connection: Connection, key_id: str, boot_id: str) -> tuple[Seal, Seal] | None:
    """The first and the last known seal of a start."""
    found = [_seal(row) for row in connection.execute(_ends(), {"key_id": key_id, "boot_id": boot_id})]
    found.sort(key=lambda other: other.sequence)
    return (found[0], found[-1]) if found else None


def _parted(connection: Connection, seal: Seal, first: Seal) -> Seal | None:
    """The first seal of its start; for one that comes before that, the first after it whose clocks contradict it."""
    if first.sequence <= seal.sequence:
        return first if first.sequence < seal.sequence else None
    table = gateway_seal.c
    run = table.monotonic_us - seal.monotonic_us
    parts = (table.wall_us - table.monotonic_us) - (seal.wall_us - seal.monotonic_us)
    contradicts = (run <= 0) | (sa.func.abs(parts) > STEP_US + run // STEADY)
    of_start = (table.key_id == seal.key_id, table.boot_id == seal.boot_id, contradicts)
    query = sa.select(gateway_seal).where(*of_start).order_by(table.sequence).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _seal(row)


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
