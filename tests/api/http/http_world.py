"""A small home behind the HTTP app: two firms, two banks, two insurers, and a key for each role."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from loopback import Loopback

from api.consents import repository as consents
from api.consents.repository import OBLIGOR_GRANTED, OPERATOR_DECLARED, PLATFORM, Purpose
from api.database.tables import consent, partner
from api.home import Home, open_home
from api.http.limits import Limits
from api.keys.principal import Role
from api.keys.service import create_key
from api.main import create_app
from api.obligors import repository as obligors
from api.obligors import service as registration
from benchmarks import small_home
from data_contracts.identifiers import ObligorId, PartnerId

NOW = small_home.NOW
ABSENT = ObligorId("91999999MA0009998R")


@dataclass(frozen=True)
class World:
    """The home, whose keys are which, and what the log said."""

    home: Home
    own: ObligorId
    other: ObligorId
    keys: dict[str, str]
    server: Loopback
    log: io.StringIO

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        **rest: Any,
    ) -> httpx.Response:
        """One request as the holder of a key."""
        sent = httpx.Headers(headers)
        if key is not None:
            sent["Authorization"] = f"Bearer {self.keys[key]}"
        return self.server.client.request(method, path, headers=sent, **rest)

    def close(self) -> None:
        """Stop serving."""
        self.server.close()
        self.home.engine.dispose()

    def logged(self) -> list[dict[str, Any]]:
        """Every line of the log."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def make_world(folder: Path, *, limits: Limits | None = None, database_url: str | None = None) -> World:
    """A home with data and models behind its app (see `serve`)."""
    return serve(small_home.build(folder, database_url=database_url), limits=limits)


def make_bare_world(folder: Path, *, limits: Limits | None = None, database_url: str | None = None) -> World:
    """Two registered firms of whom nothing is known, and no model: enough for what needs neither."""
    home = open_home(folder / "home", database_url=database_url)
    with home.engine.begin() as connection:
        registration.register(connection, [ObligorId("91999999MA0001000T"), ObligorId("91999999MA0001001X")], now=NOW)
    return serve(home, limits=limits)


def serve(home: Home, *, limits: Limits | None = None) -> World:
    """`own` consents to bank-a and insurer-a, `other` to bank-b and insurer-b; nobody to both."""
    log = io.StringIO()
    app = create_app(home, clock=lambda: NOW, limits=limits, log_stream=log)
    with home.engine.begin() as connection:
        own, other, *_ = obligors.all_ids(connection)
        for name, kind in (("bank-a", "bank"), ("bank-b", "bank"), ("insurer-a", "insurer"), ("insurer-b", "insurer")):
            connection.execute(partner.insert().values(partner_id=name, name=name, kind=kind, created_time=NOW))
        for firm, suffix in ((own, "a"), (other, "b")):
            for mark in (OPERATOR_DECLARED, OBLIGOR_GRANTED):
                grant(connection, firm, PLATFORM, Purpose.PLATFORM, mark=mark)
                grant(connection, firm, f"bank-{suffix}", Purpose.CREDIT, mark=mark)
                grant(connection, firm, f"insurer-{suffix}", Purpose.INSURANCE, mark=mark)
        keys = make_keys(connection, own, other)
    return World(home=home, own=own, other=other, keys=keys, server=Loopback(app), log=log)


def grant(
    connection: sa.Connection,
    firm: ObligorId,
    recipient: str,
    purpose: Purpose,
    *,
    mark: str = OPERATOR_DECLARED,
    now: datetime = NOW,
) -> None:
    """A consent without an end."""
    consents.declare(connection, [firm], recipient=recipient, purpose=purpose, now=now, mark=mark)


def withdraw_all(world: World, *, recipient: str) -> None:
    """End every consent to a recipient."""
    with world.home.engine.begin() as connection:
        connection.execute(consent.update().where(consent.c.recipient == recipient).values(withdrawn_time=NOW))


def make_keys(connection: sa.Connection, own: ObligorId, other: ObligorId) -> dict[str, str]:
    """A key of each role on each side, and live ones."""
    keys = {}
    for live in (False, True):
        for suffix, firm in (("a", own), ("b", other)):
            for role, partner_id, obligor_id in (
                (Role.BANK, PartnerId(f"bank-{suffix}"), None),
                (Role.INSURER, PartnerId(f"insurer-{suffix}"), None),
                (Role.OBLIGOR, None, firm),
                (Role.GATEWAY, None, firm),
                (Role.OPERATOR, None, None),
            ):
                name = f"{'live-' if live else ''}{role.value}-{suffix}"
                keys[name] = create_key(
                    connection, role=role, partner_id=partner_id, obligor_id=obligor_id, livemode=live, now=NOW
                )
    return keys


def loan(firm: str, **changes: Any) -> dict[str, Any]:
    """A question about a loan."""
    asked = {
        "obligor_id": firm,
        "product": "working_capital",
        "amount_minor": 50_000_000,
        "currency": "CNY",
        "tenor_months": 12,
    }
    return {**asked, **changes}


def cover(firm: str, **changes: Any) -> dict[str, Any]:
    """A question about cover."""
    asked = {
        "obligor_id": firm,
        "product": "equipment_ubi",
        "sum_insured_minor": 80_000_000,
        "currency": "CNY",
        "from": "2026-12-01",
        "to": "2027-11-30",
    }
    return {**asked, **changes}


def samples(machine: str = "NEW-1", **changes: Any) -> dict[str, Any]:
    """Two samples of a machine."""
    rows = [
        {"machine_uid": machine, "event_time": "2026-11-19T08:00:00+08:00", "item_state": "Executing", "power_kw": 7.5},
        {"machine_uid": machine, "event_time": "2026-11-19T08:05:00+08:00", "item_state": "NotExecuting"},
    ]
    return {"rows": [{**row, **changes} for row in rows]}


def consent_to(firm: str, recipient: str = "bank-a", **changes: Any) -> dict[str, Any]:
    """A consent to be granted."""
    return {"obligor_id": firm, "recipient": recipient, "purpose": "credit", **changes}
