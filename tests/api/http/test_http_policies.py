"""The life of a policy over HTTP: bound from a quote, claimed, endorsed, lapsed; and what does not follow."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_world import NOW, World, cover, grant

from api import cli
from api.consents.repository import OBLIGOR_GRANTED, PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.insurance_policies import payouts, service
from api.insurance_policies import repository as policies
from api.insurance_policies.held import industries
from api.models.service import scoring_parameters
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import ObligorId, QuoteId
from data_contracts.reference.dated import ParameterBook
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


def idle_policy(world: World, firm: str, key: str) -> str:
    """An idle cover of June 2026, bound as of the telemetry's own days."""
    asked = {"product": "idle_cover", "as_of": "2026-05-31T16:00:00Z", "from": "2026-06-01", "to": "2026-06-30"}
    body = world.ask("POST", "/v1/premium-quotes", key=key, json=cover(firm, **asked)).json()["quote"]
    with unit_of_work(world.home.engine) as connection:
        row = quotes.load(connection, QuoteId(body["quote_id"]))
        grant(connection, ObligorId(firm), row.partner_id, Purpose.INSURANCE, now=row.as_of)
        return service.bind_quote(connection, world.home, row, by="test", now=row.as_of).policy_id


def test_a_season_without_a_cluster_is_refused_and_kept_nowhere(world: World) -> None:
    policy_id = idle_policy(world, world.own, "insurer-a")
    for record, status, told in (
        ({"step": "settle_season"}, 422, "other firms"),
        ({"step": "decide_payout", "is_paid": True, "reason": "x"}, 409, "not settled"),
        (
            {"step": "announce_shutdown", "from": "2026-06-10", "to": "2026-06-12", "reason": "x"},
            409,
            "before it begins",
        ),
    ):
        refused = append(world, policy_id, **record)
        assert refused.status_code == status, refused.text
        assert told in refused.text
    told = world.ask("GET", f"/v1/insurance-policies/{policy_id}", key="insurer-a").json()["policy"]
    assert (len(told["records"]), told["payout"]) == (1, None)


def test_a_season_is_settled_with_its_evidence_and_read_over_http_and_on_paper(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Held against one other firm, at a trigger of the whole reference and an exit of none of it, so that it pays."""
    with unit_of_work(world.home.engine) as connection:
        division = industries(connection, world.home, as_of=NOW)
        firm = next(name for name in sorted(division) if [*division.values()].count(division[name]) == 2)
        for recipient, purpose in ((PLATFORM, Purpose.PLATFORM), ("insurer-a", Purpose.INSURANCE)):
            grant(connection, ObligorId(firm), recipient, purpose, mark=OBLIGOR_GRANTED)
            grant(connection, ObligorId(firm), recipient, purpose)
    policy_id = idle_policy(world, firm, "insurer-a")
    book = scoring_parameters()
    terms = book.at(NOW)["insurance_covers"] | {}
    terms["idle_cover"] = terms["idle_cover"] | {"trigger_share": 1.0, "exit_share": 0.0}
    changed = {
        "insurance_covers": terms,
        "insurance_settlement": {"fewest_firms": 1, "reference_years": 1, "staged_score_limit": 5.0},
    }
    held = {
        name: replace(own, values=dict.fromkeys(own.values, changed[name])) if name in changed else own
        for name, own in book.parameters.items()
    }
    lenient = book.with_those_of(ParameterBook(parameters=held, version=book.version), list(changed))
    with unit_of_work(world.home.engine) as connection:
        kept = policies.load(connection, policy_id, for_update=True)
        settled = payouts.settle_season(connection, world.home, kept, by="test", now=NOW, parameters=lenient)
        facts = settled.records[-1].facts
    bill = facts["statement"]
    assert bill["gross_minor"] - bill["deductible_minor"] - bill["above_lost_minor"] == bill["payout_minor"]
    assert bill["days_counted"] + bill["days_holiday"] + bill["days_unknown"] == 30
    assert facts["watched_share"] > 0.5
    told = world.ask("GET", f"/v1/insurance-policies/{policy_id}", key="insurer-a").json()["policy"]["payout"]
    assert told["outcome"] == facts["outcome"]
    assert [facts["evidence"] in "".join(told["statement"][name]) for name in ("zh", "en")] == [True, True]
    for words in (
        ["policy", "show", policy_id],
        ["report", "payout_statement", policy_id, "--out", str(tmp_path / "payout.html")],
    ):
        monkeypatch.setattr(sys, "argv", ["millgrade", *words, "--home", str(world.home.root), "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        assert not ended.value.code
    assert facts["evidence"] in (tmp_path / "payout.html").read_text(encoding="utf-8")


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
