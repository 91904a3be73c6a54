"""What a key may see ends with the consent, and never rests on synthetic data or on another's word where it is live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import NOW, World, consent_to, cover, grant, loan, make_world, samples

from api.consents.repository import OBLIGOR_GRANTED, OPERATOR_DECLARED, PLATFORM, Purpose
from api.database.tables import consent, credit_decision, snapshot
from api.keys.principal import Role
from api.keys.service import create_key
from api.obligors import service as registration
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import batch


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A world of the test's own: it takes consents away."""
    made = make_world(tmp_path)
    yield made
    made.close()


def rows(world: World, table: sa.Table) -> int:
    with world.home.engine.begin() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def withdraw(world: World, recipient: str) -> None:
    """As the obligor does it: over the API."""
    held = world.ask("GET", "/v1/consents", key="obligor-a", params={"limit": 100}).json()["data"]
    for item in held:
        if item["recipient"] == recipient:
            gone = world.ask("DELETE", f"/v1/consents/{item['consent_id']}", key="live-obligor-a")
            assert gone.json()["consent"]["is_in_force"] is False


def test_a_withdrawn_consent_ends_access_with_the_next_request(fresh: World) -> None:
    headers = {"Idempotency-Key": "before"}
    asked = {"key": "bank-a", "json": loan(fresh.own), "headers": headers}
    decision = fresh.ask("POST", "/v1/credit-decisions", **asked)
    assert decision.status_code == 201
    told = f"/v1/credit-decisions/{decision.json()['decision']['decision_id']}"
    withdraw(fresh, "bank-a")
    kept = rows(fresh, credit_decision)
    for method, path, rest in (
        ("POST", "/v1/credit-decisions", {"json": loan(fresh.own)}),
        ("POST", "/v1/credit-decisions", {"json": loan(fresh.own), "headers": headers}),
        ("GET", told, {}),
        ("GET", f"/v1/obligors/{fresh.own}", {}),
        ("GET", f"/v1/obligors/{fresh.own}/score", {}),
        ("GET", f"/v1/obligors/{fresh.own}/machines", {}),
    ):
        answer = fresh.ask(method, path, key="bank-a", **rest)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert fresh.ask("GET", "/v1/obligors", key="bank-a").json()["data"] == []
    assert rows(fresh, credit_decision) == kept
    assert fresh.ask("GET", told, key="obligor-a").status_code == 200
    assert fresh.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(fresh.own)).status_code == 201


def test_without_the_platforms_consent_nothing_is_computed_or_admitted(fresh: World) -> None:
    withdraw(fresh, PLATFORM)
    before = rows(fresh, snapshot), rows(fresh, batch)
    for key, method, path, rest in (
        ("bank-a", "POST", "/v1/credit-decisions", {"json": loan(fresh.own, snapshot="fresh")}),
        ("insurer-a", "POST", "/v1/premium-quotes", {"json": cover(fresh.own, snapshot="fresh")}),
        ("bank-a", "GET", f"/v1/obligors/{fresh.own}/score", {}),
    ):
        assert fresh.ask(method, path, key=key, **rest).status_code == 404  # type: ignore[arg-type]
    for key, method, path, rest in (
        ("obligor-a", "GET", f"/v1/obligors/{fresh.own}/score", {}),
        ("operator-a", "GET", f"/v1/obligors/{fresh.own}/machines", {}),
        ("gateway-a", "POST", "/v1/telemetry?mapping=canonical_sample", {"json": samples()}),
    ):
        answer = fresh.ask(method, path, key=key, **rest)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (403, "consent_missing")
    assert (rows(fresh, snapshot), rows(fresh, batch)) == before
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="obligor-a").status_code == 200


def test_an_expired_consent_is_none(fresh: World) -> None:
    with fresh.home.engine.begin() as connection:
        connection.execute(consent.update().where(consent.c.recipient == "bank-a").values(expires_time=NOW))
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="bank-a").status_code == 404


