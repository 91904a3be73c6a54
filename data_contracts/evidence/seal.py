"""Seals: what a gateway signs with each batch it sends, so that its batches form a chain that only it can continue.

The gateway signs, with an Ed25519 key that never leaves it, `millgrade-seal/1`, a newline, and the canonical JSON of

    body_sha256    SHA-256 of the bytes that are sent, hex
    boot_id        a fresh random name for each start of the gateway, 32 hexadecimal digits
    key_id         which key signs: the first 16 hexadecimal digits of the SHA-256 of the public key
    monotonic_us   microseconds since its start, which no clock setting changes
    previous       SHA-256 of the canonical JSON of the seal before, hex; 64 zeros before the first
    sequence       0, 1, 2 ...: counted over all starts
    wall_us        its clock: microseconds since 1970 UTC

and sends base64 of the JSON and of the signature with a dot between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from data_contracts.errors import InvalidEvidence

CONTEXT = b"millgrade-seal/1\n"
NO_SEAL = "0" * 64
LARGEST = 2**62
MAXIMUM_CHARACTERS = 2000
_FORMS = {
    "body_sha256": re.compile(r"[0-9a-f]{64}"),
    "boot_id": re.compile(r"[0-9a-f]{32}"),
    "key_id": re.compile(r"[0-9a-f]{16}"),
    "previous": re.compile(r"[0-9a-f]{64}"),
}


@dataclass(frozen=True)
class Seal:
    """One link of a gateway's chain."""

    key_id: str
    boot_id: str
    sequence: int
    monotonic_us: int
    wall_us: int
    previous: str
    body_sha256: str

    @cached_property
    def canonical(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """What the next seal calls this one, hex."""
        return hashlib.sha256(self.canonical).hexdigest()


def key_id_of(public_key: bytes) -> str:
    """The name of a gateway's public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signed(seal: Seal, key: Ed25519PrivateKey) -> str:
    """A seal as it is sent."""
    parts = (seal.canonical, key.sign(CONTEXT + seal.canonical))
    return ".".join(base64.b64encode(part).decode() for part in parts)


def read_seal(text: str) -> tuple[Seal, bytes]:
    """The seal and the signature of what was sent. Raises InvalidEvidence; nothing is verified yet."""
    try:
        if len(text) > MAXIMUM_CHARACTERS:
            raise ValueError("too long")
        body, signature = (base64.b64decode(part, validate=True) for part in text.split("."))
        seal = Seal(**json.loads(body))
        if not _is_formed(seal) or seal.canonical != body:
            raise ValueError("not canonical")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidEvidence(
            "The seal cannot be read.", hint="Send base64(canonical JSON).base64(signature); see docs/evidence.md."
        ) from error
    return seal, signature


def check_signature(seal: Seal, signature: bytes, public_key: bytes) -> None:
    """Raises InvalidEvidence unless the holder of the key signed the seal."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, CONTEXT + seal.canonical)
    except (InvalidSignature, ValueError) as error:
        raise InvalidEvidence(f"The seal is not signed by the key {seal.key_id}.", hint="Was it changed?") from error


def _is_formed(seal: Seal) -> bool:
    texts = all(
        isinstance(getattr(seal, name), str) and form.fullmatch(getattr(seal, name)) for name, form in _FORMS.items()
    )
    numbers = [getattr(seal, field.name) for field in fields(seal) if field.name not in _FORMS]
    return (
        texts
        and all(type(number) is int and 0 <= number < LARGEST for number in numbers)
        and (seal.sequence == 0) == (seal.previous == NO_SEAL)
    )
