"""Logs name requests and never what they say; metrics count them; what fails unforeseen is a problem too."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from http_world import NOW, World, consent_to, loan, make_bare_world, make_keys, samples
from loopback import Loopback

from api.consents import service as consents
from api.database.tables import api_key, consent
from api.errors import RequestTimedOut
from api.http.limits import Limits
from api.http.logs import ServerLines, make_logger
from api.keys.service import create_key, list_keys, revoke_key
from api.main import create_app
from api.portal import sessions

FIELDS = {"event", "key_id", "level", "livemode", "operation", "request_id", "role", "seconds", "status", "timestamp"}
CANARY = "canary-5c1f"


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[World]:
    made = make_bare_world(tmp_path, limits=Limits(seconds=0.6))
    yield made
    made.close()


def metric(world: World, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", world.ask("GET", "/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_line_for_each_request_and_no_more_than_it_may_say(world: World) -> None:
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own))
    line = world.logged()[-1]
    assert line.keys() == FIELDS
    assert line["request_id"] == answer.headers["Millgrade-Request-Id"]
    assert (line["operation"], line["status"], line["role"]) == ("createCreditDecision", 201, "bank")
    assert line["key_id"] == world.keys["bank-a"].split("_")[2]
    assert line["livemode"] is False


def test_a_problem_bears_the_requests_id(world: World) -> None:
    answer = world.ask("GET", "/v1/obligors")
    assert answer.json()["request_id"] == answer.headers["Millgrade-Request-Id"] == world.logged()[-1]["request_id"]


def test_logs_hold_no_secret_and_no_payload(world: World) -> None:
    for key, path, body in (
        ("bank-a", "/v1/credit-decisions", loan(world.own, amount_minor=987_654_321)),
        ("bank-a", "/v1/credit-decisions", loan(world.own, product=CANARY)),
        ("gateway-a", f"/v1/telemetry?mapping=canonical_sample&x={CANARY}", samples(CANARY)),
        ("obligor-a", "/v1/consents", consent_to(world.own, CANARY)),
    ):
        world.ask("POST", path, key=key, json=body, headers={"Idempotency-Key": CANARY, "User-Agent": CANARY})
    world.ask("GET", f"/v1/obligors/{CANARY}", key="bank-a")
    world.ask("GET", f"/{CANARY}")
    world.ask("GET", "/v1/obligors", headers={"Authorization": f"Bearer {CANARY}"})
    text = world.log.getvalue()
    assert CANARY not in text
    assert "987654321" not in text
    assert world.own not in text
    for key in world.keys.values():
        assert key not in text
        assert key.split("_")[3] not in text


def test_the_database_holds_no_key(world: World) -> None:
    with world.home.engine.begin() as connection:
        kept = " ".join(str(tuple(row)) for row in connection.execute(sa.select(api_key)))
    for key in world.keys.values():
        assert key.split("_")[2] in kept
        assert key.split("_")[3] not in kept


def test_metrics_count(world: World) -> None:
    lines = (
        'millgrade_requests_total{operation="createCreditDecision",status="201"}',
        "millgrade_snapshot_age_seconds_count",
        'millgrade_rows_total{result="admitted"}',
        'millgrade_rows_total{result="quarantined"}',
        'millgrade_unknown_categories_total{column="item_state"}',
        'millgrade_request_seconds_count{operation="createTelemetry"}',
        'millgrade_requests_total{operation="unmatched",status="404"}',
    )
    before = [metric(world, line) for line in lines]
    decision = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own)).json()["decision"]
    telemetry = {"key": "gateway-a", "params": {"mapping": "canonical_sample"}}
    assert world.ask("POST", "/v1/telemetry", json=samples("COUNTED"), **telemetry).status_code == 201
    assert world.ask("POST", "/v1/telemetry", json=samples(item_state="Dancing"), **telemetry).status_code == 201
    world.ask("GET", "/nowhere")
    after = [metric(world, line) for line in lines]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 2, 2, 2, 2, 1]
    outcome = f'millgrade_decisions_total{{grade="{decision["rating_grade"]}",outcome="{decision["outcome"]}"}}'
    assert metric(world, outcome) >= 1


def test_a_replay_is_no_second_decision(world: World) -> None:
    counts = []
    for _ in range(2):
        world.ask(
            "POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own), headers={"Idempotency-Key": "counted"}
        )
        counts.append(sum(float(line.split()[-1]) for line in world.ask("GET", "/metrics").text.splitlines()
                          if line.startswith("millgrade_decisions_total{")))  # fmt: skip
    assert counts[0] == counts[1]


def test_what_nobody_foresaw_is_a_problem_without_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(consents, "grant", fail)
    answer = world.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(world.own))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert CANARY not in answer.text
    failure, request = world.logged()[-2:]
    assert (failure["event"], failure["error"], request["status"]) == ("failure", "KeyError", 500)
    assert CANARY not in world.log.getvalue()


def test_a_page_that_fails_is_told_of_in_one_line_and_the_server_hears_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sa.exc.IntegrityError(CANARY, {"csrf_token": CANARY}, Exception(CANARY))

    monkeypatch.setattr(sessions, "find", fail)
    before = len(world.logged())
    answer = world.ask("GET", "/portal/en/")
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (500, True)
    deadline = time.monotonic() + 10
    while len(world.logged()) < before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)  # the page is out before its failure is told of
    told = {line["event"]: line for line in world.logged()[before:]}
    assert told.keys() == {"request", "failure"}
    assert (told["failure"]["error"], told["request"]["status"]) == ("IntegrityError", 500)
    assert CANARY not in answer.text + world.log.getvalue() + caplog.text


def test_the_servers_own_words_are_lines_of_the_same_kind() -> None:
    stream = io.StringIO()
    told = logging.getLogger("test.server")
    told.propagate = False
    told.addHandler(ServerLines(make_logger(stream)))
    try:
        raise ValueError(CANARY)
    except ValueError:
        told.exception("Exception in ASGI application\n")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["message"], line["level"]) == ("server", "Exception in ASGI application", "error")
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/v1/credit-decisions", "application/json"), ("/portal/en/sign-in", "application/x-www-form-urlencoded")],
)
def test_who_hangs_up_is_no_failure_of_ours(world: World, path: str, media_type: str) -> None:
    before = len(world.logged())
    address = httpx.URL(world.server.url)
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {address.host}",
        f"Authorization: Bearer {world.keys['bank-a']}",
        f"Content-Type: {media_type}",
        "Content-Length: 1000",
    )
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall("\r\n".join([*lines, "", "{"]).encode())
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while len(world.logged()) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    (line,) = world.logged()[before:]
    assert (line["event"], line["status"]) == ("request", 499)


def test_no_redirect_names_the_host_that_the_caller_sent(world: World) -> None:
    answer = world.ask("GET", "/v1/obligors/", key="bank-a", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    page = world.ask("GET", "/portal", headers={"Host": "evil.example"}, follow_redirects=False)
    assert page.headers["location"].startswith("/portal/")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_balancer_may_ask_for_the_head_only(world: World, path: str) -> None:
    assert world.ask("HEAD", path).status_code == 200


def test_a_database_that_does_not_answer_is_a_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError(CANARY, {}, Exception(CANARY))

    monkeypatch.setattr(consents, "grant", fail)
    answer = world.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(world.own))
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert CANARY not in answer.text + world.log.getvalue()


def test_what_takes_too_long_is_told_so_and_not_kept(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant, ended = consents.grant, []

    def slow(*arguments: object, **rest: object) -> object:
        told = grant(*arguments, **rest)  # type: ignore[arg-type]
        time.sleep(1.0)
        ended.append(told)
        return told

    monkeypatch.setattr(consents, "grant", slow)
    begun = time.monotonic()
    answer = bare.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(bare.own))
    assert time.monotonic() - begun < 0.95
    assert (answer.status_code, answer.json()["code"]) == (503, RequestTimedOut.code)
    while not ended:
        time.sleep(0.05)
    time.sleep(0.2)
    with bare.home.engine.begin() as connection:
        count = sa.select(sa.func.count()).where(consent.c.mark == "obligor_test")
        assert connection.scalar(count) == 0


def test_a_revoked_key_is_none(bare: World) -> None:
    assert bare.ask("GET", "/v1/consents", key="obligor-b").status_code == 200
    with bare.home.engine.begin() as connection:
        revoke_key(connection, bare.keys["obligor-b"].split("_")[2], now=NOW)
        revoked = [item for item in list_keys(connection) if item.revoked_time is not None]
    assert [item.principal.obligor_id for item in revoked] == [bare.other]
    assert bare.ask("GET", "/v1/consents", key="obligor-b").status_code == 401


def test_keys_are_of_one_form_and_never_twice_the_same(bare: World) -> None:
    with bare.home.engine.begin() as connection:
        more = make_keys(connection, bare.own, bare.other)
    keys = [*bare.keys.values(), *more.values()]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"mg_(test|live)_[a-z2-7]{12}_[a-z2-7]{52}", key) for key in keys)


@pytest.mark.parametrize(
    ("role", "partner_id", "obligor_id"),
    [("bank", None, None), ("bank", "bank-a", "own"), ("operator", "bank-a", None), ("gateway", None, None)],
)
def test_a_key_fits_its_owner(bare: World, role: str, partner_id: str | None, obligor_id: str | None) -> None:
    from api.errors import InvalidKeyRequest
    from api.keys.principal import Role

    with bare.home.engine.begin() as connection, pytest.raises(InvalidKeyRequest):
        create_key(
            connection,
            role=Role(role),
            partner_id=partner_id,  # type: ignore[arg-type]
            obligor_id=obligor_id,  # type: ignore[arg-type]
            livemode=False,
            now=NOW,
        )


def test_readiness_looks_at_the_database(bare: World) -> None:
    assert bare.ask("GET", "/readyz").json() == {"status": "ready"}
    with bare.home.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'older'"))
    assert (bare.ask("GET", "/readyz").status_code, bare.ask("GET", "/livez").status_code) == (503, 200)


def test_each_app_counts_for_itself(bare: World) -> None:
    server = Loopback(create_app(bare.home, log_stream=io.StringIO()))
    try:
        server.client.get("/livez")
        assert 'operation="getLiveness",status="200"} 1.0' in server.client.get("/metrics").text
        assert "getLiveness" not in bare.ask("GET", "/metrics").text
    finally:
        server.close()
