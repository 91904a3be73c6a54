"""Keyed fingerprints: who has not the key can neither read one nor try numbers until one fits."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

KEY_BYTES = 32

Token = NewType("Token", str)
"""HMAC-SHA256 of a canonical tuple, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The secret of a registry, and the side of it that is spoken of: live and test things never meet."""

    secret: bytes
    livemode: bool

    def __post_init__(self) -> None:
        assert len(self.secret) == KEY_BYTES, "a key that cannot be guessed"

    def token(self, domain: str, parts: Sequence[str | int]) -> Token:
        """The fingerprint of `parts` as a thing of one domain; JSON keeps ("a", "bc") and ("ab", "c") apart."""
        text = json.dumps([self.livemode, domain, *parts], ensure_ascii=False, separators=(",", ":"))
        return Token(hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest())
