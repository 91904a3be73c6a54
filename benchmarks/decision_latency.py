"""How long a credit decision takes, beside a bare FastAPI endpoint that inserts one row in the same database.

`python -m benchmarks.decision_latency --json`. One real server on loopback, a process of its own, on one home made for
the run (SQLite, every commit synced, unless --database-url or --postgresql says otherwise); decisions, decisions each
followed by its receipt, quotes and bare inserts are asked in turns at 50 a second, of one obligor after the other. A
latency runs from the moment when its request was due, so that a queue is not left out.

With `--lender BANK-SYNTHETIC --obligors 300` a second bank, which ledgers know by that name (the one lender of simulated
ledgers), asks for the same in the same turns, each decision looking through its book: at first one alone, for which the
whole book is read, at last some with an invoice of another obligor taken in before each.

With `--servers 2` as many server processes answer on one PostgreSQL database, asked in turns as a balancer would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from api.consents.repository import Purpose, declare
from api.database.engine import unit_of_work
from api.database.tables import partner
from api.home import Home, open_home
from api.keys.principal import Role
from api.keys.service import create_key
from api.main import create_app
from api.obligors.repository import all_ids
from api.operations.partners import name_lender
from api.operations.serving import listen, serve
from benchmarks import small_home
from benchmarks.postgresql import postgresql
from data_contracts.evidence.tables import log_checkpoint
from data_contracts.identifiers import ObligorId, PartnerId

RATE_PER_SECOND = 50
ROUNDS = 4
REQUESTS_PER_ROUND = 150
WARM_UP = 20
COLD = 21
SECONDS_TO_START = 120.0
SECONDS_AT_MOST = 240.0
OBLIGORS = 6
BARE_PATH = "/bare"
BANK, NAMED_BANK, INSURER = PartnerId("bank"), PartnerId("named-bank"), PartnerId("insurer")
BUYER = "91999999MA0009998R"
NEWS = "obligor_id,invoice_id,event_time,status,buyer_id,amount_minor,tax_minor,currency"

Ask = Callable[[int], Awaitable[Any]]

bare_row = sa.Table(
    "bare_row",
    sa.MetaData(),
    sa.Column("row_id", sa.Integer, primary_key=True),
    sa.Column("obligor_id", sa.String(18), nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
)


class BareRow(BaseModel):
    """What the bare endpoint takes."""

    obligor_id: str
    amount_minor: int


def main() -> None:
    """Make a home, serve it, ask it, and print the latencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--database-url", help="measure on this database instead of SQLite in the home")
    parser.add_argument("--postgresql", action="store_true", help="measure on a PostgreSQL server made for the run")
    parser.add_argument(
        "--rate", type=float, default=RATE_PER_SECOND, help="requests a second, fewer on a busy machine"
    )
    parser.add_argument("--lender", help="under which name ledgers know a second bank, which looks through its book")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="of how many; all consent to both banks")
    parser.add_argument("--servers", type=int, default=1, help="server processes on one PostgreSQL database")
    arguments = parser.parse_args()
    if arguments.servers > 1 and not (arguments.postgresql or arguments.database_url):
        parser.error("a home on SQLite is served by one process; --servers goes with --postgresql or --database-url")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_until_then:
        url = arguments.database_url
        if arguments.postgresql:
            url = open_until_then.enter_context(postgresql(Path(folder) / "postgresql"))
        found = measure(
            Path(folder),
            database_url=url,
            lender=arguments.lender,
            obligors=arguments.obligors,
            rate=arguments.rate,
            servers=arguments.servers,
        )
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:24} {value}")


@dataclass(frozen=True, slots=True)
class Keys:
    """Of those who ask."""

    bank: str
    named_bank: str
    insurer: str
    operator: str


def measure(
    folder: Path,
    *,
    database_url: str | None = None,
    lender: str | None = None,
    obligors: int = OBLIGORS,
    rate: float = RATE_PER_SECOND,
    servers: int = 1,
) -> dict[str, Any]:
    """The figures of one run, in milliseconds; those of a second bank where ledgers know one as `lender`."""
    home = small_home.build(folder, obligors=obligors, database_url=database_url)
    keys, asked_of = _prepare(home)
    if lender is not None:
        name_lender(home, NAMED_BANK, lender, now=small_home.NOW)
    home.engine.dispose()
    with _served(home.root, database_url, servers) as urls:
        asking = _ask(urls, keys, asked_of, rate=rate, with_book=lender is not None)
        found = asyncio.run(asyncio.wait_for(asking, SECONDS_AT_MOST * max(1.0, RATE_PER_SECOND / rate)))
    receipts = len(found["with_receipt"]) + WARM_UP
    decision, bare = _percentile(found["decision"], 50), _percentile(found["bare"], 50)
    return {
        "p50_ms": decision,
        "p99_ms": _percentile(found["decision"], 99),
        "bare_p50_ms": bare,
        "bare_p99_ms": _percentile(found["bare"], 99),
        "times_bare": round(decision / bare, 2),
        "with_receipt_p50_ms": _percentile(found["with_receipt"], 50),
        "with_receipt_p99_ms": _percentile(found["with_receipt"], 99),
        "receipts": receipts,
        "checkpoints_signed": _checkpoints(home.root, database_url),
        "quote_p50_ms": _percentile(found["quote"], 50),
        "quote_p99_ms": _percentile(found["quote"], 99),
        "cold_snapshot_p50_ms": _percentile(found["cold_snapshot"], 50),
        **(_of_book(found) if lender is not None else {}),
        "requests_per_second": rate,
        "requests": len(found["decision"]),
        "obligors": len(asked_of),
        "database": sa.make_url(database_url).get_backend_name() if database_url else "sqlite",
        "cores": os.cpu_count(),
        "servers": servers,
    }


