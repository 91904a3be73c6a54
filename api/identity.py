"""Names of answers, made from their content: the same answer bears the same name."""

from __future__ import annotations

import hashlib
from typing import Any

from scoring.canonical import canonical_bytes


def answer_id(prefix: str, plain: dict[str, Any]) -> str:
    """`prefix` and 24 hexadecimal digits of the SHA-256 of the answer's canonical bytes."""
    return named(prefix, canonical_bytes(plain))


def named(prefix: str, canonical: bytes) -> str:
    """The name of an answer by its canonical bytes."""
    return prefix + hashlib.sha256(canonical).hexdigest()[:24]
