"""Script and formula text in names comes in and goes out as text, in JSON, and nowhere as anything else."""

from __future__ import annotations

import json

import pytest
from http_world import World, loan, samples

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "{{7*7}}${7*7}#{7*7}",
    "'; DROP TABLE obligor; --",
    "../../../etc/passwd",
    "\u202eevil\u202c",
    "%0d%0aSet-Cookie: a=b",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_machines_name_is_text(world: World, name: str) -> None:
    sent = world.ask(
        "POST", "/v1/telemetry", key="gateway-a", params={"mapping": "canonical_sample"}, json=samples(name)
    )
    assert sent.status_code == 201, sent.text
    batch = sent.json()["batch"]
    assert batch["rows_admitted"] + batch["rows_duplicate"] + batch["rows_quarantined"] == batch["rows_read"] == 2
    answer = world.ask("GET", f"/v1/obligors/{world.own}/machines", key="obligor-a", params={"limit": 100})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    names = [item["machine_uid"] for item in answer.json()["data"]]
    assert (f"{world.own}/{name}" in names) == (batch["rows_quarantined"] == 0)
    decision = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own, snapshot="fresh"))
    assert decision.status_code == 201


@pytest.mark.parametrize("name", HOSTILE)
def test_a_firms_name_is_text(world: World, name: str) -> None:
    profile = {
        "obligor_id": world.other,
        "event_time": "2026-11-20T08:00:00+08:00",
        "name": name,
        "subject_kind": "legal_person",
        "industry_division": "C34",
        "site_zone": "Asia/Shanghai",
    }
    sent = world.ask(
        "POST",
        "/v1/telemetry",
        key="operator-a",
        params={"mapping": "canonical_obligor_profile"},
        json={"rows": [profile]},
    )
    assert sent.status_code == 201, sent.text
    answer = world.ask("GET", f"/v1/obligors/{world.other}", key="bank-b")
    told = json.loads(answer.content)["obligor"]["name"]
    assert (told == name) == (sent.json()["batch"]["rows_admitted"] == 1)
    assert answer.headers["Content-Type"] == "application/json"