def _of_book(found: dict[str, list[float]]) -> dict[str, float]:
    """What the decisions of the bank took that looks through its book."""
    return {
        "look_through_p50_ms": _percentile(found["look_through"], 50),
        "look_through_p99_ms": _percentile(found["look_through"], 99),
        "whole_book_ms": round(found["whole_book"][0] * 1000, 2),
        "after_news_p50_ms": _percentile(found["after_news"], 50),
    }


def _prepare(home: Home) -> tuple[Keys, list[ObligorId]]:
    """Two banks and an insurer with a key each and every obligor's consent, an operator, and the table of the bare
    endpoint."""
    with home.engine.begin() as connection:
        bare_row.create(connection)
        obligors = all_ids(connection)

        def key(role: Role, name: PartnerId | None) -> str:
            return create_key(
                connection, role=role, partner_id=name, obligor_id=None, livemode=False, now=small_home.NOW
            )

        for name, role, purpose in (
            (BANK, Role.BANK, Purpose.CREDIT),
            (NAMED_BANK, Role.BANK, Purpose.CREDIT),
            (INSURER, Role.INSURER, Purpose.INSURANCE),
        ):
            row = {"partner_id": name, "name": name, "kind": role.value, "created_time": small_home.NOW}
            connection.execute(partner.insert(), row)
            declare(connection, obligors, recipient=name, purpose=purpose, now=small_home.NOW)
        keys = Keys(
            bank=key(Role.BANK, BANK),
            named_bank=key(Role.BANK, NAMED_BANK),
            insurer=key(Role.INSURER, INSURER),
            operator=key(Role.OPERATOR, None),
        )
    return keys, obligors


@contextmanager
def _served(root: Path, database_url: str | None, servers: int) -> Iterator[list[str]]:
    """Where as many server processes answer; they end with the block."""
    ports = [_free_port() for _ in range(servers)]
    spawn = multiprocessing.get_context("spawn").Process
    running = [spawn(target=_serve, args=(root, database_url, port), daemon=True) for port in ports]
    for server in running:
        server.start()
    try:
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for server in running:
            server.terminate()
            server.join()


def _serve(root: Path, database_url: str | None, port: int) -> None:
    """Both apps on one engine, logs into nothing."""
    home = open_home(root, database_url=database_url)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        serve(_side_by_side(create_app(home, log_stream=nothing), _bare(home)), listen("127.0.0.1", port))


def _bare(home: Home) -> FastAPI:
    app = FastAPI()

    @app.post(BARE_PATH, status_code=201)
    def insert(row: BareRow) -> dict[str, int]:
        with unit_of_work(home.engine) as connection:
            result = connection.execute(bare_row.insert().values(**row.model_dump()))
            return {"row_id": result.inserted_primary_key[0]}

    return app


def _side_by_side(app: ASGIApp, bare: ASGIApp) -> ASGIApp:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (bare if scope["path"] == BARE_PATH else app)(scope, receive, send)

    return both


