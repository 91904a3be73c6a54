"""`millgrade serve` under load, killed at random moments: senders repeat a batch with its Idempotency-Key until it is
acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import idempotent_request
from api.home import Home, open_home
from api.keys.principal import Role
from api.keys.service import create_key
from api.obligors.service import register
from benchmarks.crash.inspect import Inspector
from benchmarks.crash.lives import Life
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import batch, observation_file

OBLIGOR = ObligorId("91999999MA0000001N")
PATH = "/v1/telemetry?mapping=unipi_sme"
HEAD = "ts,asset,items,status,status_time,power_avg,cycle_time,alarm,product"
FIRST = datetime(2022, 9, 1, tzinfo=UTC)
SENDERS = 4
ROWS_PER_BATCH = 3
LONGEST_LIFE_SECONDS = 0.3
START_SECONDS = 60.0
REQUEST_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was found: `acknowledged` batches, those of them that are not there, and those that are there twice.

    `replayed` were kept before a kill and acknowledged after it: the effect of the first request, told by a later one.
    """

    kills: int
    acknowledged: int
    lost: int
    doubled: int
    replayed: int
    inconsistent: int
    faults: tuple[str, ...]


@dataclass
class Load:
    """What the senders share: where the server answers (None while it is down), and what it acknowledged."""

    key: str
    url: str | None = None
    is_over: bool = False
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    replayed: int = 0
    refused: list[str] = field(default_factory=list)


def run(folder: Path, *, kills: int, seed: int, database_url: str | None = None) -> Outcome:
    """Kill a server on a new home in `folder` so many times under load, looking at the home after each; then look at
    what is there."""
    draw = random.Random(seed)
    home = open_home(folder / "home", database_url=database_url)
    load, inspector, faults = Load(key=gateway_key(home)), Inspector(home), []
    senders = [threading.Thread(target=_send, args=(load, number), daemon=True) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    for life in range(kills + 1):
        server = Life(["serve", "--port", "0", "--json", "--home", home.root], folder / "server.log", database_url)
        try:
            load.url = json.loads(server.first_line())["url"]
            _wait_for_acknowledgements(load, SENDERS)
            if life < kills:
                time.sleep(draw.uniform(0, LONGEST_LIFE_SECONDS))
                load.url = None
            else:
                load.is_over = True
                for sender in senders:
                    sender.join(timeout=REQUEST_SECONDS * 2)
        finally:
            server.kill()
        faults.append(inspector.faults())
    assert not any(sender.is_alive() for sender in senders), "a batch was never acknowledged"
    assert not load.refused, f"refused: {load.refused[0]}"
    lost, doubled = verify(home, load.acknowledged)
    home.engine.dispose()
    return Outcome(
        kills=kills,
        acknowledged=len(load.acknowledged),
        lost=lost,
        doubled=doubled,
        replayed=load.replayed,
        inconsistent=sum(map(bool, faults)),
        faults=tuple(fault for found in faults for fault in found),
    )


def gateway_key(home: Home) -> str:
    """A key that may send for the one obligor of this home."""
    now = datetime.now(UTC)
    with unit_of_work(home.engine) as connection:
        register(connection, [OBLIGOR], now=now)
        return create_key(connection, role=Role.GATEWAY, partner_id=None, obligor_id=OBLIGOR, livemode=False, now=now)


def _send(load: Load, sender: int) -> None:
    """Send batch after batch; each again and again, under one key, until it is acknowledged."""
    number = 0
    while not load.is_over:
        key, text = f"{sender}-{number}", body(sender, number)
        while not _is_acknowledged(load, key, text):
            time.sleep(0.02)
        number += 1


def _is_acknowledged(load: Load, key: str, text: bytes) -> bool:
    url = load.url
    if url is None:
        return False
    headers = {"Authorization": f"Bearer {load.key}", "Content-Type": "text/csv", "Idempotency-Key": key}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=REQUEST_SECONDS)
    try:
        connection.request("POST", PATH, body=text, headers=headers)
        answer = connection.getresponse()
        told = answer.read()
    except (OSError, http.client.HTTPException):
        return False  # it was killed before it could answer
    finally:
        connection.close()
    if answer.status == http.client.CREATED:
        load.acknowledged[key] = told
        load.replayed += answer.headers.get("Idempotency-Replayed") == "true"
        return True
    if answer.status not in {http.client.CONFLICT, http.client.SERVICE_UNAVAILABLE}:
        load.refused.append(f"{answer.status} {told.decode()}")
        load.is_over = True
        return True
    return False


def _wait_for_acknowledgements(load: Load, count: int) -> None:
    """Until the server has acknowledged some batches, so that it is killed at work."""
    wanted, until = len(load.acknowledged) + count, time.monotonic() + START_SECONDS
    while len(load.acknowledged) < wanted and not load.refused:
        if time.monotonic() > until:
            raise RuntimeError(f"no answer within {START_SECONDS:.0f} s")
        time.sleep(0.01)


def _instants(number: int) -> Iterator[datetime]:
    for index in range(ROWS_PER_BATCH):
        yield FIRST + timedelta(minutes=number * ROWS_PER_BATCH + index)


def body(sender: int, number: int) -> bytes:
    """A batch that no other is like: rows of the sender's machine at instants that are the batch's own."""
    rows = [f"{stamp.isoformat(sep=' ')},{sender},1.0,2.0,60.0,2.5,0.0,0,0" for stamp in _instants(number)]
    return "\n".join([HEAD, *rows, ""]).encode()


def verify(home: Home, acknowledged: Mapping[str, bytes]) -> tuple[int, int]:
    """How many acknowledged batches (key to answer) are not wholly there, and how many left more than one trace."""
    with unit_of_work(home.engine) as connection:
        kept = connection.execute(sa.select(idempotent_request.c.idempotency_key, idempotent_request.c.body)).all()
        admitted = connection.execute(sa.select(batch.c.batch_id, batch.c.source_sha256)).all()
        paths = connection.scalars(sa.select(observation_file.c.path)).all()
    answers = {row.idempotency_key: row.body for row in kept}
    sources = Counter(row.source_sha256 for row in admitted)
    batches = {row.batch_id: row.source_sha256 for row in admitted}
    rows: Counter[tuple[str, datetime]] = Counter()
    for path in paths:
        table = pq.read_table(home.observations / path, columns=["machine_uid", "event_time"])
        rows.update(zip(table["machine_uid"].to_pylist(), table["event_time"].to_pylist(), strict=True))
    lost = doubled = 0
    for key, told in acknowledged.items():
        sender, number = map(int, key.split("-"))
        found = [rows[f"{OBLIGOR}/{sender}", stamp] for stamp in _instants(number)]
        source = batches.get(json.loads(told)["batch"]["batch_id"])
        lost += answers.get(key) != told or source is None or 0 in found
        doubled += max(found) > 1 or (source is not None and sources[source] > 1)
    return lost, doubled
