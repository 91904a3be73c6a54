"""How long a credit decision takes, beside a bare FastAPI endpoint that inserts one row in the same database.

`python -m benchmarks.decision_latency --json`. One real server on loopback, a process of its own, on one home made for
the run (SQLite, every commit synced, unless --database-url says otherwise); both are asked in turns at 50 requests a
second. A latency runs from the moment when its request was due, so that a queue is not left out.
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
from collections.abc import Callable
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
from api.operations.serving import listen, serve
from benchmarks import small_home
from data_contracts.identifiers import ObligorId, PartnerId

BANK = PartnerId("bank")
RATE_PER_SECOND = 50
ROUNDS = 4
REQUESTS_PER_ROUND = 150
WARM_UP = 20
COLD = 21
SECONDS_TO_START = 30.0
SECONDS_AT_MOST = 240.0
BARE_PATH = "/bare"

Ask = Callable[[httpx.AsyncClient, int], Any]

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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), database_url=arguments.database_url)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:24} {value}")


def measure(folder: Path, *, database_url: str | None = None) -> dict[str, Any]:
    """The figures of one run, in milliseconds."""
    home = small_home.build(folder, database_url=database_url)
    key, obligor = _prepare(home)
    home.engine.dispose()
    port = _free_port()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(home.root, database_url, port), daemon=True
    )
    server.start()
    try:
        asking = _ask(f"http://127.0.0.1:{port}", key, obligor)
        decisions, bare, cold = asyncio.run(asyncio.wait_for(asking, SECONDS_AT_MOST))
    finally:
        server.terminate()
        server.join()
    return {
        "p50_ms": _percentile(decisions, 50),
        "p99_ms": _percentile(decisions, 99),
        "bare_p50_ms": _percentile(bare, 50),
        "bare_p99_ms": _percentile(bare, 99),
        "cold_snapshot_p50_ms": _percentile(cold, 50),
        "requests_per_second": RATE_PER_SECOND,
        "requests": len(decisions),
        "database": sa.make_url(database_url).get_backend_name() if database_url else "sqlite",
        "cores": os.cpu_count(),
    }


def _prepare(home: Home) -> tuple[str, ObligorId]:
    """A bank with a key and the consent of one obligor, and the table of the bare endpoint."""
    with home.engine.begin() as connection:
        bare_row.create(connection)
        (obligor, *_) = all_ids(connection)
        connection.execute(
            partner.insert().values(partner_id=BANK, name="Bank", kind="bank", created_time=small_home.NOW)
        )
        declare(connection, [obligor], recipient=BANK, purpose=Purpose.CREDIT, now=small_home.NOW)
        key = create_key(
            connection, role=Role.BANK, partner_id=BANK, obligor_id=None, livemode=False, now=small_home.NOW
        )
    return key, obligor


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


async def _ask(url: str, key: str, obligor: ObligorId) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each decision, each bare insert, and each decision on a fresh snapshot."""
    headers = {"Authorization": f"Bearer {key}"}
    loan = {"obligor_id": obligor, "product": "working_capital", "currency": "CNY", "tenor_months": 12}

    async def decide(client: httpx.AsyncClient, number: int, snapshot: str = "latest") -> httpx.Response:
        body = {**loan, "amount_minor": 50_000_000 + number, "snapshot": snapshot}
        return await client.post("/v1/credit-decisions", json=body, headers=headers)

    async def insert(client: httpx.AsyncClient, number: int) -> httpx.Response:
        return await client.post(BARE_PATH, json={"obligor_id": obligor, "amount_minor": number})

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as client:
        await _until_ready(client)
        decisions: list[float] = []
        bare: list[float] = []
        for ask in (decide, insert):
            await _at_rate(client, ask, count=WARM_UP, first=10**6)
        for turn in range(ROUNDS):
            first = turn * REQUESTS_PER_ROUND
            decisions += await _at_rate(client, decide, count=REQUESTS_PER_ROUND, first=first)
            bare += await _at_rate(client, insert, count=REQUESTS_PER_ROUND, first=first)
        cold = []
        for number in range(COLD):
            begun = time.perf_counter()
            _check(await decide(client, number, "fresh"))
            cold.append(time.perf_counter() - begun)
    return decisions, bare, cold


async def _at_rate(client: httpx.AsyncClient, ask: Ask, *, count: int, first: int) -> list[float]:
    """Seconds of `count` requests that are due at the rate, whether or not those before are answered."""
    begun = time.perf_counter()

    async def one(number: int) -> float:
        due = begun + number / RATE_PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        _check(await ask(client, first + number))
        return time.perf_counter() - due

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def _until_ready(client: httpx.AsyncClient) -> None:
    deadline = time.perf_counter() + SECONDS_TO_START
    while True:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            assert time.perf_counter() < deadline, "the server did not start"
        await asyncio.sleep(0.1)


def _check(answer: httpx.Response) -> None:
    assert answer.status_code == 201, answer.text


def _percentile(seconds: list[float], percent: int) -> float:
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
