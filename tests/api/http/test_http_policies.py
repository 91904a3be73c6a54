"""The life of a policy over HTTP: bound from a quote, claimed, endorsed, lapsed; and what does not follow."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from http_world import NOW, World, cover, grant

from api.consents.repository import Purpose
from api.database.engine import unit_of_work
from api.insurance_policies import repository as policies
from api.insurance_policies import service
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import QuoteId
from risk_reports.wording.catalogue import Language, wording
from scoring.errors import PolicyForbids

TODAY = NOW.date().isoformat()
LONG_AGO = "2026-06-30T16:00:00Z"


def quoted(world: World, **changes: Any) -> dict[str, Any]:
    """A quote on what is known now, so that it still holds."""
    asked = cover(world.own, snapshot="fresh", **{"from": TODAY, "to": "2027-11-20", **changes})
    answer = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["quote"]
    return told


def bind(world: World, quote_id: str, key: str = "insurer-a") -> httpx.Response:
    return world.ask("POST", "/v1/insurance-policies", key=key, json={"quote_id": quote_id})


def append(world: World, policy_id: str, **record: Any) -> httpx.Response:
    path = f"/v1/insurance-policies/{policy_id}/records"
    return world.ask("POST", path, key="insurer-a", json={"record": record})


def test_a_whole_life(world: World) -> None:
    quote = quoted(world, sum_insured_minor=81_000_000)
    policy = bind(world, quote["quote_id"]).json()["policy"]
    assert policy["premium_minor"] == quote["gross_premium_minor"]
    assert [cover["machine_uid"] for cover in policy["covers"]] == [item["machine_uid"] for item in quote["machines"]]
    assert bind(world, quote["quote_id"]).json()["policy"] == policy  # once
    machine, policy_id = policy["covers"][0]["machine_uid"], policy["policy_id"]
    loss = {"day": TODAY, "machine_uid": machine, "amount_minor": 5_000, "currency": "CNY"}
    claimed = append(world, policy_id, step="claim", **loss)
    assert claimed.status_code == 201, claimed.text
    facts = claimed.json()["policy"]["records"][-1]["facts"]
    assert (facts["amount_minor"], len(facts["evidence"])) == (5_000, 64)
    sold = append(world, policy_id, step="endorse", effective="2027-01-01", removed=[machine], reason="sold")
    change = sold.json()["policy"]["records"][-1]["facts"]["premium_change_minor"]
    assert change < 0
    ended = append(world, policy_id, step="lapse", effective="2027-03-01", reason="not paid").json()["policy"]
    assert (ended["is_lapsed"], ended["to"]) == (True, "2027-02-28")
    assert [record["step"] for record in ended["records"]] == ["bound", "claimed", "endorsed", "lapsed"]
    moved = sum(record["facts"].get("premium_change_minor", 0) for record in ended["records"])
    assert ended["premium_minor"] == policy["premium_minor"] + moved
    for key in ("insurer-a", "obligor-a"):
        assert world.ask("GET", f"/v1/insurance-policies/{policy_id}", key=key).json()["policy"] == ended


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"step": "true_up"}, "policy_forbids"),
        ({"step": "bill", "month": "2027-01-01"}, "policy_forbids"),  # it knew no hours when it was bound
        ({"step": "bill", "month": "2029-01-01"}, "policy_forbids"),
        ({"step": "claim", "day": "2026-01-01", "amount_minor": 1, "currency": "CNY"}, "policy_forbids"),
        ({"step": "lapse", "effective": "2029-01-01", "reason": "x"}, "policy_forbids"),
        ({"step": "endorse", "effective": TODAY, "removed": ["nobody's"], "reason": "x"}, "policy_forbids"),
    ],
)
def test_what_does_not_follow_is_refused_and_kept_nowhere(world: World, record: dict[str, Any], code: str) -> None:
    policy_id = bind(world, quoted(world, sum_insured_minor=82_000_000)["quote_id"]).json()["policy"]["policy_id"]
    refused = append(world, policy_id, **record)
    assert (refused.status_code, refused.json()["code"]) == (409, code), refused.text
    assert (
        len(world.ask("GET", f"/v1/insurance-policies/{policy_id}", key="insurer-a").json()["policy"]["records"]) == 1
    )


def test_a_quote_on_old_data_holds_no_more(world: World) -> None:
    old = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(world.own, as_of=LONG_AGO)).json()[
        "quote"
    ]
    refused = bind(world, old["quote_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "policy_forbids")
    assert "held until" in refused.json()["detail"]


def test_another_insurer_neither_binds_nor_reads(world: World) -> None:
    quote = quoted(world, sum_insured_minor=83_000_000)
    assert bind(world, quote["quote_id"], key="insurer-b").status_code == 404
    policy_id = bind(world, quote["quote_id"]).json()["policy"]["policy_id"]
    for key in ("insurer-b", "obligor-b"):
        assert world.ask("GET", f"/v1/insurance-policies/{policy_id}", key=key).status_code == 404


def test_a_month_is_billed_by_the_hours_that_telemetry_tells_of(world: World) -> None:
    """Bound as of the telemetry's own days, so that there are hours to bill; June was watched, July was not."""
    body = world.ask(
        "POST",
        "/v1/premium-quotes",
        key="insurer-a",
        json=cover(world.own, **{"as_of": "2026-05-31T16:00:00Z", "from": "2026-06-01", "to": "2027-05-31"}),
    ).json()["quote"]
    with unit_of_work(world.home.engine) as connection:
        row = quotes.load(connection, QuoteId(body["quote_id"]))
        grant(connection, world.own, "insurer-a", Purpose.INSURANCE, now=row.as_of)
        bound = service.bind_quote(connection, world.home, row, by="test", now=row.as_of)
        billed = service.bill(connection, world.home, bound, NOW.date().replace(month=6), by="test", now=NOW)
        facts = billed.records[-1].facts
        assert 0.5 < float(facts["hours"]) / float(facts["expected_hours"]) < 1.5
        assert facts["meter_finding"] == "agrees"
        assert policies.load(connection, bound.policy_id).state.premium_minor == (
            bound.state.premium_minor + facts["due_minor"]
        )
        with pytest.raises(PolicyForbids, match="billed once"):
            service.bill(connection, world.home, billed, NOW.date().replace(month=6), by="test", now=NOW)


