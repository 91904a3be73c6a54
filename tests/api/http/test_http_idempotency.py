"""One effect per Idempotency-Key, whoever races, on both databases."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from http_world import NOW, World, consent_to, loan, make_bare_world, make_world, samples

from api.database.tables import access_log, consent, credit_decision, idempotent_request
from api.http import idempotency
from api.http.idempotency import Answer, Kept
from data_contracts.observations.tables import batch

RACERS = 64
THREADS = 16
KEYS = int(os.environ.get("MILLGRADE_RACE_KEYS", "24"))
ATTEMPTS = 200


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for the home's own SQLite file, or an emptied PostgreSQL."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("empty_postgresql_url"))


@pytest.fixture
def bare(tmp_path: Path, database_url: str | None) -> Iterator[World]:
    made = make_bare_world(tmp_path, database_url=database_url)
    yield made
    made.close()


def granted(world: World, recipient: str) -> int:
    """How many consents name a recipient."""
    with world.home.engine.begin() as connection:
        query = sa.select(sa.func.count()).where(consent.c.recipient == recipient, consent.c.mark == "obligor_test")
        return connection.scalar(query) or 0


def post(client: httpx.Client, world: World, key: str, body: dict[str, Any]) -> httpx.Response:
    """Post a consent; ask again while a rival with the same key is at work."""
    headers = {"Authorization": f"Bearer {world.keys['obligor-a']}", "Idempotency-Key": key}
    for _ in range(ATTEMPTS):
        answer = client.post("/v1/consents", json=body, headers=headers)
        if answer.status_code != 409:
            return answer
        assert answer.json()["code"] == "request_in_flight"
        assert answer.headers["Retry-After"] == "1"
        time.sleep(0.02)
    raise AssertionError("always in flight")


def test_64_at_once_with_one_key_have_one_effect(bare: World) -> None:
    barrier = Barrier(RACERS)

    def race(_: int) -> httpx.Response:
        with bare.server.new_client() as client:
            barrier.wait()
            return post(client, bare, "the-one", consent_to(bare.own))

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(race, range(RACERS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": RACERS - 1}
    assert granted(bare, "bank-a") == 1


def test_many_keys_from_many_threads_have_one_effect_each(bare: World) -> None:
    def race(seed: int) -> dict[str, bytes]:
        keys = [f"key-{number}" for number in range(KEYS)]
        random.Random(seed).shuffle(keys)
        with bare.server.new_client() as client:
            answers = {key: post(client, bare, key, consent_to(bare.own, "bank-b")) for key in keys}
        assert {answer.status_code for answer in answers.values()} == {201}
        return {key: answer.content for key, answer in answers.items()}

    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(race, range(THREADS)))
    assert granted(bare, "bank-b") == KEYS
    for key in told[0]:
        assert len({answers[key] for answers in told}) == 1
    with bare.home.engine.begin() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(idempotent_request)) == KEYS


def test_a_rival_in_flight_is_told_so_on_postgresql(bare: World) -> None:
    """SQLite queues writers, so that a rival waits instead."""
    if bare.home.engine.dialect.name != "postgresql":
        assert bare.home.engine.dialect.name == "sqlite"
        return
    kept = Kept(owner=bare.own, route="createConsent:test", key="held", fingerprint="f")
    headers = {"Idempotency-Key": "held"}
    with bare.home.engine.begin() as connection:
        idempotency.once(connection, kept, lambda: Answer(status=201, body=b"{}"), now=NOW)
        rival = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own), headers=headers)
        assert (rival.status_code, rival.json()["code"]) == (409, "request_in_flight")
    assert granted(bare, "bank-a") == 0


def test_another_body_under_the_same_key_is_refused(bare: World) -> None:
    headers = {"Idempotency-Key": "k"}
    first = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own), headers=headers)
    other = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own, "bank-b"), headers=headers)
    again = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (again.status_code, again.content) == (first.status_code, first.content)


def test_a_key_is_its_owners_its_operations_and_its_modes(bare: World) -> None:
    headers = {"Idempotency-Key": "shared"}
    answers = [
        bare.ask("POST", "/v1/consents", key=key, json=consent_to(firm, recipient), headers=headers)
        for key, firm, recipient in (
            ("obligor-a", bare.own, "bank-a"),
            ("obligor-b", bare.other, "bank-b"),
            ("live-obligor-a", bare.own, "bank-b"),
            ("operator-a", bare.own, "bank-b"),
        )
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["consent"]["consent_id"] for answer in answers}) == 4


def test_a_request_that_failed_is_not_kept(bare: World) -> None:
    headers = {"Idempotency-Key": "retry"}
    wrong = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own, "nobody"), headers=headers)
    right = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own), headers=headers)
    assert (wrong.status_code, right.status_code) == (404, 201)


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9"])
def test_a_key_that_is_none_is_refused(bare: World, key: str) -> None:
    answer = bare.ask(
        "POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own), headers={b"Idempotency-Key": key.encode()}
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")


def test_decisions_and_telemetry_too(tmp_path: Path, database_url: str | None) -> None:
    """The whole of it on both databases: a decision and a batch, each once for two requests."""
    world = make_world(tmp_path, database_url=database_url)
    try:
        with world.home.engine.begin() as connection:
            before = connection.scalar(sa.select(sa.func.count()).select_from(batch)) or 0
        asked = {
            "/v1/credit-decisions": ("bank-a", {}, loan(world.own)),
            "/v1/telemetry": ("gateway-a", {"mapping": "canonical_sample"}, samples()),
        }
        for path, (key, parameters, body) in asked.items():
            answers = [
                world.ask("POST", path, key=key, params=parameters, json=body, headers={"Idempotency-Key": "once"})
                for _ in range(2)
            ]
            assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
            assert answers[0].content == answers[1].content
        with world.home.engine.begin() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(batch)) == before + 1
            assert connection.scalar(sa.select(sa.func.count()).select_from(credit_decision)) == 1
            assert connection.scalar(sa.select(sa.func.count()).select_from(access_log)) == 2
    finally:
        world.close()
