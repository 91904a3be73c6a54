"""Terms of the chain's products beside a decision, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import World, loan


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


@pytest.mark.parametrize("day", ["2024-01-01", "2027-01-01"])
def test_a_count_of_another_year_is_refused(world: World, day: str) -> None:
    count = {"opening_units": 5, "opened_on": day, "unit_value_minor": 1}
    body = {**loan(world.own), "product": "inventory", "tenor_months": 6, "stock": count}
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body)
    assert (answer.status_code, "Count anew" in answer.text) == (422, True)
