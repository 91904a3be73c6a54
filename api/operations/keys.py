"""The list of API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.database.engine import unit_of_work
from api.home import Home
from api.keys import service as keys
from api.keys.principal import Role
from api.operations.entries import Entry
from api.partners import repository as partners
from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId, PartnerId, obligor_id

NAMES = ("role", "partner", "obligor", "live")
YES, NO = "true", "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A key to make: its role, and for whom it acts."""

    role: Role
    partner_id: PartnerId | None
    obligor_id: ObligorId | None
    livemode: bool


def read_entry(entry: Entry) -> KeyEntry:
    """An entry of the list of keys. Raises InputError."""
    role, partner, obligor, live = entry.need("role"), entry.text("partner"), entry.text("obligor"), entry.text("live")
    if role not in set(Role):
        raise InputError(f"{role!r} is no role.", hint=f"Write {', '.join(Role)}.")
    if live not in {None, YES, NO}:
        raise InputError(f"live is {live!r}.", hint=f"Write {YES} or {NO}.")
    if live == YES and partner == partners.LOCAL:
        raise InputError("The home's own partner has no live key.", hint="Make a partner: millgrade partner add.")
    return KeyEntry(
        role=Role(role),
        partner_id=None if partner is None else PartnerId(partner),
        obligor_id=None if obligor is None else obligor_id(obligor),
        livemode=live == YES,
    )


def add(home: Home, entries: Sequence[KeyEntry], *, now: datetime) -> list[dict[str, Any]]:
    """Make the keys, in one transaction. Each answer holds its `key` whole: this is the only time that it is shown.

    Raises InvalidKeyRequest where the role does not fit whom the key is for, NotFound where that is not known.
    """
    with unit_of_work(home.engine) as connection:
        return [
            {
                "key": keys.create_key(
                    connection,
                    role=entry.role,
                    partner_id=entry.partner_id,
                    obligor_id=entry.obligor_id,
                    livemode=entry.livemode,
                    now=now,
                ),
                "role": entry.role.value,
                "partner_id": entry.partner_id,
                "obligor_id": entry.obligor_id,
                "livemode": entry.livemode,
            }
            for entry in entries
        ]


def listed(home: Home) -> list[dict[str, Any]]:
    """Every key without its secret, the oldest first."""
    with unit_of_work(home.engine) as connection:
        found = keys.list_keys(connection)
    return [
        {
            "key_id": item.principal.key_id,
            "role": item.principal.role.value,
            "partner_id": item.principal.partner_id,
            "obligor_id": item.principal.obligor_id,
            "livemode": item.principal.livemode,
            "created_time": item.created_time.isoformat(),
            "revoked_time": item.revoked_time.isoformat() if item.revoked_time else None,
        }
        for item in found
    ]


def remove(home: Home, key_id: str, *, now: datetime) -> dict[str, Any]:
    """End a key at once; one that was ended before keeps its time. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        keys.revoke_key(connection, key_id, now=now)
    return next(row for row in listed(home) if row["key_id"] == key_id)
