"""A loan in trouble over HTTP: each step in its turn, appealable, and nothing harsher within a hardship."""

from __future__ import annotations

from typing import Any

import pytest
from http_world import NOW, World, loan

from api.database.tables import response_event

EVENTS = {
    "notice": {"kind": "step", "step": "notice", "reason": "no data", "evidence": ["case_1"], "by": "Zhang Min"},
    "cure_plan": {
        "kind": "step",
        "step": "cure_plan",
        "reason": "no answer",
        "evidence": ["case_1"],
        "by": "Zhang Min",
    },
    "hardship": {
        **{"kind": "hardship", "first_day": NOW.date().isoformat(), "last_day": "2026-12-31"},
        **{"reason": "停电限产", "by": "李伟"},
    },
}


@pytest.fixture
def decision(world: World) -> str:
    """Of a loan that nothing was done about yet."""
    with world.home.engine.begin() as connection:
        connection.execute(response_event.delete())
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own))
    return str(answer.json()["decision"]["decision_id"])


def tell(world: World, decision: str, event: dict[str, Any], key: str = "bank-a") -> Any:
    return world.ask("POST", f"/v1/credit-decisions/{decision}/responses", key=key, json={"event": event})


def course(world: World, decision: str, event: dict[str, Any], key: str = "bank-a") -> dict[str, Any]:
    answer = tell(world, decision, event, key)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["course"]
    return told


def test_steps_come_in_turn_and_after_time_to_answer(world: World, decision: str) -> None:
    first = world.ask("GET", f"/v1/credit-decisions/{decision}/responses", key="obligor-a").json()["course"]
    assert (first["events"], first["next"]["step"], first["next"]["reason"]) == ([], "notice", "first")
    assert tell(world, decision, EVENTS["cure_plan"]).status_code == 422
    told = course(world, decision, EVENTS["notice"])
    assert told["next"] == {"step": "cure_plan", "not_before": "2026-12-05", "reason": "in_turn"}
    early = tell(world, decision, EVENTS["cure_plan"])
    assert early.status_code == 422
    assert "2026-12-05" in early.json()["detail"] + str(early.json().get("hint"))


def test_an_open_appeal_stays_everything_and_an_upheld_one_undoes_its_step(world: World, decision: str) -> None:
    step = course(world, decision, EVENTS["notice"])["events"][0]["event_id"]
    appeal = {"kind": "appeal", "about": step, "reason": "网关损坏，已报修", "by": "李伟"}
    assert tell(world, decision, appeal, "bank-a").status_code == 403  # it is the obligor's to make
    told = course(world, decision, appeal, "obligor-a")
    assert told["next"] == {"step": None, "not_before": None, "reason": "appeal_open"}
    assert tell(world, decision, appeal, "obligor-a").status_code == 422
    answer = {"kind": "appeal_answer", "about": step, "is_upheld": True, "reason": "seen", "by": "Wang Fang"}
    assert tell(world, decision, answer, "obligor-a").status_code == 403
    told = course(world, decision, answer)
    assert (told["next"]["step"], told["next"]["reason"]) == ("notice", "first")
    assert [item["told_by"] for item in told["events"]] == ["bank", "obligor", "bank"]
    assert tell(world, decision, answer).status_code == 422  # nothing is open any more


def test_a_hardship_that_the_obligor_asks_for_counts_once_granted(world: World, decision: str) -> None:
    told = course(world, decision, EVENTS["hardship"], "obligor-a")
    assert told["next"]["step"] == "notice"
    asked = told["events"][0]["event_id"]
    grant = {"kind": "hardship_grant", "about": asked, "by": "Zhang Min"}
    assert tell(world, decision, grant, "obligor-a").status_code == 403
    assert course(world, decision, grant)["next"]["reason"] == "hardship"
    assert tell(world, decision, grant).status_code == 422
    assert tell(world, decision, EVENTS["notice"]).status_code == 422


def test_the_banks_own_hardship_counts_at_once(world: World, decision: str) -> None:
    assert course(world, decision, EVENTS["hardship"])["next"]["reason"] == "hardship"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({**EVENTS["hardship"], "last_day": "2026-01-01"}, 422),
        ({**EVENTS["hardship"], "last_day": "2199-01-01"}, 422),
        ({"kind": "appeal_answer", "about": "re_" + "0" * 32, "is_upheld": True, "reason": "x", "by": "x"}, 404),
        ({**EVENTS["notice"], "evidence": []}, 422),
        ({**EVENTS["notice"], "reason": " "}, 422),
    ],
)
def test_what_says_nothing_is_refused(world: World, decision: str, event: dict[str, Any], status: int) -> None:
    assert tell(world, decision, event).status_code == status
    assert tell(world, decision, EVENTS["notice"], "bank-b").status_code == 404  # the decision is not its own
