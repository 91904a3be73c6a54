"""The secret under which pledged things are fingerprinted: one for all who share a registry."""

from __future__ import annotations

import secrets
from functools import lru_cache
from pathlib import Path

from api.home import Home, keep_secret
from data_contracts.errors import OperatingError
from scoring.supply_chain.pledges.fingerprints import KEY_BYTES, Key

FILE = "registry.key"


def registry_key(home: Home, *, livemode: bool) -> Key:
    """The home's key, made where there is none. Homes that share a registry are given the same file beforehand.

    Raises OperatingError where the file is not of this form.
    """
    return Key(secret=_secret(home.pledges.resolve() / FILE), livemode=livemode)


@lru_cache(maxsize=16)
def _secret(path: Path) -> bytes:
    if not path.exists():
        keep_secret(path, secrets.token_hex(KEY_BYTES).encode() + b"\n")
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise OperatingError(f"{path} cannot be read.", hint="Restore it, readable by its owner.") from error
    if len(secret) != KEY_BYTES:
        raise OperatingError(
            f"{path} holds {len(secret)} bytes, not {KEY_BYTES}.",
            hint="Restore it: with another key nothing that is pledged would be found again.",
        )
    return secret
