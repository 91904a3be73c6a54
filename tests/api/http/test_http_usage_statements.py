"""Instalments by use over HTTP: bills follow the plan of the decision and the hours of the machines."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import World, loan

DISPUTED = {"month": "2026-05", "hours": 10.0, "reason": "lent to another workshop"}


@pytest.fixture(scope="module")
def decision(world: World) -> dict[str, Any]:
    """Of a loan that is repaid by use."""
    asked = loan(world.own, product="usage_instalment")
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked)
    found: dict[str, Any] = answer.json()["decision"]
    return found


def ask(world: World, decision: dict[str, Any], key: str = "bank-a", **changes: Any) -> Any:
    asked = {"first_month": "2026-03", "machines": [f"{world.own}/M01"], "as_of": "2026-06-30T16:00:00Z", **changes}
    return world.ask("POST", f"/v1/credit-decisions/{decision['decision_id']}/usage-statements", key=key, json=asked)


def told(world: World, decision: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = ask(world, decision, **changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["statement"]
    return found


def test_every_month_is_billed_by_the_plan_and_adds_up(world: World, decision: dict[str, Any]) -> None:
    found, plan = told(world, decision), decision["usage_plan"]
    assert [line["month"] for line in found["months"]] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    left = found["terms"]["financed_minor"]
    for line in found["months"]:
        assert line["basis"] == "observed_hours"
        assert line["instalment_minor"] == plan["floor_minor"] + round(plan["per_hour_minor"] * line["executing_hours"])
        assert line["instalment_minor"] == line["interest_minor"] + line["principal_minor"]
        left -= line["principal_minor"]
        assert line["left_minor"] == left
    assert found["left_minor"] == left
    assert found["billed_minor"] == sum(line["instalment_minor"] for line in found["months"])


def test_disputed_hours_wait_and_machines_without_a_word_bill_what_is_usual(
    world: World, decision: dict[str, Any]
) -> None:
    whole, less = told(world, decision), told(world, decision, disputed=[DISPUTED])
    assert less["held_minor"] == 10 * decision["usage_plan"]["per_hour_minor"]
    assert less["months"][2]["basis"] == "disputed_left_out"
    assert whole["months"][2]["instalment_minor"] - less["months"][2]["instalment_minor"] == less["held_minor"]
    first, *_ = told(world, decision, first_month="2025-01")["months"]  # nothing was told of it
    assert (first["basis"], first["observed_share"]) == ("floor", 0)
    assert first["instalment_minor"] == decision["usage_plan"]["floor_minor"]


def test_a_statement_tells_the_same_to_both_sides_and_nothing_to_others(world: World, decision: dict[str, Any]) -> None:
    assert ask(world, decision, key="obligor-a").json() == ask(world, decision).json()
    assert ask(world, decision, key="bank-b").status_code == 404
    assert ask(world, decision, key="live-bank-a").status_code == 404  # the decision is of a test key


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machines": ["somebody's"]}, "no machine of"),
        ({"machines": []}, ""),
        ({"first_month": "2026-06", "as_of": "2026-06-29T16:00:00Z"}, "is over"),
        ({"first_month": "2026-13"}, ""),
        ({"disputed": [DISPUTED, DISPUTED]}, "disputed twice"),
        ({"disputed": [{**DISPUTED, "month": "2026-02"}]}, "not billed"),
    ],
)
def test_what_cannot_be_billed_is_refused(
    world: World, decision: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    answer = ask(world, decision, **changes)
    assert answer.status_code == 422
    assert says in answer.text


def test_a_level_loan_has_no_use_to_bill(world: World) -> None:
    level = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own)).json()["decision"]
    answer = ask(world, level)
    assert (answer.status_code, "usage_instalment" in answer.text) == (422, True)
