"""What lies on the buyers' core enterprises, looked through, in a decision over HTTP, on the memo, and in its replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import NOW, World, loan

from api.credit_decisions.service import replay
from api.database.tables import credit_decision, lender_name
from api.operations.partners import name_lender
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import DecisionId, PartnerId

BANK = PartnerId("bank-a")
AS_OF = "2026-06-30T16:00:00Z"


@pytest.fixture
def named(world: World) -> Iterator[str]:
    """A lender's name under which facilities of bank-a's own firm stand, told to be bank-a's for the time of a test."""
    with world.home.engine.connect() as connection:
        told = reader(connection, world.home).rows(RecordKind.FACILITY, as_of=NOW, obligor_ids=[world.own])
    name = sorted(told["lender_id"].to_pylist())[0]
    name_lender(world.home, BANK, name, now=NOW)
    yield name
    with world.home.engine.begin() as connection:
        connection.execute(sa.delete(lender_name))


def decide(world: World, **more: Any) -> dict[str, Any]:
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own, as_of=AS_OF, **more))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["decision"]
    return told


def on_core(decision: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    finding = next(item for item in decision["findings"] if item["rule_id"] == "L03_core_enterprise")
    capacity = next(item for item in decision["capacities"] if item["name"] == "core_enterprise")
    return finding, capacity


def test_without_a_lenders_name_nothing_is_known_and_nothing_bites(world: World) -> None:
    finding, capacity = on_core(decide(world))
    assert (finding["outcome"], finding["values"]["exposure_minor"]) == ("approve", None)
    assert finding["values"]["core_enterprise_limit_minor"] == 10_000_000_000
    assert capacity == {"name": "core_enterprise", "amount_minor": None, "mandatory": False, "missing": "no_source"}


def test_the_figures_are_the_ledgers_and_stay_with_the_decision(world: World, named: str) -> None:
    decision = decide(world)
    finding, capacity = on_core(decision)
    values = finding["values"]
    with world.home.engine.connect() as connection:
        chosen = credit_decision.c.decision_id == decision["decision_id"]
        kept = connection.execute(sa.select(credit_decision.c.request).where(chosen)).scalar_one()
    known = kept["on_core_enterprises"]
    assert known["lenders"] == [named]
    assert (values["obligors"], values["with_buyers"], values["unexplained_minor"]) == (1, 1, 0)
    # bank-a is shown one firm: all that it owes lies on its buyers, to the fen
    assert sum(item["through_minor"] for item in known["core_enterprises"]) == known["outstanding_minor"] > 0
    first = max(known["core_enterprises"], key=lambda item: item["sold_minor"])
    whole = sum(item["sold_minor"] for item in known["core_enterprises"])
    assert (values["core_enterprise"], values["exposure_minor"]) == (first["core_enterprise"], first["through_minor"])
    added = values["with_request_minor"] - values["exposure_minor"]
    assert added == -(-decision["amount_minor"] * first["sold_minor"] // whole)
    assert capacity["amount_minor"] == (10**10 - first["through_minor"]) * whole // first["sold_minor"]

    name_lender(world.home, BANK, "another name of it", now=NOW)  # told later: the decision rests on what was known
    assert json.loads(replay(world.home, DecisionId(decision["decision_id"])))["findings"] == decision["findings"]
    for language in ("zh", "en"):
        memo = world.ask(
            "GET",
            f"/v1/credit-decisions/{decision['decision_id']}/memo?language={language}&format=html",
            key="bank-a",
        )
        assert memo.status_code == 200, memo.text
        assert f"{values['with_request_minor'] / 100:,.2f}" in memo.text
        assert f"{values['exposure_minor'] / 100:,.2f}" in memo.text
        assert values["core_enterprise"] in memo.text


def test_beyond_the_limit_a_person_looks_and_the_limit_is_capped(world: World, named: str) -> None:
    del named
    decision = decide(world, amount_minor=30_000_000_000)
    finding, capacity = on_core(decision)
    assert finding["outcome"] == "refer"
    assert finding["values"]["with_request_minor"] > 10**10 >= finding["values"]["exposure_minor"]
    assert decision["indicative_limit_minor"] <= capacity["amount_minor"]
    words = decision["narrative"]
    assert any("L03_core_enterprise" in line and "more than its limit" in line for line in words["en"]["findings"])
    assert any("L03_core_enterprise" in line and "超过其限额" in line for line in words["zh"]["findings"])
