"""A manufacturer applies, lenders find it: what each is told, and what it is never told."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import NOW, World, grant
from test_http_access import CRITERIA, an_application

from api.consents.repository import OPERATOR_DECLARED, Purpose

FUNDS = {**CRITERIA, "funds_minor": 10**9, "as_of": NOW.isoformat()}


def post(world: World, path: str, key: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = world.ask("POST", path, key=key, json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture(scope="module", autouse=True)
def _scored(world: World) -> None:
    """Both firms were looked at just now."""
    for firm, side in ((world.own, "a"), (world.other, "b")):
        body = {"obligor_id": firm, "product": "working_capital", "amount_minor": 10**7, "currency": "CNY"}
        post(world, "/v1/credit-decisions", f"bank-{side}", {**body, "tenor_months": 12, "snapshot": "fresh"})


def test_a_lender_sees_who_applied_to_it_and_consents_to_it(world: World) -> None:
    filed = post(world, "/v1/applications", "obligor-a", an_application(world.own))["application"]
    post(world, "/v1/applications", "obligor-b", {**an_application(world.other), "shown_to": ["bank-a"]})
    assert filed["shown_to"] == [
        {"partner_id": "bank-a", "has_consent": True}, {"partner_id": "bank-b", "has_consent": False},
    ]  # fmt: skip
    (seen,) = world.ask("GET", "/v1/applications", key="bank-a").json()["data"]
    assert seen == {**filed, "shown_to": None}  # not the other's: it applied, and consents to bank-b alone
    assert world.ask("GET", "/v1/applications", key="bank-b").json()["data"] == []
    told = post(world, "/v1/matches", "bank-a", FUNDS)["match"]
    (line,) = told["lines"]
    assert (line["obligor_id"], line["application_id"]) == (world.own, filed["application_id"])
    assert line["wanted_minor"] == 50_000_000
    assert told["placed_minor"] == line["amount_minor"]
    if not line["unmet"]:
        assert 0 < line["amount_minor"] <= min(line["lendable_minor"], 50_000_000)
    looks = world.ask("GET", f"/v1/obligors/{world.own}/access-log", key="obligor-a").json()["data"]
    assert {"match", "application"} <= {look["what"] for look in looks if look["viewer"] == "bank-a"}


def test_who_withdraws_or_ends_its_consent_is_shown_no_more(world: World) -> None:
    for item in world.ask("GET", "/v1/applications", key="obligor-a").json()["data"]:
        told = world.ask("DELETE", f"/v1/applications/{item['application_id']}", key="obligor-a").json()
        assert told["application"]["is_open"] is False
    assert world.ask("GET", "/v1/applications", key="bank-a").json()["data"] == []
    assert post(world, "/v1/matches", "bank-a", FUNDS)["match"]["lines"] == []


def test_a_cluster_is_screened_at_once_and_nothing_is_kept(world: World) -> None:
    with world.home.engine.begin() as connection:
        grant(connection, world.other, "bank-a", Purpose.CREDIT, mark=OPERATOR_DECLARED)
    asked = {**CRITERIA, "as_of": NOW.isoformat()}
    before = world.ask("GET", "/v1/outcome-register", key="bank-a").json()
    told = post(world, "/v1/prescreens", "bank-a", asked)["prescreen"]
    assert sorted(line["obligor_id"] for line in told["lines"]) == sorted([world.own, world.other])
    assert told["screened"] == 2
    assert told["eligible"] == sum(not line["unmet"] for line in told["lines"])
    assert world.ask("GET", "/v1/outcome-register", key="bank-a").json() == before
    strict = post(world, "/v1/prescreens", "bank-a", {**asked, "greatest_pd_12m_upper": 0.0})["prescreen"]
    assert all(any(item["criterion"] == "pd_12m_upper" for item in line["unmet"]) for line in strict["lines"])
    alone = post(world, "/v1/prescreens", "bank-b", asked)["prescreen"]
    assert [line["obligor_id"] for line in alone["lines"]] == [world.other]


def test_what_a_line_says_is_what_a_decision_says(world: World) -> None:
    asked = {**CRITERIA, "as_of": NOW.isoformat(), "largest_minor": 1_000_000}
    told = post(world, "/v1/prescreens", "bank-b", asked)["prescreen"]
    (line,) = told["lines"]
    body = {"obligor_id": world.other, "product": "working_capital", "amount_minor": 1_000_000, "currency": "CNY"}
    decision = post(world, "/v1/credit-decisions", "bank-b", {**body, "tenor_months": 12})["decision"]
    assert line["outcome"] == decision["outcome"]
    assert line["rating_grade"] == decision["rating_grade"]
    assert line["pd_12m"] == decision["pd_12m"]
    assert line["lendable_minor"] == decision["limit_minor"]


@pytest.mark.parametrize(
    ("path", "changes", "word"),
    [
        ("/v1/prescreens", {"smallest_minor": 10**10}, "lies between"),
        ("/v1/prescreens", {"worst_grade": "R99"}, "master scale"),
        ("/v1/prescreens", {"as_of": "2031-01-01T00:00:00Z"}, "future"),
        ("/v1/matches", {"funds_minor": 1}, "smallest amount"),
    ],
)
def test_criteria_that_say_nothing_are_refused(world: World, path: str, changes: dict[str, Any], word: str) -> None:
    body = {**(FUNDS if path == "/v1/matches" else CRITERIA), **changes}
    problem = post(world, path, "bank-a", body, status=422)
    assert word in problem["detail"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"shown_to": ["nobody"]}, 404),
        ({"shown_to": ["insurer-a"]}, 422),
        ({"shown_to": ["bank-a", "bank-a"]}, 422),
        ({"expires_time": "2020-01-01T00:00:00Z"}, 422),
    ],
)
def test_applications_that_nobody_could_answer_are_refused(world: World, changes: dict[str, Any], status: int) -> None:
    body = {**an_application(world.own), **changes}
    before = world.ask("GET", "/v1/applications", key="obligor-a").json()
    problem = post(world, "/v1/applications", "obligor-a", body, status=status)
    assert problem["status"] == status
    assert world.ask("GET", "/v1/applications", key="obligor-a").json() == before


def test_a_live_key_is_not_answered_from_synthetic_models(world: World) -> None:
    for path, body in (("/v1/prescreens", CRITERIA), ("/v1/matches", {**CRITERIA, "funds_minor": 10**9})):
        assert post(world, path, "live-bank-a", body, status=409)["code"] == "model_not_for_live"
