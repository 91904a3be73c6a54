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
    assert (again["decision"], again["terms"]) == (told["decision"], None)


def test_other_products_have_none_and_an_unknown_order_is_not_found(world: World) -> None:
    assert asked(world, "working_capital")["terms"] is None
    body = {**loan(world.own), "product": "purchase_order", "tenor_months": 6, "order": {"order_id": "nobody's"}}
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