def test_a_repair_under_warranty_is_credited_to_equipment_cover(world: World) -> None:
    """Last in this module: once a warranty is bound, every later quote of equipment cover knows it."""
    asked = {"sum_insured_minor": 84_000_000}
    alone = quoted(world, **asked)
    assert alone["warranties"] == []
    days = {"as_of": "2026-05-31T16:00:00Z", "from": "2026-06-01", "to": "2027-05-31"}
    question = cover(world.own, product="extended_warranty", **days)
    warranty = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=question).json()["quote"]
    with unit_of_work(world.home.engine) as connection:
        row = quotes.load(connection, QuoteId(warranty["quote_id"]))
        grant(connection, world.own, "insurer-a", Purpose.INSURANCE, now=row.as_of)
        bound = service.bind_quote(connection, world.home, row, by="test", now=row.as_of)
    beside = quoted(world, **asked)
    assert {held["machine_uid"] for held in beside["warranties"]} == {
        machine["machine_uid"] for machine in beside["machines"]
    }
    (first, *_) = beside["warranties"]
    assert (first["policy_id"], first["from"], first["to"]) == (bound.policy_id, "2026-07-01", "2027-05-31")
    lines = {line["name"]: line["amount_minor"] for line in beside["risk"]}
    before = {line["name"]: line["amount_minor"] for line in alone["risk"]}
    assert lines["attritional"] == before["attritional"]
    credit = (
        (lines["attritional"] + lines["trend"]) * (0.02 / 0.06) * 192 / 365
    )  # a repair of a claim; to the end of May
    assert -lines["warranty_credit"] == pytest.approx(credit, rel=1e-4)
    assert sum(lines.values()) == beside["pure_premium_minor"] < alone["pure_premium_minor"]
    assert beside["filed"] == alone["filed"]
    for language, told in (("zh", Language.ZH), ("en", Language.EN)):
        path = f"/v1/premium-quotes/{beside['quote_id']}/statement?format=html&language={language}"
        page = world.ask("GET", path, key="insurer-a").text
        assert wording(told).say("bill.warranty_credit") in page
