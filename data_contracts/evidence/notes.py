"""Signed notes (C2SP signed-note), and the keys that sign them: Ed25519, and ML-DSA-44 as tlog-cosignature defines it.

A key is written as one line: `<name>+<key id, 8 hex digits>+<base64(type byte || key)>`, a private one with
`PRIVATE+KEY+` before it and the 32-byte seed as its key. Verifying is the business of `verify.py` alone.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from data_contracts.errors import InvalidEvidence

PRIVATE = "PRIVATE+KEY+"
SEED_BYTES = 32


class SignatureType(IntEnum):
    """The type byte that C2SP assigns."""

    ED25519 = 0x01
    """A log's own signature over the text of the note."""

    ED25519_COSIGNATURE = 0x04
    """A witness's: over the time and the text of the checkpoint."""

    ML_DSA_44_COSIGNATURE = 0x06
    """A log's or witness's: over the time, both names, and the size and root of the tree."""


@dataclass(frozen=True)
class Signer:
    """A named private key that signs checkpoints. Its representation shows no secret."""

    name: str
    kind: SignatureType
    seed: bytes

    def __repr__(self) -> str:
        return f"Signer({self.public_line!r})"

    @cached_property
    def _key(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        if self.kind is SignatureType.ML_DSA_44_COSIGNATURE:
            return MLDSA44PrivateKey.from_seed_bytes(self.seed)
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public_line(self) -> str:
        """The public key as one line."""
        return key_line(self.name, self.kind, self._key.public_key().public_bytes_raw())

    @property
    def private_line(self) -> str:
        """The private key as one line."""
        written = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{PRIVATE}{self.name}+{self._key_id.hex()}+{written}"

    @cached_property
    def _key_id(self) -> bytes:
        return key_id(self.name, self.kind, self._key.public_key().public_bytes_raw())

    def signature_line(self, text: str, *, now: datetime) -> str:
        """The line that signs the checkpoint with this text (its last newline included) at a time."""
        seconds = int(now.timestamp())
        if self.kind is SignatureType.ED25519:
            signed = self._key.sign(text.encode())
        elif self.kind is SignatureType.ED25519_COSIGNATURE:
            signed = _time(seconds) + self._key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        else:
            signed = _time(seconds) + self._key.sign(_cosigned_message(self.name, text, seconds))
        return f"— {self.name} {base64.b64encode(self._key_id + signed).decode()}\n"


def key_line(name: str, kind: SignatureType, public: bytes) -> str:
    """A public key as one line."""
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def key_id(name: str, kind: SignatureType, public: bytes) -> bytes:
    """The four bytes that, with its name, say which key a signature is of."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_signer(line: str) -> Signer:
    """The private key that `Signer.private_line` wrote. Raises InvalidEvidence, which shows nothing of it."""
    try:
        name, _, written = line.removeprefix(PRIVATE).split("+", 2)
        raw = base64.b64decode(written, validate=True)
        signer = Signer(name, SignatureType(raw[0]), raw[1:])
        if line.startswith(PRIVATE) and len(signer.seed) == SEED_BYTES and signer.private_line == line:
            return signer
    except (ValueError, IndexError):
        pass
    raise InvalidEvidence("A line is no private key.", hint="It begins PRIVATE+KEY+ and is kept as it was written.")


def _time(seconds: int) -> bytes:
    return struct.pack(">Q", seconds)


def _cosigned_message(cosigner: str, text: str, seconds: int) -> bytes:
    """What an ML-DSA-44 cosignature is over; extension lines are not part of it."""
    origin, size, root = text.split("\n")[:3]
    names = [struct.pack(">B", len(name.encode())) + name.encode() for name in (cosigner, origin)]
    tree = struct.pack(">QQ", 0, int(size)) + base64.b64decode(root)
    return b"subtree/v1\n\0" + names[0] + _time(seconds) + names[1] + tree
