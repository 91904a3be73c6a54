"""Asking the three doors over HTTP, reading the manufacturer's page, and knocking where nobody may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import httpx

from api.demo import WORLD_ENDS
from api.portal.pages import PATHS
from benchmarks.page_parts import Page
from benchmarks.three_doors.doors import Doors
from benchmarks.three_doors.exchange import Exchange, ask
from benchmarks.three_doors.knocks import Knock, knock_everywhere
from data_contracts.identifiers import ObligorId

SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Everything that was asked and answered, with the pages by language."""

    obligor: ObligorId
    clock: datetime
    bank: Exchange
    insurer: Exchange
    score: Exchange
    explanation: Exchange
    months: Exchange
    machines: Exchange
    looks: Exchange
    knocks: tuple[Knock, ...]
    unsigned: tuple[int, str]
    statements: dict[str, Page]
    data: dict[str, Page]


def visit(url: str, doors: Doors, *, clock: datetime) -> Visit:
    """Ask as the bank, the insurer and the obligor; knock everywhere else; then read who looked."""
    (bank, bank_key), (insurer, insurer_key) = doors.partners
    about = f"/v1/obligors/{doors.obligor}"
    with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as client:
        decision = ask(client, bank_key, "POST", bank.path, bank.question(doors.obligor, WORLD_ENDS))
        quote = ask(client, insurer_key, "POST", insurer.path, insurer.question(doors.obligor, WORLD_ENDS))
        own = {
            name: ask(client, doors.own, "GET", f"{about}/{name}")
            for name in ("score", "explanation", "months", "machines")
        }
        statements = _read_pages(client, doors, "/")
        unsigned = httpx.get(f"{url}/portal/en/", trust_env=False)
        return Visit(
            obligor=doors.obligor,
            clock=clock,
            bank=decision,
            insurer=quote,
            **own,
            knocks=knock_everywhere(client, doors, decision, quote),
            unsigned=(unsigned.status_code, unsigned.headers["location"]),
            statements=statements,
            data={language: Page(client.get(f"/portal/{language}/data").text) for language in PATHS},
            looks=ask(client, doors.own, "GET", f"{about}/access-log"),
        )


def _read_pages(client: httpx.Client, doors: Doors, path: str) -> dict[str, Page]:
    """Sign in with the form, as a person does, and read the page in each language."""
    form = {"name": doors.sign_in_name, "password": doors.password}
    entered = client.post("/portal/en/sign-in", data=form, headers={"Origin": str(client.base_url).rstrip("/")})
    assert entered.status_code == 303, entered.text
    return {language: Page(client.get(f"/portal/{language}{path}").text) for language in PATHS}
