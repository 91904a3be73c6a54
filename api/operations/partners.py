"""The list of partners: the banks, insurers, lessors and core enterprises that ask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.engine import unit_of_work
from api.database.tables import api_key, consent, partner
from api.home import Home
from api.operations.entries import Entry
from api.operations.errors import AlreadyKnown
from api.operations.ledger import Added
from api.partners import repository as partners
from data_contracts.errors import InputError
from data_contracts.identifiers import PartnerId

NAMES = ("partner", "name", "kind")
PARTNER_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
RESERVED = frozenset({partners.LOCAL, consents.PLATFORM, "operator"})
NAME_LENGTH = 200


class PartnerKind(StrEnum):
    """What a partner is."""

    BANK = "bank"
    INSURER = "insurer"
    LESSOR = "lessor"
    CORE_ENTERPRISE = "core_enterprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerEntry:
    """One partner."""

    partner_id: PartnerId
    name: str
    kind: PartnerKind


def read_entry(entry: Entry) -> PartnerEntry:
    """An entry of the list of partners. Raises InputError."""
    identifier, name, kind = entry.need("partner"), entry.need("name"), entry.need("kind")
    if not PARTNER_ID.fullmatch(identifier) or identifier in RESERVED:
        raise InputError(
            f"{identifier!r} cannot be a partner's id.",
            hint=f"1 to 40 of a-z, 0-9 and -, such as icbc-suzhou; not {', '.join(sorted(RESERVED))}.",
        )
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise InputError(f"{name[:40]!r}... cannot be a name.", hint=f"At most {NAME_LENGTH} printable characters.")
    if kind not in set(PartnerKind):
        raise InputError(f"{kind!r} is no kind of partner.", hint=f"Write {', '.join(PartnerKind)}.")
    return PartnerEntry(partner_id=PartnerId(identifier), name=name, kind=PartnerKind(kind))


def add(home: Home, entries: Sequence[PartnerEntry], *, now: datetime) -> Added:
    """Make the partners that are not known, in one transaction. Raises AlreadyKnown where one is, as somebody else."""
    with unit_of_work(home.engine) as connection:
        rows = connection.execute(sa.select(partner.c.partner_id, partner.c.name, partner.c.kind))
        known = {row.partner_id: (row.name, row.kind) for row in rows}
        fresh = 0
        for entry in entries:
            said = (entry.name, entry.kind.value)
            if known.setdefault(entry.partner_id, said) != said:
                name, kind = known[entry.partner_id]
                raise AlreadyKnown(
                    f"Partner {entry.partner_id!r} is {name!r}, a {kind}.",
                    hint="Choose another id; answers name partners by it for ever.",
                )
        for identifier in dict.fromkeys(entry.partner_id for entry in entries):
            name, kind = known[identifier]
            fresh += _insert(connection, identifier, name=name, kind=kind, now=now)
    return Added(added=fresh, known=len(entries) - fresh, admission=None)


def name_lender(home: Home, partner_id: PartnerId, name: str, *, now: datetime) -> dict[str, Any]:
    """Say under which name facility ledgers tell of what is owed to a partner: from then on its decisions look through
    its book to the core enterprises. Raises NotFound, and InputError for a name that no ledger can bear."""
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise InputError(
            f"{name[:40]!r} cannot be a lender's name.",
            hint=f"1 to {NAME_LENGTH} printable characters, as in the ledger.",
        )
    with unit_of_work(home.engine) as connection:
        if partner_id == partners.LOCAL:
            partners.ensure_local(connection, now=now)
        partners.require(connection, partner_id)
        partners.tell_lender_name(connection, partner_id, name, now=now)
        return {"partner_id": partner_id, "lender_names": partners.lender_names(connection, partner_id)}


def listed(home: Home, *, now: datetime) -> list[dict[str, Any]]:
    """Every partner with how many consents and keys of it are in force."""
    with unit_of_work(home.engine) as connection:
        rows = connection.execute(sa.select(partner).order_by(partner.c.partner_id)).all()
        granted = _counts(
            connection,
            sa.select(consent.c.recipient, sa.func.count())
            .where(
                consent.c.withdrawn_time.is_(None),
                sa.or_(consent.c.expires_time.is_(None), consent.c.expires_time > now),
            )
            .group_by(consent.c.recipient),
        )
        keys = _counts(
            connection,
            sa.select(api_key.c.partner_id, sa.func.count())
            .where(api_key.c.revoked_time.is_(None))
            .group_by(api_key.c.partner_id),
        )
        names = {row.partner_id: partners.lender_names(connection, PartnerId(row.partner_id)) for row in rows}
    return [
        {
            "partner_id": row.partner_id,
            "name": row.name,
            "kind": row.kind,
            "lender_names": names[row.partner_id],
            "created_time": row.created_time.isoformat(),
            "consents_in_force": granted.get(row.partner_id, 0),
            "keys_in_force": keys.get(row.partner_id, 0),
        }
        for row in rows
    ]


def remove(home: Home, partner_id: PartnerId, *, now: datetime) -> dict[str, Any]:
    """End a partner's access now: its keys are revoked and consents to it withdrawn; what it was told stays stored.

    Raises NotFound, and InputError for the home's own partner.
    """
    if partner_id == partners.LOCAL:
        raise InputError(
            "The home's own partner cannot be removed.", hint="Withdraw single consents: millgrade consent remove."
        )
    with unit_of_work(home.engine) as connection:
        partners.require(connection, partner_id)
        revoked = connection.execute(
            sa.update(api_key)
            .where(api_key.c.partner_id == partner_id, api_key.c.revoked_time.is_(None))
            .values(revoked_time=now)
        ).rowcount
        withdrawn = consents.withdraw_all(connection, consent.c.recipient == partner_id, now=now)
    return {
        "partner_id": partner_id,
        "ended_time": now.isoformat(),
        "keys_revoked": revoked,
        "consents_withdrawn": withdrawn,
    }


def _insert(connection: sa.Connection, partner_id: PartnerId, *, name: str, kind: str, now: datetime) -> int:
    known = sa.select(partner.c.partner_id).where(partner.c.partner_id == partner_id)
    if connection.scalar(known) is not None:
        return 0
    connection.execute(partner.insert().values(partner_id=partner_id, name=name, kind=kind, created_time=now))
    return 1


def _counts(connection: sa.Connection, query: sa.Select[str, int]) -> dict[str, int]:
    return dict(connection.execute(query).all())