def test_a_live_key_does_not_rest_on_an_operators_word_or_a_test(fresh: World) -> None:
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="live-bank-a").status_code == 200
    with fresh.home.engine.begin() as connection:
        connection.execute(consent.delete().where(consent.c.recipient == "bank-a", consent.c.mark != OPERATOR_DECLARED))
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="live-bank-a").status_code == 404
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="bank-a").status_code == 200
    tested = fresh.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(fresh.own))
    assert tested.json()["consent"]["mark"] == "obligor_test"
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="live-bank-a").status_code == 404
    given = fresh.ask("POST", "/v1/consents", key="live-obligor-a", json=consent_to(fresh.own))
    assert (given.json()["consent"]["mark"], given.json()["livemode"]) == ("obligor_granted", True)
    assert fresh.ask("GET", f"/v1/obligors/{fresh.own}", key="live-bank-a").status_code == 200


@pytest.mark.parametrize(
    ("key", "path", "rows_sent"),
    [
        ("live-gateway-a", "/v1/telemetry?mapping=canonical_sample", samples()),
        ("live-obligor-a", "/v1/obligors/{}/machines", None),
        ("live-obligor-a", "/v1/obligors/{}/months", None),
    ],
)
def test_live_keys_of_the_obligors_side_rest_on_its_own_word_too(
    fresh: World, key: str, path: str, rows_sent: Any
) -> None:
    with fresh.home.engine.begin() as connection:
        connection.execute(consent.delete().where(consent.c.recipient == PLATFORM, consent.c.mark != OPERATOR_DECLARED))
    method, rest = ("GET", {}) if rows_sent is None else ("POST", {"json": rows_sent})
    answer = fresh.ask(method, path.format(fresh.own), key=key, **rest)
    assert (answer.status_code, answer.json()["code"]) == (403, "consent_missing")


def test_a_test_key_ends_no_consent_that_counts_for_live(fresh: World) -> None:
    given = fresh.ask("POST", "/v1/consents", key="live-obligor-a", json=consent_to(fresh.own)).json()["consent"]
    path = f"/v1/consents/{given['consent_id']}"
    assert fresh.ask("DELETE", path, key="obligor-a").status_code == 404
    assert fresh.ask("DELETE", path, key="operator-a").status_code == 404
    assert fresh.ask("GET", path, key="obligor-a").json()["consent"]["is_in_force"] is True
    assert fresh.ask("DELETE", path, key="live-obligor-a").json()["consent"]["is_in_force"] is False


@pytest.mark.parametrize("streams", [["sample"], ["*", "sample"], ["no_such_thing"]])
def test_a_narrowed_consent_is_refused_rather_than_not_kept(fresh: World, streams: list[str]) -> None:
    answer = fresh.ask("POST", "/v1/consents", key="obligor-a", json={**consent_to(fresh.own), "streams": streams})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_consent")


def test_a_tests_rows_do_not_come_among_real_ones(fresh: World) -> None:
    asked = {"params": {"mapping": "canonical_sample"}, "json": samples("REAL")}
    firm = ObligorId("91999999MA0000001N")
    with fresh.home.engine.begin() as connection:
        registration.register(connection, [firm], now=NOW)
        grant(connection, firm, PLATFORM, Purpose.PLATFORM, mark=OBLIGOR_GRANTED)
        keys = {
            name: create_key(
                connection, role=Role.GATEWAY, partner_id=None, obligor_id=firm, livemode=name == "live", now=NOW
            )
            for name in ("live", "test")
        }
    fresh.keys.update(keys)
    assert fresh.ask("POST", "/v1/telemetry", key="live", **asked).status_code == 201
    before = files(fresh)
    answer = fresh.ask("POST", "/v1/telemetry", key="test", **{**asked, "json": samples("TEST")})
    assert (answer.status_code, answer.json()["code"]) == (409, "real_data_kept")
    assert files(fresh) == before


def test_refused_telemetry_leaves_no_file(fresh: World) -> None:
    before = files(fresh)
    path = "/v1/telemetry?mapping=canonical_sample"
    foreign = fresh.ask("POST", path, key="gateway-a", json=samples(f"{fresh.other}/VMC-01"))
    assert (foreign.status_code, foreign.json()["code"]) == (422, "foreign_machine")
    withdraw(fresh, PLATFORM)
    assert fresh.ask("POST", path, key="gateway-a", json=samples()).status_code == 403
    assert files(fresh) == before


