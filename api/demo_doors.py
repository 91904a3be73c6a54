"""The demonstration's open doors: one sign-in for the manufacturer's page, and a key each for a bank and an insurer.

Secrets are made anew at every start and shown once; those of an earlier start end.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.engine import unit_of_work
from api.database.tables import partner
from api.home import Home
from api.keys import service as keys
from api.keys.principal import Role
from api.portal import sign_in
from api.portal.sign_in import SignInNameTaken
from data_contracts.identifiers import ObligorId, PartnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A partner of the demonstration and what it asks."""

    partner_id: PartnerId
    name: str
    role: Role
    purpose: consents.Purpose
    path: str

    def question(self, obligor: ObligorId, day: datetime) -> dict[str, object]:
        """The body that it posts."""
        if self.role is Role.BANK:
            asked: dict[str, object] = {"product": "working_capital", "amount_minor": 100_000_00, "tenor_months": 12}
        else:
            ends = day.date() + timedelta(days=364)
            cover = {"from": day.date().isoformat(), "to": ends.isoformat()}
            asked = {"product": "equipment_ubi", "sum_insured_minor": 3_000_000_00, **cover}
        return {"obligor_id": obligor, "currency": "CNY", **asked}


DOORS = (
    Door(
        partner_id=PartnerId("demo-bank"),
        name="Demonstration bank",
        role=Role.BANK,
        purpose=consents.Purpose.CREDIT,
        path="/v1/credit-decisions",
    ),
    Door(
        partner_id=PartnerId("demo-insurer"),
        name="Demonstration insurer",
        role=Role.INSURER,
        purpose=consents.Purpose.INSURANCE,
        path="/v1/premium-quotes",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The secrets of one start: the sign-in of the manufacturer's page, and each door with its key."""

    sign_in_name: str
    password: str
    keys: tuple[tuple[Door, str], ...]


def make_secrets(home: Home, obligor: ObligorId, *, now: datetime) -> Opened:
    """Make the sign-in and the keys, and the partners and consents that they rest on; earlier ones end."""
    password = secrets.token_urlsafe(12)
    with unit_of_work(home.engine) as connection:
        name = _sign_in(connection, obligor, password=password, now=now)
        made = tuple((door, _key(connection, door, obligor, now=now)) for door in DOORS)
    return Opened(sign_in_name=name, password=password, keys=made)


def open_doors(home: Home, obligor: ObligorId, *, url: str, day: datetime, now: datetime) -> Iterator[str]:
    """Make the secrets, and yield the lines to print: each secret and each command on one of its own."""
    opened = make_secrets(home, obligor, now=now)
    yield f"\nThe manufacturer's page of {obligor}, in English and Chinese:"
    yield f"{url}/portal/en/"
    yield f"{url}/portal/zh/"
    yield f"sign-in name: {opened.sign_in_name}"
    yield f"password: {opened.password}"
    for door, key in opened.keys:
        body = json.dumps(door.question(obligor, day))
        yield f"\n{door.name}, key (test mode):"
        yield key
        yield (
            f"curl -sS {url}{door.path} -H 'Authorization: Bearer {key}' "
            f"-H 'Content-Type: application/json' -d '{body}'"
        )


def _sign_in(connection: sa.Connection, obligor: ObligorId, *, password: str, now: datetime) -> str:
    name = f"demo-{obligor[-6:].lower()}"
    try:
        sign_in.create_user(connection, obligor_id=obligor, sign_in_name=name, password=password, now=now)
    except SignInNameTaken:
        sign_in.change_password(connection, sign_in_name=name, password=password)
    return name


def _key(connection: sa.Connection, door: Door, obligor: ObligorId, *, now: datetime) -> str:
    if connection.scalar(sa.select(partner.c.partner_id).where(partner.c.partner_id == door.partner_id)) is None:
        values = {"partner_id": door.partner_id, "name": door.name, "kind": door.role.value, "created_time": now}
        connection.execute(partner.insert().values(values))
    if obligor not in consents.consented(connection, recipient=door.partner_id, purpose=door.purpose, now=now):
        consents.declare(connection, [obligor], recipient=door.partner_id, purpose=door.purpose, now=now)
    for listed in keys.list_keys(connection):
        if listed.principal.partner_id == door.partner_id and listed.revoked_time is None:
            keys.revoke_key(connection, listed.principal.key_id, now=now)
    return keys.create_key(
        connection, role=door.role, partner_id=door.partner_id, obligor_id=None, livemode=False, now=now
    )
