"""Terms of the chain's products beside a decision, over HTTP."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from http_world import World, loan

from api.credit_decisions import repository as decisions
from api.credit_decisions.service import replay, request_of
from data_contracts.identifiers import DecisionId


def asked(world: World, product: str, **more: Any) -> dict[str, Any]:
    body = {**loan(world.own), "product": product, "tenor_months": 6, **more}
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    ("product", "member"),
    [("receivables", "receivables"), ("purchase_order", "orders_due_later"), ("finance_lease", "leases"),
     ("inventory", "made_parts_365d")],
)  # fmt: skip
def test_each_product_of_the_chain_tells_its_terms(world: World, product: str, member: str) -> None:
    told = asked(world, product)
    assert told["terms"]["product"] == product == told["decision"]["product"]
    assert told["terms"]["as_of"] == told["decision"]["as_of"]
    assert member in told["terms"]
    again = world.ask("GET", f"/v1/credit-decisions/{told['decision']['decision_id']}", key="bank-a").json()
    assert (again["decision"], again["terms"]) == (told["decision"], told["terms"])


def test_what_a_lender_says_of_receivables_takes_off_and_is_kept(world: World) -> None:
    line = next(item for item in asked(world, "receivables")["terms"]["receivables"] if item["eligible_minor"])
    fact = {"invoice_id": line["invoice_id"], "is_disputed": True, "source": "lender", "dated": "2026-06-20"}
    told = asked(world, "receivables", receivables={"invoices": [fact]}, amount_minor=40_000_000)
    (disputed,) = (item for item in told["terms"]["receivables"] if item["invoice_id"] == line["invoice_id"])
    assert disputed["deductions"] == {"E03_disputed": line["outstanding_minor"]}
    again = world.ask("GET", f"/v1/credit-decisions/{told['decision']['decision_id']}", key="bank-a").json()
    assert again["terms"] == told["terms"]
    for facts, status in (([{**fact, "invoice_id": "nobody's"}], 422), ([fact, fact], 422)):
        body = {**loan(world.own), "product": "receivables", "tenor_months": 6, "receivables": {"invoices": facts}}
        assert world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body).status_code == status


def test_other_products_have_none_and_an_unknown_order_is_not_found(world: World) -> None:
    assert asked(world, "working_capital")["terms"] is None
    body = {**loan(world.own), "product": "purchase_order", "tenor_months": 6, "order": {"order_id": "nobody's"}}
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_stock_is_what_was_counted_and_made_less_what_was_shipped(world: World) -> None:
    told = asked(world, "inventory")["terms"]
    assert (told["stock"], told["missing"]) == (None, "stock_count")
    count = {"opening_units": 500, "opened_on": "2026-03-01", "unit_value_minor": 2_000}
    first = asked(world, "inventory", stock=count)["terms"]["stock"]
    assert first["expected"] == 500 + first["made"] - first["shipped"] - first["scrapped"]
    assert first["made"] > 0
    assert first["units_that_count"] == max(0, first["expected"])
    assert first["owed_minor"] == loan(world.own)["amount_minor"]
    assert first["shortfall_minor"] == max(0, first["owed_minor"] - first["lendable_minor"])
    second = asked(world, "inventory", stock={**count, "counted_units": 7})["terms"]["stock"]
    assert second["units_that_count"] == min(7, max(0, first["expected"]))
    assert second["value_minor"] <= first["value_minor"]
    assert ("counted_less" in second["contradictions"]) is (first["expected"] > 7)


def test_counted_stock_is_a_capacity_of_the_limit_and_stays_with_the_decision(world: World) -> None:
    count = {"opening_units": 500, "opened_on": "2026-03-01", "unit_value_minor": 2_000}
    bare = asked(world, "inventory")["decision"]
    told = asked(world, "inventory", stock=count)
    decision, stock = told["decision"], told["terms"]["stock"]
    found = {item["rule_id"]: item for item in decision["findings"]}
    haircut = found["K04_data_trust_grade"]["values"]["haircut_ratio"]
    (inventory,) = (item for item in decision["capacities"] if item["name"] == "inventory")
    assert inventory["amount_minor"] == pytest.approx(stock["lendable_minor"] * (1 - haircut), abs=1)
    assert decision["limit_minor"] == min(item["amount_minor"] for item in decision["capacities"] if item["mandatory"])
    values = found["L04_stock"]["values"]
    assert (values["expected_units"], values["lendable_minor"]) == (stock["expected"], stock["lendable_minor"])
    assert (bare["limit_minor"], bare["decision_id"] == decision["decision_id"]) == (None, False)
    assert json.loads(replay(world.home, DecisionId(decision["decision_id"])))["capacities"] == decision["capacities"]
    for language, sentence in (("en", "must lie there"), ("zh", "盘点的成品")):
        assert any("L04_stock" in line and sentence in line for line in decision["narrative"][language]["findings"])
        memo = world.ask(
            "GET",
            f"/v1/credit-decisions/{decision['decision_id']}/memo?language={language}&format=html",
            key="bank-a",
        )
        assert f"{stock['lendable_minor'] / 100:,.2f}" in memo.text


def test_a_count_that_the_balance_does_not_allow_is_referred(world: World) -> None:
    count = {"opening_units": 10**9, "opened_on": "2026-03-01", "unit_value_minor": 2_000, "counted_units": 7}
    decision = asked(world, "inventory", stock=count)["decision"]
    (finding,) = (item for item in decision["findings"] if item["rule_id"] == "L04_stock")
    assert (finding["outcome"], finding["values"]["contradictions"]) == ("refer", ["counted_less"])
    assert finding["values"]["units_that_count"] == 7


def test_a_decision_of_an_early_release_told_nothing_of_stock(world: World) -> None:
    decision = asked(world, "inventory")["decision"]
    with world.home.engine.connect() as connection:
        row = decisions.load(connection, DecisionId(decision["decision_id"]))
    plain = {name: value for name, value in row.request.items() if name not in ("stock", "on_core_enterprises")}
    early = SimpleNamespace(request=plain)
    assert request_of(early).stock is None  # type: ignore[arg-type]


@pytest.mark.parametrize("day", ["2024-01-01", "2027-01-01"])
def test_a_count_of_another_year_is_refused(world: World, day: str) -> None:
    count = {"opening_units": 5, "opened_on": day, "unit_value_minor": 1}
    body = {**loan(world.own), "product": "inventory", "tenor_months": 6, "stock": count}
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body)
    assert (answer.status_code, "Count anew" in answer.text) == (422, True)
