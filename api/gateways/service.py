"""Registering gateways' keys, ending them, and telling what was found wrong with their chains."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.errors import GatewayKeyGone, SealRefused
from api.evidence.claims import Kind
from api.evidence.service import record
from data_contracts.errors import InputError, InvalidEvidence, NotFound
from data_contracts.evidence import gateways, levels
from data_contracts.evidence.gateways import ProvenRefusal, RefusalReason, Refused, Sealed
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, ObligorId
from data_contracts.observations.tables import batch, from_microseconds, to_microseconds

SHA256 = re.compile(r"[0-9a-f]{64}")


def add(
    connection: sa.Connection,
    *,
    obligor_id: ObligorId,
    gateway: str,
    public_key: str,
    livemode: bool,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Register and log a key. Raises InvalidEvidence."""
    try:
        raw = base64.b64decode(public_key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvidence("The public key is no base64.", hint="Encode the 32 raw bytes.") from error
    key_id = gateways.register_key(
        connection,
        gateway=gateway,
        obligor_id=obligor_id,
        public_key=raw,
        livemode=livemode,
        by=by,
        now_us=to_microseconds(now),
    )
    record(connection, Kind.GATEWAY_KEY, [key_id])
    return plain_key(connection, gateways.load_key(connection, key_id))


def revoke(connection: sa.Connection, key_id: str, *, effective: datetime, now: datetime) -> dict[str, Any]:
    """End and log the end of a key; one that ended before can only be dated further back. Raises NotFound."""
    if gateways.revoke_key(connection, key_id, from_us=to_microseconds(effective), now_us=to_microseconds(now)):
        record(connection, Kind.GATEWAY_KEY_REVOCATION, [key_id])
    return plain_key(connection, gateways.load_key(connection, key_id))


def listed(
    connection: sa.Connection, obligor_id: ObligorId | None, *, livemode: bool | None
) -> dict[str, list[dict[str, Any]]]:
    """The keys of an obligor's gateways, or of all, and everything that was found wrong with them."""
    return {
        "gateway_keys": [
            plain_key(connection, row) for row in gateways.list_keys(connection, obligor_id, livemode=livemode)
        ],
        "faults": [_plain_fault(row) for row in gateways.list_faults(connection, obligor_id, livemode=livemode)],
        "refusals": [_plain_refusal(row) for row in gateways.list_refusals(connection, obligor_id, livemode=livemode)],
    }


def examine(
    connection: sa.Connection, text: str, *, body: bytes, obligor_id: ObligorId | None, livemode: bool, now: datetime
) -> Sealed:
    """The seal of a batch. Raises SealRefused and GatewayKeyGone; a fault of its chain refuses nothing."""
    try:
        return gateways.examine(
            connection, text, body=body, obligor_id=obligor_id, livemode=livemode, now_us=to_microseconds(now)
        )
    except ProvenRefusal as error:
        named = GatewayKeyGone if error.refused.reason is RefusalReason.REVOKED else SealRefused
        raise named(error.message, hint=error.hint) from error
    except InvalidEvidence as error:
        raise SealRefused(error.message, hint=error.hint) from error


def keep(connection: sa.Connection, sealed: Sealed, batch_id: BatchId, *, now: datetime) -> None:
    """Keep and log a seal with its batch, and the proof of everything that is wrong with it."""
    for kind, subjects in keep_unlogged(connection, sealed, batch_id, now=now):
        record(connection, kind, subjects)


def keep_unlogged(
    connection: sa.Connection, sealed: Sealed, batch_id: BatchId, *, now: datetime
) -> list[tuple[Kind, Sequence[str]]]:
    """The same for one who logs more at once: what is to be logged of it."""
    faults, closed = gateways.keep(connection, sealed, batch_id, now_us=to_microseconds(now))
    return [(Kind.GATEWAY_SEAL, [sealed.seal.digest]), (Kind.GATEWAY_FAULT, faults), (Kind.ATTESTATION, closed)]


def proof_of(error: SealRefused | GatewayKeyGone) -> Refused | None:
    """The seal that was refused, where its own key signed it: what anybody can make up proves nothing."""
    return error.__cause__.refused if isinstance(error.__cause__, ProvenRefusal) else None


def keep_refusal(connection: sa.Connection, refused: Refused, *, by: str, now: datetime) -> None:
    """Keep and log a refused seal as proof, in a transaction of its own: that of the batch came to nothing."""
    refusal_id = gateways.keep_refusal(connection, refused, by=by, now_us=to_microseconds(now))
    if refusal_id is not None:
        record(connection, Kind.GATEWAY_REFUSAL, [refusal_id])


def attest(
    connection: sa.Connection, batch_id: BatchId, *, level: AttestationLevel, by: str, evidence: str, now: datetime
) -> dict[str, Any]:
    """Say and log that somebody independent vouches for a batch. Raises InputError and NotFound."""
    if level not in {AttestationLevel.CROSS_CHECKED, AttestationLevel.THIRD_PARTY}:
        raise InputError(f"{level} is what an admission says, not what is attested.", hint="Write L3 or L4.")
    if not SHA256.fullmatch(evidence):
        raise InputError(f"{evidence!r} is no SHA-256.", hint="Write the 64 hexadecimal digits of the document's hash.")
    if connection.scalar(sa.select(batch.c.batch_id).where(batch.c.batch_id == batch_id)) is None:
        raise NotFound(f"There is no batch {batch_id!r}.")
    levels.attest(connection, batch_id, level, by=by, evidence=evidence, now_us=to_microseconds(now))
    record(connection, Kind.ATTESTATION, [batch_id])
    return {"batch_id": batch_id, "level": levels.levels(connection, [batch_id])[batch_id].value, "attested_by": by}


def plain_key(connection: sa.Connection, row: gateways.Row) -> dict[str, Any]:
    """A key as it is answered."""
    return {
        "key_id": row.key_id,
        "gateway": row.gateway,
        "obligor_id": row.obligor_id,
        "public_key": base64.b64encode(row.public_key).decode(),
        "registered_time": _time(row.registered_us),
        "registered_by": row.registered_by,
        "revoked_time": _time(row.revoked_us),
        "revoked_from": _time(row.from_us),
        "missing_seals": gateways.missing(connection, row.key_id),
    }


def _plain_fault(row: gateways.Row) -> dict[str, Any]:
    return {
        "fault_id": row.fault_id,
        "kind": row.kind,
        "gateway": row.gateway,
        "key_id": row.key_id,
        "obligor_id": row.obligor_id,
        "detail": row.detail,
        "seal": row.digest,
        "other_seal": row.other_digest,
        "batch_id": row.batch_id,
        "found_time": _time(row.found_us),
    }


def _plain_refusal(row: gateways.Row) -> dict[str, Any]:
    return {
        "refusal_id": row.refusal_id,
        "reason": row.reason,
        "gateway": row.gateway,
        "key_id": row.key_id,
        "obligor_id": row.obligor_id,
        "seal": row.seal,
        "body_sha256": row.body_sha256,
        "sent_by": row.sent_by,
        "refused_time": _time(row.refused_us),
    }


def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else from_microseconds(microseconds).isoformat()
