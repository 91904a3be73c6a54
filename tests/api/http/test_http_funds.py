"""Use of funds over HTTP: every deviation is shown with the payments behind it, and amounts add up."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import NOW, World
from test_http_access import funds_of

from api.database.engine import reading
from api.snapshots.service import reader


def ask(world: World, key: str = "bank-a", **changes: Any) -> Any:
    return world.ask("POST", "/v1/use-of-funds", key=key, json={**funds_of(world.own), **changes})


def told(world: World, **changes: Any) -> dict[str, Any]:
    answer = ask(world, **changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["use_of_funds"]
    assert found["agreed_use_minor"] + found["outside_minor"] == found["paid_minor"]
    return found


@pytest.fixture(scope="module")
def machine(world: World) -> str:
    """A machine that the obligor owns and that works."""
    with reading(world.home.engine) as connection:
        rows = reader(connection, world.home).machines(as_of=NOW, obligor_ids=[world.own]).to_pylist()
    return str(rows[0]["machine_uid"])


def paid(payee: str, amount: int = 100, day: str = "2026-01-05", name: str = "P1") -> dict[str, Any]:
    return {"payment_id": name, "payee": payee, "paid_on": day, "amount_minor": amount}


def agreed(payee: str, machine: str | None, amount: int = 100) -> dict[str, Any]:
    return {"payee": payee, "purpose": "equipment", "amount_minor": amount, "machine_uid": machine}


def test_a_machine_that_came_and_works_is_as_agreed(world: World, machine: str) -> None:
    found = told(world, agreed=[agreed("maker", machine)], payments=[paid("maker")])
    assert (found["findings"], found["outside_minor"]) == ([], 0)
    assert machine in found["delivered_on"]
    assert machine in found["first_used_on"]


def test_every_deviation_is_told_in_both_languages(world: World, machine: str) -> None:
    lines = [agreed("maker", machine), agreed("elsewhere", f"{world.own}/never-came"), agreed("sister", None)]
    payments = [
        paid("maker", 150, name="P1"), paid("elsewhere", name="P2"), paid("sister", name="P3"), paid("spa", 7, name="P4"),
    ]  # fmt: skip
    found = told(world, agreed=lines, payments=payments, affiliates=["sister"])
    assert {(item["deviation"], item["payee"], item["amount_minor"]) for item in found["findings"]} == {
        ("paid_too_much", "maker", 50), ("not_delivered", "elsewhere", 100), ("back_to_borrower", "sister", 100),
        ("unknown_payee", "spa", 7),
    }  # fmt: skip
    for item in found["findings"]:
        assert item["payee"] in item["narrative"]["zh"] + item["narrative"]["en"]
    assert found["outside_minor"] == 157


def test_a_bank_without_consent_and_a_live_key_learn_nothing(world: World) -> None:
    assert ask(world, key="bank-b").status_code == 404
    answer = ask(world, key="live-bank-a")
    assert (answer.status_code, answer.json()["code"]) == (409, "data_not_for_live")