def files(world: World) -> list[Path]:
    return sorted(path for path in world.home.observations.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("key", "method", "path", "body"),
    [
        ("live-bank-a", "POST", "/v1/credit-decisions", loan),
        ("live-insurer-a", "POST", "/v1/premium-quotes", cover),
        ("live-bank-a", "GET", "/v1/obligors/{}/score", None),
        ("live-obligor-a", "GET", "/v1/obligors/{}/explanation", None),
    ],
)
def test_a_live_key_is_refused_a_synthetic_model(world: World, key: str, method: str, path: str, body: Any) -> None:
    before = rows(world, credit_decision)
    rest = {} if body is None else {"json": body(world.own)}
    answer = world.ask(method, path.format(world.own), key=key, **rest)
    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_for_live")
    assert rows(world, credit_decision) == before


@pytest.mark.parametrize("what", ["machines", "months"])
def test_a_live_key_is_refused_synthetic_data(world: World, what: str) -> None:
    answer = world.ask("GET", f"/v1/obligors/{world.own}/{what}", key="live-bank-a")
    assert (answer.status_code, answer.json()["code"]) == (409, "data_not_for_live")


def test_a_live_key_does_not_see_what_a_test_key_was_told(world: World) -> None:
    decision = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own)).json()["decision"]
    path = f"/v1/credit-decisions/{decision['decision_id']}"
    assert world.ask("GET", path, key="bank-a").json()["decision"] == decision
    assert world.ask("GET", path, key="live-bank-a").status_code == 404


def test_what_a_test_key_sends_is_synthetic(world: World) -> None:
    sent = world.ask(
        "POST", "/v1/telemetry", key="gateway-a", params={"mapping": "canonical_sample"}, json=samples("FAKE")
    )
    with world.home.engine.begin() as connection:
        row = connection.execute(sa.select(batch).where(batch.c.batch_id == sent.json()["batch"]["batch_id"])).one()
    assert (row.data_origin, row.backfilled, row.received_time) == ("synthetic", False, NOW)


def test_the_snapshot_is_the_latest_or_a_fresh_one(world: World) -> None:
    path = "/v1/credit-decisions"
    latest, fresh, then = (
        world.ask("POST", path, key="bank-a", json=loan(world.own, **changes)).json()
        for changes in ({}, {"snapshot": "fresh"}, {"as_of": "2026-05-01T00:00:00+08:00"})
    )
    assert latest["snapshot_age_seconds"] == (NOW - _instant(latest)).total_seconds() > 86_400
    assert (fresh["snapshot_age_seconds"], _instant(fresh)) == (0, NOW)
    assert then["decision"]["as_of"] == "2026-04-30T16:00:00+00:00"
    again = world.ask("POST", path, key="bank-a", json=loan(world.own)).json()
    assert again["decision"]["snapshot_id"] == fresh["decision"]["snapshot_id"]


def test_the_bytes_are_those_that_were_kept(world: World) -> None:
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own, amount_minor=12_345_600))
    decision_id = answer.json()["decision"]["decision_id"]
    with world.home.engine.begin() as connection:
        body = connection.scalar(sa.select(credit_decision.c.body).where(credit_decision.c.decision_id == decision_id))
    assert body is not None
    assert body in answer.content
    assert body in world.ask("GET", f"/v1/credit-decisions/{decision_id}", key="bank-a").content
    assert json.loads(body)["partner"] == "bank-a"


def test_score_explanation_and_decision_agree(world: World) -> None:
    decision = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own)).json()["decision"]
    score = world.ask("GET", f"/v1/obligors/{world.own}/score", key="obligor-a").json()["score"]
    told = world.ask("GET", f"/v1/obligors/{world.own}/explanation", key="bank-a").json()
    assert {name: decision[name] for name in score} == score
    assert {name: decision[name] for name in told["explanation"]} == told["explanation"]
    assert told["narrative"]["zh"]["reasons"] == decision["narrative"]["zh"]["reasons"]


def _instant(answer: dict[str, Any]) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(answer["decision"]["as_of"])
