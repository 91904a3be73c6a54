"""The four products over HTTP: what is filed and what the model says, until when it holds, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from http_world import World, cover, grant

from api.consents.repository import Purpose
from api.database.tables import premium_quote
from scoring.records import InsuranceProduct

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
    assert told["valid_until"] > told["as_of"]
    assert (filed["tariff_version"] is None) == (product == "equipment_ubi")
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
