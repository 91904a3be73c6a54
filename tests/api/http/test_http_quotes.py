"""The four products over HTTP: what is filed and what the model says, until when it holds, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from http_world import NOW, World, cover, grant, loan, withdraw_all

from api.consents.repository import Purpose
from api.database.tables import credit_decision, premium_quote
from api.models import service as models
from api.models.filings import keep_filing
from api.premium_quotes import service
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, PartnerId
from scoring.errors import InvalidRequest
from scoring.insurance.filed import equipment_filing
from scoring.records import InsuranceProduct, QuoteRequest

PRODUCTS = [product.value for product in InsuranceProduct]


@pytest.fixture(scope="module")
def insured(world: World) -> World:
    """The world, in which `own` also lets insurer-a see its credit."""
    with world.home.engine.begin() as connection:
        grant(connection, world.own, "insurer-a", Purpose.CREDIT)
    return world


def quoted(world: World, product: str, **changes: Any) -> dict[str, Any]:
    answer = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(world.own, product=product, **changes))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["quote"]
    return told


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_product_is_quoted_line_by_line(insured: World, product: str) -> None:
    told = quoted(insured, product)
    filed, rate = told["filed"], told["claim_frequency_per_machine_year"]
    factors = 1.0
    for factor in told["factors"]:
        factors *= factor["relativity"]
    assert told["base_frequency"] * factors == pytest.approx(rate, rel=1e-9)
    assert filed["filed_rate"] == rate
    assert max(filed["lowest"], filed["trust_floor"]) <= filed["product"] <= filed["highest"]
    assert told["gross_premium_minor"] == told["pure_premium_minor"] + sum(
        line["amount_minor"] for line in told["loadings"]
    )
    assert told["pure_premium_minor"] == sum(line["amount_minor"] for line in told["risk"])
    assert told["valid_until"] > told["as_of"]
    of_model = (told["model_version"], True) if product == "equipment_ubi" else (None, None)
    assert (filed["distilled_from"], filed["is_of_model"]) == of_model
    assert told["statement"].startswith("synthetic")


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_same_question_is_the_same_quote_kept_once(insured: World, product: str) -> None:
    first, again = (quoted(insured, product, snapshot="latest", currency="CNY") for _ in range(2))
    assert first == again
    with insured.home.engine.begin() as connection:
        rows = connection.execute(premium_quote.select().where(premium_quote.c.quote_id == first["quote_id"])).all()
    assert [json.loads(row.body) for row in rows] == [first]
    read = insured.ask("GET", f"/v1/premium-quotes/{first['quote_id']}", key="insurer-a").json()
    assert read["quote"] == first
    receipt = insured.ask("GET", f"/v1/premium-quotes/{first['quote_id']}/receipt", key="insurer-a")
    assert receipt.status_code == 200, receipt.text


def test_a_guarantee_needs_the_consent_for_credit_too(world: World) -> None:
    asked = cover(world.other, product="guarantee")
    refused = world.ask("POST", "/v1/premium-quotes", key="insurer-b", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_missing")
    assert "credit" in refused.json()["detail"]
    assert world.ask("POST", "/v1/premium-quotes", key="insurer-b", json=cover(world.other)).status_code == 201


@pytest.mark.parametrize("product", PRODUCTS)
def test_nothing_synthetic_or_on_trial_answers_a_live_key(world: World, product: str) -> None:
    with world.home.engine.begin() as connection:
        grant(connection, world.own, "insurer-a", Purpose.CREDIT, mark="obligor_granted")
    refused = world.ask("POST", "/v1/premium-quotes", key="live-insurer-a", json=cover(world.own, product=product))
    assert (refused.status_code, refused.json()["code"]) == (409, "model_not_for_live")


@pytest.mark.parametrize(
    ("product", "changes"),
    [
        ("idle_cover", {"to": "2028-11-30"}),
        ("extended_warranty", {"to": "2026-12-20"}),
        ("guarantee", {"to": "2032-12-01"}),
    ],
)
def test_a_term_that_is_not_offered_is_refused(insured: World, product: str, changes: dict[str, str]) -> None:
    asked = cover(insured.own, product=product, **changes)
    refused = insured.ask("POST", "/v1/premium-quotes", key="insurer-a", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_guarantee_takes_the_partners_own_decision_and_nobody_elses(insured: World) -> None:
    own = insured.own
    asked = loan(own, amount_minor=90_000_000, as_of="2026-06-30T16:00:00Z")
    told = insured.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked).json()["decision"]
    question = cover(own, product="guarantee", sum_insured_minor=90_000_000, decision_id=told["decision_id"])
    hidden = insured.ask("POST", "/v1/premium-quotes", key="insurer-a", json=question)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found")
    with insured.home.engine.begin() as connection:
        grant(connection, own, "bank-a", Purpose.INSURANCE)
        row = connection.execute(
            credit_decision.select().where(credit_decision.c.decision_id == told["decision_id"])
        ).mappings()
        body = json.dumps({**told, "lgd_ratio": 0.55}).encode()
        approved = {**row.one(), "decision_id": "d_approved", "outcome": "approve", "body": body}
        connection.execute(credit_decision.insert().values(**approved))
        refused = {**approved, "decision_id": "d_refused", "outcome": "decline"}
        connection.execute(credit_decision.insert().values(**refused))

    def ask(decision: str) -> dict[str, Any]:
        request = QuoteRequest(
            obligor_id=own, product=InsuranceProduct.GUARANTEE, sum_insured_minor=90_000_000, currency="CNY",
            starts=date(2026, 7, 1), ends=date(2027, 6, 30), machines=(), as_of=datetime(2026, 6, 30, 16, tzinfo=UTC),
        )  # fmt: skip
        partner, decision_id = PartnerId("bank-a"), DecisionId(decision)
        found = service.quote(insured.home, request, partner=partner, now=NOW, decision_id=decision_id)
        return dict(json.loads(found))

    facility = ask("d_approved")["facility"]
    assert (facility["decision_id"], facility["lgd_ratio"], facility["tenor_months"]) == ("d_approved", 0.55, 12)
    with pytest.raises(InvalidRequest, match="is decline"):
        ask("d_refused")
    with pytest.raises(NotFound):
        ask("d_nobody")
    assert quoted(insured, "guarantee")["facility"] is None


def test_what_an_insurer_filed_is_charged_whatever_is_promoted(world: World) -> None:
    """What is filed stays, for this insurer."""
    before = world.ask("POST", "/v1/premium-quotes", key="insurer-b", json=cover(world.other)).json()["quote"]
    promoted = models.promoted_insurance(world.home)
    table = promoted.card.table
    assert table is not None
    own = equipment_filing(
        promoted,
        models.scoring_parameters().at(NOW),
        filing_number="F-1",
        effective=date(2026, 1, 1),
        partner=PartnerId("insurer-b"),
    ).model_copy(update={"model_version": "0" * 64, "base_rate": 2 * table.base_rate})
    keep_filing(world.home, own)
    after = world.ask("POST", "/v1/premium-quotes", key="insurer-b", json=cover(world.other)).json()["quote"]
    filed = after["filed"]
    assert (filed["filing_number"], filed["effective"], filed["tariff_version"]) == ("F-1", "2026-01-01", own.version)
    assert (filed["distilled_from"], filed["is_of_model"]) == ("0" * 64, False)
    assert filed["model_rate"] == before["filed"]["model_rate"]
    assert filed["filed_rate"] == pytest.approx(2 * before["filed"]["filed_rate"])
    for language in ("en", "zh"):
        page = world.ask(
            "GET", f"/v1/premium-quotes/{after['quote_id']}/statement?format=html&language={language}", key="insurer-b"
        )
        assert "000000000000" in page.text


def exposure(firm: str, **changes: Any) -> dict[str, Any]:
    """A question about one exposure under a loan and four covers."""
    asked = {"amount_minor": 50_000_000, "tenor_months": 12, "sum_insured_minor": 80_000_000, "currency": "CNY"}
    days = {"from": "2026-07-01", "to": "2027-06-30", "as_of": "2026-06-30T16:00:00Z"}
    return {"obligor_id": firm, "fixed_cost_minor": 30_000_000, **asked, **days, **changes}


def test_one_exposure_is_priced_together_over_http(insured: World) -> None:
    answer = insured.ask("POST", "/v1/exposure-prices", key="insurer-a", json=exposure(insured.own))
    assert answer.status_code == 201, answer.text
    told = answer.json()["exposure"]
    assert sum(told["borne_minor"].values()) == sum(loss["expected_minor"] for loss in told["losses"]) > 0
    gap = told["loan"]["guarantee_rate_ratio"] - told["loan"]["saved_ratio"]
    assert told["loan"]["gap_ratio"] == pytest.approx(gap, abs=1e-9)
    for key, status, code in (
        ("insurer-b", 404, "not_found"),  # no consent at all
        ("live-insurer-a", 409, "model_not_for_live"),
        ("obligor-a", 403, "role_not_allowed"),
    ):
        refused = insured.ask("POST", "/v1/exposure-prices", key=key, json=exposure(insured.own))
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    beyond = insured.ask("POST", "/v1/exposure-prices", key="insurer-a", json=exposure(insured.own, tenor_months=61))
    assert beyond.status_code == 422


def test_a_consent_that_names_a_lenders_decision_shows_the_insurer_its_facility_and_no_more(world: World) -> None:
    """Last in this module: `own` lets insurer-a see no credit from here on; bank-a's decision is another partner's."""
    own, key = world.own, "insurer-a"
    withdraw_all(world, recipient="insurer-a")
    asked = loan(own, amount_minor=70_000_000, as_of="2026-06-30T16:00:00Z")
    told = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked).json()["decision"]
    with world.home.engine.begin() as connection:
        row = connection.execute(
            credit_decision.select().where(credit_decision.c.decision_id == told["decision_id"])
        ).mappings()
        body = json.dumps({**told, "lgd_ratio": 0.55}).encode()
        kept = {**row.one(), "decision_id": "d_of_bank", "outcome": "approve", "body": body}
        connection.execute(credit_decision.insert().values(**kept))
        grant(connection, own, "insurer-a", Purpose.INSURANCE)
    days = {"from": "2026-07-01", "to": "2027-06-30", "as_of": "2026-06-30T16:00:00Z"}
    question = cover(own, product="guarantee", sum_insured_minor=70_000_000, decision_id="d_of_bank", **days)

    def ask(**changes: Any) -> Any:
        return world.ask("POST", "/v1/premium-quotes", key=key, json={**question, **changes})

    hidden, absent = ask(), ask(decision_id="d_nobody")
    assert (hidden.status_code, hidden.json()["code"]) == (absent.status_code, absent.json()["code"])
    assert hidden.status_code == 404
    assert hidden.json()["detail"] == absent.json()["detail"]
    named = {"obligor_id": own, "recipient": "insurer-a", "purpose": "insurance", "decision_id": "d_of_bank"}
    granted = world.ask("POST", "/v1/consents", key="obligor-a", json=named)
    assert granted.status_code == 201, granted.text
    assert granted.json()["consent"]["streams"] == ["*", "decision:d_of_bank"]
    answer = ask()
    assert answer.status_code == 201, answer.text
    quote = answer.json()["quote"]
    assert (quote["facility"]["decision_id"], quote["facility"]["lgd_ratio"]) == ("d_of_bank", 0.55)
    assert quote["model_version"] == told["model_version"]
    assert [reason["code"] for reason in quote["reasons"]] == [reason["code"] for reason in told["reasons"]]
    assert (ask(sum_insured_minor=1).status_code, ask(decision_id=None).status_code) == (422, 403)
    assert world.ask("GET", "/v1/credit-decisions/d_of_bank", key=key).status_code in (403, 404)
    with world.home.engine.begin() as connection:
        grant(connection, own, "insurer-b", Purpose.INSURANCE)
    assert world.ask("POST", "/v1/premium-quotes", key="insurer-b", json=question).status_code == 404
    ended = world.ask("DELETE", f"/v1/consents/{granted.json()['consent']['consent_id']}", key="obligor-a")
    assert ended.status_code == 200, ended.text
    assert ask().status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"decision_id": "d_nobody"}, 404),
        ({"decision_id": "d_of_bank", "purpose": "credit", "recipient": "bank-b"}, 422),
        ({"decision_id": "x" * 41}, 422),
    ],
)
def test_a_consent_names_only_a_decision_about_its_giver(world: World, changes: dict[str, str], status: int) -> None:
    asked = {"obligor_id": world.own, "recipient": "insurer-a", "purpose": "insurance", **changes}
    assert world.ask("POST", "/v1/consents", key="obligor-a", json=asked).status_code == status
