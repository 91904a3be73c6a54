"""A home with a small synthetic world, one firm that the model grades and one whose history is thin, and a visitor
who has nothing but HTTP. Synthetic; effect sizes are inputs, not findings."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher

import simulator
from api.database.engine import unit_of_work
from api.database.tables import consent, obligor, partner
from api.home import Home, open_home
from api.models import service as models
from api.obligors.repository import all_ids
from api.portal.endpoints import mount
from api.portal.passwords import Passwords
from api.portal.service import create_user
from api.snapshots.service import take_snapshot
from api.telemetry import service as telemetry
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import parse_mapping
from tests.golden_world import WORLD

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PASSWORD = "correct horse battery"
HOST = "127.0.0.1:8080"
THIN = ObligorId("91999999MA0000001N")
HOSTILE_FIRM = "<script>document.title='owned'</script>=HYPERLINK(\"http://evil.invalid\")"
HOSTILE_MACHINE = "<img src=x onerror=alert(1)>"
FORMULA_MACHINE = "=1+cmd|' /C calc'!A0"
HOSTILE_BANK = "\"><svg onload=alert(2)>'{{7*7}}{value}"
CHEAP = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
THIN_DAYS = 40
GATEWAY = {
    "name": "gateway", "kind": "sample", "source_zone": "UTC", "site_zone": "Asia/Shanghai", "hold_seconds": 3600,
    "silence": "unknown", "recorded_time": "event_time",
    "columns": {
        "machine": {"column": "machine"}, "event_time": {"column": "time"},
        "state": {"column": "state", "values": {"run": "Executing/Processing", "stop": "NotExecuting/None"}},
        "power_kw": {"column": "kw"},
    },
}  # fmt: skip


@dataclass(frozen=True)
class PortalWorld:
    """The home, a firm that the model graded, a firm with a thin history and hostile names, and others."""

    home: Home
    graded: ObligorId
    thin: ObligorId
    others: tuple[ObligorId, ...]

    def add_user(self, obligor_id: ObligorId, name: str) -> str:
        """A sign-in at the cost of tests."""
        with unit_of_work(self.home.engine) as connection:
            return create_user(
                connection, obligor_id=obligor_id, sign_in_name=name, password=PASSWORD, now=NOW, passwords=CHEAP
            )


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: int) -> None:
        self.now += timedelta(**length)


@dataclass
class Visitor:
    """A browser without scripts: cookies, forms, no redirects unless asked for."""

    app: FastAPI
    origin: str = f"http://{HOST}"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.send("GET", path, **more)

    def post(self, path: str, fields: Mapping[str, str], **more: Any) -> httpx.Response:
        headers = {"origin": self.origin, "sec-fetch-site": "same-origin", **more.pop("headers", {})}
        return self.send("POST", path, data=dict(fields), headers=headers, **more)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.origin, cookies=self.cookies) as client:
                response = await client.request(method, path, **more)
                self.cookies = client.cookies
                return response

        return asyncio.run(call())

    def sign_in(self, name: str, password: str = PASSWORD, *, language: str = "en") -> httpx.Response:
        return self.post(f"/portal/{language}/sign-in", {"name": name, "password": password})

    def csrf_token(self) -> str:
        """The token of the session, from the sign-out form that every page bears."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/portal/en/data").text)
        assert found, "no form on the page: is anybody signed in?"
        return unescape(found[1])


def visit(home: Home, *, clock: Clock, passwords: Passwords = CHEAP, wait_seconds: float = 0.0) -> Visitor:
    """A visitor of the page of `home`."""
    app = FastAPI()
    mount(app, home, passwords=passwords, clock=clock, answered_after_seconds=wait_seconds)
    return Visitor(app)


def build_world(folder: Path) -> PortalWorld:
    """Simulate, take in, train; a snapshot of two firms as of the world's end, two partners with hostile names."""
    simulator.simulate(out=folder / "files", **WORLD)  # type: ignore[arg-type]
    home = open_home(folder / "home")
    telemetry.ingest_folder(home, folder / "files", received_time=NOW, progress=lambda *_: None)
    models.train_credit(home, as_of=AS_OF)
    source = folder / "thin.csv"
    source.write_text(_thin_samples(), encoding="utf-8")
    telemetry.ingest_file(
        home, source, mapping=parse_mapping(json.dumps(GATEWAY), source="tests"), obligor=THIN, received_time=NOW
    )
    with unit_of_work(home.engine) as connection:
        connection.execute(obligor.update().where(obligor.c.obligor_id == THIN).values(name=HOSTILE_FIRM))
        connection.execute(
            partner.insert(),
            [
                {"partner_id": "bank-a", "name": "苏州农商银行", "kind": "bank", "created_time": NOW},
                {"partner_id": "bank-x", "name": HOSTILE_BANK, "kind": "bank", "created_time": NOW},
                {"partner_id": "insurer-a", "name": "Harbour Insurance", "kind": "insurer", "created_time": NOW},
            ],
        )
        known = [known for known in all_ids(connection) if known != THIN]
        graded, others = known[83], tuple(known[:40])
        for one in (graded, THIN):
            take_snapshot(connection, home, one, as_of=AS_OF, now=NOW)
    return PortalWorld(home=home, graded=graded, thin=THIN, others=others)


def standing(world: PortalWorld, obligor_id: ObligorId) -> set[tuple[str, str]]:
    """Recipient and purpose of the obligor's consents in force."""
    with unit_of_work(world.home.engine) as connection:
        rows = connection.execute(
            sa.select(consent).where(consent.c.obligor_id == obligor_id, consent.c.withdrawn_time.is_(None))
        )
        return {(row.recipient, row.purpose) for row in rows}


def _thin_samples() -> str:
    """Two machines over forty days, a sample an hour: at work by day, stopped by night."""
    begins = AS_OF - timedelta(days=THIN_DAYS)
    lines = ["machine,time,state,kw"]
    for machine in (HOSTILE_MACHINE, FORMULA_MACHINE):
        for hour in range(24 * THIN_DAYS):
            is_day = 8 <= hour % 24 < 18
            stamp = (begins + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%S")
            lines.append(f'"{machine}",{stamp},{"run" if is_day else "stop"},{7.5 if is_day else 0.5}')
    return "\n".join(lines) + "\n"
