"""Gateways that post sealed one-minute batches to `millgrade serve` over real connections, each at its own second.

Every gateway has an API key and a signing key of its own and keeps its chain of seals. Its batch is one minute of three
machines, a sample every ten seconds, as JSON. A latency runs from the moment at which the batch was due, so that a
sender that falls behind is not let off, to the last byte of the acknowledgement; each post opens a connection anew.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.database.engine import unit_of_work
from api.gateways import service as gateway_keys
from api.home import Home, open_home
from api.keys.principal import Role
from api.keys.service import create_key
from api.obligors.service import register
from data_contracts.evidence.seal import NO_SEAL, Seal, key_id_of, signed
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import to_microseconds
from simulator.firms.obligors import synthetic_uscc

PATH = "/v1/telemetry?mapping=canonical_sample"
GATEWAYS_PER_FIRM = 5
MACHINES = 3
SECONDS_BETWEEN_SAMPLES = 10
MINUTE = 60.0
CREATED = 201
SEED = 20_260_701


@dataclass
class Gateway:
    """One gateway: whose it is, its keys, and the end of its chain."""

    obligor: ObligorId
    name: str
    api_key: str
    key: Ed25519PrivateKey
    boot_id: str
    started: float
    last: Seal | None = None

    def batch(self) -> tuple[bytes, str]:
        """The minute that ends now, and its seal."""
        now = datetime.now(UTC)
        body = json.dumps({"rows": list(self._rows(now))}).encode()
        sequence = 0 if self.last is None else self.last.sequence + 1
        self.last = Seal(
            key_id=key_id_of(self.key.public_key().public_bytes_raw()),
            boot_id=self.boot_id,
            sequence=sequence,
            monotonic_us=int((time.monotonic() - self.started) * 1e6),
            wall_us=to_microseconds(now),
            previous=NO_SEAL if self.last is None else self.last.digest,
            body_sha256=hashlib.sha256(body).hexdigest(),
        )
        return body, signed(self.last, self.key)

    def _rows(self, now: datetime) -> Iterator[dict[str, Any]]:
        for machine in range(MACHINES):
            for back in range(0, int(MINUTE), SECONDS_BETWEEN_SAMPLES):
                yield {
                    "machine_uid": f"{self.obligor}/{self.name}-{machine}",
                    "event_time": (now - timedelta(seconds=back)).isoformat(),
                    "item_state": "Executing",
                    "operation_mode": "Processing",
                    "power_kw": 7.5 + machine,
                    "part_delta": 1,
                }


@dataclass
class Heard:
    """What came back: seconds until each acknowledgement, by the moment it was due, and every other answer."""

    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    levels: set[str] = field(default_factory=set)


def measure(folder: Path, *, gateways: int, minutes: float, database_url: str | None = None) -> dict[str, Any]:
    """Let so many gateways post for so many minutes to a server on a new home in `folder`; what they heard."""
    home = open_home(folder / "home", database_url=database_url)
    fleet = _registered(home, gateways)
    home.engine.dispose()
    with _served(home, folder, database_url) as url:
        heard = asyncio.run(_post(fleet, url, minutes))
    # What was not acknowledged waits for ever: it counts as such among the latencies.
    seconds = [*heard.seconds, *[float("inf")] * len(heard.refused)]
    p50, p99 = (float(np.percentile(seconds, share, method="higher")) * 1000 for share in (50, 99))
    return {
        "gateways": gateways,
        "gateway_posts": len(seconds),
        "gateway_refused": len(heard.refused),
        "gateway_p50_ms": round(p50, 1),
        "gateway_p99_ms": round(p99, 1),
        "gateway_worst_ms": round(max(seconds) * 1000, 1),
        "gateway_levels": sorted(heard.levels),
    }


def _registered(home: Home, count: int) -> list[Gateway]:
    """Gateways of firms that are known, with their keys registered."""
    now = datetime.now(UTC)
    made = []
    with unit_of_work(home.engine) as connection:
        firms = [synthetic_uscc(serial) for serial in range(1, -(-count // GATEWAYS_PER_FIRM) + 1)]
        register(connection, firms, now=now)
        for number in range(count):
            obligor, name = firms[number // GATEWAYS_PER_FIRM], f"G{number}"
            key = Ed25519PrivateKey.generate()
            gateway_keys.add(
                connection,
                obligor_id=obligor,
                gateway=name,
                public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
                livemode=False,
                by="operator",
                now=now,
            )
            api_key = create_key(
                connection, role=Role.GATEWAY, partner_id=None, obligor_id=obligor, livemode=False, now=now
            )
            boot_id = hashlib.sha256(name.encode()).hexdigest()[:32]
            made.append(Gateway(obligor, name, api_key, key, boot_id, started=time.monotonic()))
    return made


@contextmanager
def _served(home: Home, folder: Path, database_url: str | None) -> Iterator[str]:
    """`millgrade serve` on the home, as a user starts it; where it answers."""
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0", "--json"]
    command += ["--home", str(home.root)]
    environment = dict(os.environ) if database_url is None else {**os.environ, "MILLGRADE_DATABASE_URL": database_url}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
        try:
            assert server.stdout is not None
            told = "".join(itertools.takewhile(lambda line: line != "}\n", server.stdout))
            yield json.loads(told + "}")["url"]
        finally:
            server.terminate()
            server.wait()


async def _post(fleet: Sequence[Gateway], url: str, minutes: float) -> Heard:
    """Every gateway at its own place in the minute, minute after minute."""
    heard, draw = Heard(), random.Random(SEED)
    began = time.monotonic() + 1.0
    async with asyncio.TaskGroup() as tasks:
        for gateway in fleet:
            phase = draw.uniform(0.0, MINUTE)
            dues = [due for k in range(int(minutes) + 1) if (due := phase + k * MINUTE) < minutes * MINUTE]
            tasks.create_task(_life(gateway, [began + due for due in dues], url, heard))
    return heard


async def _life(gateway: Gateway, dues: Sequence[float], url: str, heard: Heard) -> None:
    for due in dues:
        await asyncio.sleep(due - time.monotonic())
        body, seal = gateway.batch()
        status, told = await _ask(url, gateway.api_key, body, seal)
        if status != CREATED:
            heard.refused.append(f"{status} {told.decode()}")
            continue
        heard.seconds.append(time.monotonic() - due)
        heard.levels.add(json.loads(told)["attestation"]["level"])


async def _ask(url: str, api_key: str, body: bytes, seal: str) -> tuple[int, bytes]:
    """One POST over a connection of its own: the status and the body of the answer."""
    address = urlsplit(url)
    reading, writing = await asyncio.open_connection(address.hostname, address.port)
    head = [
        f"POST {PATH} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {api_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Millgrade-Seal: {seal}",
        "Connection: close",
    ]
    try:
        writing.write("\r\n".join([*head, "", ""]).encode() + body)
        answer = await reading.read()
    finally:
        writing.close()
    first, _, told = answer.partition(b"\r\n\r\n")
    return int(first.split(b" ", 2)[1]), told