async def _ask(
    urls: Sequence[str], keys: Keys, obligors: Sequence[ObligorId], *, rate: float, with_book: bool
) -> dict[str, list[float]]:
    """Seconds of each kind of request, asked in turns so that whatever else the machine does falls on all of them."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with AsyncExitStack() as open_until_then:
        clients = [httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) for url in urls]
        for client in clients:
            await _until_ready(await open_until_then.enter_async_context(client))
        door = Door(clients=clients, keys=keys, obligors=obligors)
        asked: dict[str, Ask] = {
            "decision": door.decide,
            "with_receipt": door.decide_with_receipt,
            "quote": door.quote,
            "bare": door.insert,
        }
        if with_book:
            asked["look_through"] = door.look_through
        found: dict[str, list[float]] = {name: [] for name in asked}
        if with_book:
            await door.decide(0)  # what every first decision waits for is not the book
            found["whole_book"] = [await _timed(door.look_through, 0)]
        for first, ask in enumerate(asked.values(), start=1):
            await _at_rate(ask, rate, count=WARM_UP, first=first * 10**6)
        for turn in range(ROUNDS):
            for kind, (name, ask) in enumerate(asked.items()):
                found[name] += await _at_rate(ask, rate, count=REQUESTS_PER_ROUND, first=kind * 10**5 + turn * 10**3)
        found["cold_snapshot"] = [await _timed(door.decide_afresh, number) for number in range(COLD)]
        if with_book:
            found["after_news"] = [await door.look_through_after_news(number) for number in range(COLD)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What is asked: of one obligor after the other, no two questions alike."""

    clients: Sequence[httpx.AsyncClient]
    keys: Keys
    obligors: Sequence[ObligorId]
    turns: Iterator[int] = field(default_factory=count)

    @property
    def client(self) -> httpx.AsyncClient:
        """Of the server whose turn it is."""
        return self.clients[next(self.turns) % len(self.clients)]

    async def decide(self, number: int, *, snapshot: str = "latest", key: str | None = None) -> str:
        """A decision of a bank, without a book unless the key says so; its name."""
        body = {
            "obligor_id": self.obligors[number % len(self.obligors)],
            "product": "working_capital",
            "amount_minor": 50_000_000 + number,
            "currency": "CNY",
            "tenor_months": 12,
            "snapshot": snapshot,
        }
        told = await self._post("/v1/credit-decisions", key or self.keys.bank, body)
        return str(told["decision"]["decision_id"])

    async def look_through(self, number: int) -> None:
        """A decision of the bank that looks through its book."""
        await self.decide(number, key=self.keys.named_bank)

    async def look_through_after_news(self, number: int) -> float:
        """Seconds of such a decision, after an invoice of the next obligor came in."""
        row = f"{self.obligors[(number + 1) % len(self.obligors)]},NEWS-{number},2026-11-20T02:00:00Z,issued,{BUYER}"
        path = "/v1/telemetry?mapping=canonical_invoice"
        sent = {**_bearing(self.keys.operator), "Content-Type": "text/csv"}
        _check(await self.client.post(path, content=f"{NEWS}\n{row},1000000,130000,CNY\n", headers=sent), 201)
        return await _timed(self.look_through, number)

    async def decide_afresh(self, number: int) -> None:
        """A decision on a snapshot that is taken for it."""
        await self.decide(number, snapshot="fresh")

    async def decide_with_receipt(self, number: int) -> None:
        """A decision, and then its receipt: a checkpoint of the log, signed by every key for all who ask just then."""
        name = await self.decide(number)
        path = f"/v1/credit-decisions/{name}/receipt"
        _check(await self.client.get(path, headers=_bearing(self.keys.bank)), 200)

    async def quote(self, number: int) -> None:
        """A premium, of the first few: the first quote of each takes a snapshot with its machines."""
        body = {
            "obligor_id": self.obligors[number % min(OBLIGORS, len(self.obligors))],
            "product": "equipment_ubi",
            "sum_insured_minor": 80_000_000 + number,
            "currency": "CNY",
            "from": "2026-12-01",
            "to": "2027-11-30",
        }
        await self._post("/v1/premium-quotes", self.keys.insurer, body)

    async def insert(self, number: int) -> None:
        """A row of the bare endpoint."""
        _check(await self.client.post(BARE_PATH, json={"obligor_id": self.obligors[0], "amount_minor": number}), 201)

    async def _post(self, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(path, json=body, headers=_bearing(key))
        _check(answer, 201)
        told: dict[str, Any] = answer.json()
        return told


def _bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def _at_rate(ask: Ask, rate: float, *, count: int, first: int) -> list[float]:
    """Seconds of `count` requests that are due at the rate, whether or not those before are answered."""
    begun = time.perf_counter()

    async def one(number: int) -> float:
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await ask(first + number)
        return time.perf_counter() - due

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def _timed(ask: Ask, number: int) -> float:
    begun = time.perf_counter()
    await ask(number)
    return time.perf_counter() - begun


async def _until_ready(client: httpx.AsyncClient) -> None:
    deadline = time.perf_counter() + SECONDS_TO_START
    while True:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            assert time.perf_counter() < deadline, "the server did not start"
        await asyncio.sleep(0.1)


def _check(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text


def _percentile(seconds: list[float], percent: int) -> float:
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 2)


def _checkpoints(root: Path, database_url: str | None) -> int:
    """How often the log was signed for those who asked."""
    home = open_home(root, database_url=database_url)
    with home.engine.connect() as connection:
        signed = connection.scalar(sa.select(sa.func.count()).select_from(log_checkpoint))
    home.engine.dispose()
    return int(signed or 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
