"""Receipts over HTTP: for the bank, the insurer, the obligor, and the gateway that sent a batch."""

from __future__ import annotations

import json
from typing import Any

from http_world import World, cover, loan, samples

from data_contracts.evidence import verify


def keys(world: World) -> list[verify.Key]:
    return verify.parse_keys((world.home.evidence / "log.pub").read_text(encoding="utf-8"))


def decided(world: World) -> dict[str, Any]:
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own))
    told: dict[str, Any] = answer.json()["decision"]
    return told


def test_a_bank_proves_its_decision_offline(world: World) -> None:
    decision = decided(world)
    path = f"/v1/credit-decisions/{decision['decision_id']}"
    told = world.ask("GET", path, key="bank-a")
    receipt = world.ask("GET", f"{path}/receipt?open=features&open=batches&open=consents", key="bank-a")
    report = verify.check_receipt(receipt.text, keys(world), answer=told.text)
    assert report["answer_matches"]
    assert report["statement"]["partner_id"] == "bank-a"
    assert report["statement"]["limit_minor"] == decision["limit_minor"]
    assert len(report["features"]) > 20
    assert len(report["entries"]) == len(report["statement"]["consent_ids"]) > 1
    by_obligor = world.ask("GET", f"{path}/receipt", key="obligor-a")
    assert by_obligor.json()["receipt"]["statement"] == receipt.json()["receipt"]["statement"]


def test_the_same_receipt_is_given_as_long_as_the_log_has_not_grown(world: World) -> None:
    path = f"/v1/credit-decisions/{decided(world)['decision_id']}/receipt"
    first = world.ask("GET", path, key="bank-a")
    assert world.ask("GET", path, key="bank-a").content == first.content


def test_an_insurer_proves_its_quote_and_is_shown_no_credit_features(world: World) -> None:
    quote = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(world.own)).json()["quote"]
    path = f"/v1/premium-quotes/{quote['quote_id']}/receipt"
    report = verify.check_receipt(world.ask("GET", f"{path}?open=batches", key="insurer-a").text, keys(world))
    assert report["statement"]["gross_premium_minor"] == quote["gross_premium_minor"]
    for word in ("features", "feature:power_on_rate_90d", "chunk:b1/0"):
        assert world.ask("GET", path, key="insurer-a", params={"open": word}).status_code == 422


def test_a_gateway_is_given_the_receipt_of_its_batch(world: World) -> None:
    sent = world.ask("POST", "/v1/telemetry?mapping=canonical_sample", key="gateway-a", json=samples("RECEIPT-1"))
    told = sent.json()
    assert len(json.dumps(told["receipt"])) < 3 * 1024
    report = verify.check_receipt(sent.text, keys(world)[:1])
    assert report["statement"]["batch_id"] == told["batch"]["batch_id"]
    assert report["statement"]["merkle_root"] == told["batch"]["merkle_root"]
