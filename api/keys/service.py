"""API keys: `mg_test_<key_id>_<secret>` and `mg_live_...`. A key is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from api.errors import InvalidKeyRequest, Unauthenticated
from api.keys import repository
from api.keys.principal import OBLIGOR_ROLES, PARTNER_ROLES, Principal, Role
from data_contracts.identifiers import ObligorId, PartnerId

KEY = re.compile(r"mg_(test|live)_([a-z2-7]{12})_([a-z2-7]{52})")
KEY_ID_CHARACTERS = 12
SECRET_BYTES = 32
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyListing:
    """What may be shown of a key after it was made."""

    principal: Principal
    created_time: datetime
    revoked_time: datetime | None


def create_key(
    connection: sa.Connection,
    *,
    role: Role,
    partner_id: PartnerId | None,
    obligor_id: ObligorId | None,
    livemode: bool,
    now: datetime,
) -> str:
    """Make a key and return it whole; it cannot be shown again.

    Raises InvalidKeyRequest when the role does not fit whom the key would act for, NotFound when that is not known.
    """
    if (partner_id is not None) != (role in PARTNER_ROLES) or (obligor_id is not None) != (role in OBLIGOR_ROLES):
        raise InvalidKeyRequest(
            f"A key of the role {role.value} was asked for partner {partner_id} and obligor {obligor_id}.",
            hint="bank and insurer act for a partner, obligor and gateway for an obligor, operator for neither.",
        )
    repository.require_owner(connection, partner_id=partner_id, obligor_id=obligor_id)
    key_id = _base32(secrets.token_bytes(SECRET_BYTES))[:KEY_ID_CHARACTERS]
    key = f"mg_{'live' if livemode else 'test'}_{key_id}_{_base32(secrets.token_bytes(SECRET_BYTES))}"
    principal = Principal(role=role, partner_id=partner_id, obligor_id=obligor_id, livemode=livemode, key_id=key_id)
    repository.insert(connection, principal, secret_sha256=_sha256(key), now=now)
    return key


def revoke_key(connection: sa.Connection, key_id: str, *, now: datetime) -> None:
    """End a key at once. Raises NotFound."""
    repository.revoke(connection, key_id, now=now)


def list_keys(connection: sa.Connection) -> list[KeyListing]:
    """Every key without its secret, oldest first."""
    return [
        KeyListing(principal=repository.principal_of(row), created_time=row.created_time, revoked_time=row.revoked_time)
        for row in repository.list_all(connection)
    ]


def authenticate(connection: sa.Connection, key: str) -> Principal:
    """The owner of `key`. Raises Unauthenticated, the same for a malformed, an unknown and a revoked one."""
    parts = KEY.fullmatch(key)
    row = repository.find(connection, parts[2]) if parts else None
    is_right = hmac.compare_digest(_sha256(key), _NO_HASH if row is None else row.secret_sha256)
    if row is None or not is_right or row.revoked_time is not None:
        raise unauthenticated()
    return repository.principal_of(row)


def unauthenticated() -> Unauthenticated:
    """What anyone without a valid key is told."""
    return Unauthenticated(
        "The request bears no API key that is known and in force.",
        hint="Send Authorization: Bearer mg_test_... (or mg_live_...); an operator makes keys with: millgrade key add",
    )


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
