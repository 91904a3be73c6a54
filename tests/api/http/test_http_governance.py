"""Overrides, reports, the register, dry runs and papers over HTTP: what the command line does, for a partner alone."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import World, loan

from api.models import service as models
from risk_reports import credit_memo_document
from risk_reports.rendering.html import html
from risk_reports.rendering.pdf import pdf
from risk_reports.wording.catalogue import Language

LANGUAGES = {"zh": Language.ZH, "en": Language.EN}


def decided(world: World, key: str = "bank-a", **changes: Any) -> dict[str, Any]:
    firm = world.own if key.endswith("a") else world.other
    answer = world.ask("POST", "/v1/credit-decisions", key=key, json=loan(firm, **changes))
    told: dict[str, Any] = answer.json()["decision"]
    return told


def override_of(world: World, decision: dict[str, Any], **changes: Any) -> Any:
    asked = {
        "outcome": "approve",
        "reason_code": "new_contract",
        "reason_text": "a contract of two years",
        "by": "Li Wei",
        **changes,
    }
    return world.ask("POST", f"/v1/credit-decisions/{decision['decision_id']}/overrides", key="bank-a", json=asked)


def test_two_persons_set_a_recommendation_aside(world: World) -> None:
    decision = decided(world, amount_minor=31_000_000)
    assert decision["outcome"] == "refer"
    path = f"/v1/credit-decisions/{decision['decision_id']}"
    proposed = override_of(world, decision).json()["override"]
    assert (proposed["in_force"], proposed["proposed_by"]) == (False, "Li Wei")
    before = world.ask("GET", f"{path}/overrides", key="obligor-a").json()
    assert (before["outcome"], before["outcome_now"]) == ("refer", "refer")
    confirmation = f"/v1/overrides/{proposed['override_id']}/confirmation"
    same = world.ask("POST", confirmation, key="bank-a", json={"by": " li wei "})
    assert (same.status_code, "second person" in same.json()["detail"]) == (422, True)
    again = {"Idempotency-Key": "confirm-1"}
    first, replayed = (
        world.ask("POST", confirmation, key="bank-a", headers=again, json={"by": "Zhang Min"}) for _ in range(2)
    )
    assert (first.status_code, first.content) == (201, replayed.content)
    after = world.ask("GET", f"{path}/overrides", key="bank-a").json()
    assert (after["outcome"], after["outcome_now"]) == ("refer", "approve")
    assert after["overrides"][0]["confirmed_by"] == "Zhang Min"
    assert world.ask("GET", path, key="bank-a").json()["decision"] == decision  # the recommendation stays what it was


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"reason_code": "whim"}, 422, "invalid_request"),
        ({"reason_text": " "}, 422, "invalid_request"),
        ({"by": ""}, 422, "invalid_request"),
        ({"days": 91}, 422, "invalid_request"),
        ({"outcome": "refer"}, 422, "invalid_request"),
        ({"by": "a\x00b"}, 422, "invalid_request"),
    ],
)
def test_an_override_that_cannot_be_is_refused(world: World, changes: dict[str, Any], status: int, code: str) -> None:
    answer = override_of(world, decided(world, amount_minor=31_100_000), **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_obligor_disputes_and_reports_nothing_else(world: World) -> None:
    decision = decided(world, amount_minor=32_000_000)
    path = f"/v1/credit-decisions/{decision['decision_id']}/events"
    dispute = {"kind": "disputed", "happened_on": "2026-11-20", "note": "the meter was replaced"}
    told = world.ask("POST", path, key="obligor-a", json=dispute).json()["event"]
    assert (told["kind"], told["reported_by"]) == ("disputed", world.own)
    other = world.ask("POST", path, key="obligor-a", json={**dispute, "kind": "repaid"})
    assert (other.status_code, other.json()["code"]) == (403, "role_not_allowed")
    assert world.ask("POST", path, key="bank-a", json={**dispute, "kind": "granted"}).status_code == 201
    early = world.ask("POST", path, key="bank-a", json={**dispute, "happened_on": "2020-01-01"})
    assert (early.status_code, early.json()["code"]) == (422, "invalid_request")


def test_the_register_is_the_partners_own(world: World) -> None:
    def counted(key: str) -> tuple[int, int]:
        vintages = world.ask("GET", "/v1/outcome-register", key=key).json()["vintages"]
        return sum(item["decisions"] for item in vintages), sum(item["reported_disputed"] for item in vintages)

    before, others = counted("bank-a"), counted("bank-b")
    decision = decided(world, amount_minor=33_000_000)
    path = f"/v1/credit-decisions/{decision['decision_id']}/events"
    dispute = {"kind": "disputed", "happened_on": "2026-11-20", "note": "the meter was replaced"}
    assert world.ask("POST", path, key="bank-a", json=dispute).status_code == 201
    assert counted("bank-a") == (before[0] + 1, before[1] + 1)
    assert counted("bank-b") == others
    assert world.ask("GET", "/v1/outcome-register", key="live-bank-a").json()["vintages"] == []


def test_a_dry_run_moves_the_partners_own_and_keeps_nothing(world: World) -> None:
    decided(world, amount_minor=34_000_000)
    decided(world, key="bank-b", amount_minor=34_000_000)
    asked = {"approve_to": "R1", "refer_to": "R1"}
    told = world.ask("POST", "/v1/dry-runs", key="bank-a", json=asked).json()
    assert told["obligors"] == 1
    assert {item["obligor_id"] for item in told["decisions_changed"]} == {world.own}
    assert {item["to"] for item in told["decisions_changed"]} == {"decline"}
    same = models.promoted_credit(world.home).version
    nothing = world.ask("POST", "/v1/dry-runs", key="bank-a", json={"model_version": same}).json()
    assert (nothing["grade_changes"], nothing["outcome_changes"]) == (0, 0)
    live = world.ask("POST", "/v1/dry-runs", key="live-bank-a", json=asked)
    assert (live.status_code, live.json()["code"]) == (409, "model_not_for_live")


@pytest.mark.parametrize(
    "asked", [{}, {"approve_to": "R1"}, {"approve_to": "R5", "refer_to": "R4"}, {"approve_to": "AAA", "refer_to": "R1"}]
)
def test_a_dry_run_of_nothing_is_refused(world: World, asked: dict[str, Any]) -> None:
    answer = world.ask("POST", "/v1/dry-runs", key="bank-a", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_memo_is_the_answers_own_bytes_on_paper(world: World, language: str) -> None:
    decision = decided(world, amount_minor=35_000_000)
    path = f"/v1/credit-decisions/{decision['decision_id']}/memo"
    paper = credit_memo_document.document(decision, LANGUAGES[language])
    for rendered, render, kind in (("pdf", pdf, "application/pdf"), ("html", html, "text/html; charset=utf-8")):
        answer = world.ask("GET", path, key="obligor-a", params={"language": language, "format": rendered})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content == render(paper)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    wrong = world.ask("GET", path, key="obligor-a", params={"language": "fr"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("paper", ["model-card", "validation-pack"])
def test_papers_of_the_model_that_answers(world: World, paper: str) -> None:
    version = models.promoted_credit(world.home).version[:12]
    told = world.ask("GET", f"/v1/{paper}", key="bank-a", params={"language": "en", "format": "html"})
    assert version in told.text
    assert "synthetic" in told.text
