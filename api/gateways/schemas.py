"""Gateways' keys as they are registered and answered, and what was found wrong with their chains."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.shapes import Asked, ObligorCode, Told, UtcInstant
from data_contracts.evidence.chain import FaultKind
from data_contracts.evidence.gateways import RefusalReason
from data_contracts.evidence.levels import AttestationLevel

GatewayName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]
PublicKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$"),
    Field(description="Base64 of the 32 bytes of an Ed25519 public key."),
]


class GatewayKeyAdded(Asked):
    """A key to register; its private half never leaves the gateway."""

    obligor_id: ObligorCode
    gateway: GatewayName
    public_key: PublicKey


class GatewayKeyRevoked(Asked):
    """Since when a key counts for nothing: now, or, for one that was stolen, an instant in the past; for one that ends
    already only an earlier one says anything."""

    effective_time: UtcInstant | None = None


class GatewayKeyTold(Told):
    """A gateway's key. `missing_seals` are those of its chain that never came in."""

    key_id: str
    gateway: str
    obligor_id: str
    public_key: str
    registered_time: datetime
    registered_by: str
    revoked_time: datetime | None
    revoked_from: datetime | None
    missing_seals: int


class GatewayKeyAnswer(Told):
    """One key."""

    gateway_key: GatewayKeyTold
    livemode: bool


class GatewayFaultTold(Told):
    """Something wrong with a chain; the seals that it names are kept, with their signatures, as its proof."""

    fault_id: str
    kind: FaultKind
    gateway: str
    key_id: str
    obligor_id: str
    detail: str
    seal: str
    other_seal: str | None
    batch_id: str
    found_time: datetime


class RefusedSealTold(Told):
    """A seal that its own key signed and that was refused, as it was sent: proof of what the holder of the key did."""

    refusal_id: str
    reason: RefusalReason
    gateway: str
    key_id: str
    obligor_id: str
    seal: str
    body_sha256: str
    sent_by: str
    refused_time: datetime


class GatewayList(Told):
    """Every key that may be seen, everything that was found wrong with them, and what was refused of them."""

    gateway_keys: list[GatewayKeyTold]
    faults: list[GatewayFaultTold]
    refusals: list[RefusedSealTold]
    livemode: bool


class AttestationTold(Told):
    """How far a batch can be trusted to come from where it says, and what is wrong with its seal."""

    level: AttestationLevel
    seal: str | None
    faults: list[str]
