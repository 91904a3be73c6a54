"""Pledges over HTTP: who sees which, and what a second lender learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from http_world import OBLIGOR_GRANTED, World, grant, make_bare_world, withdraw_all

from api.consents.repository import Purpose


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which `own` consents to both banks."""
    made = make_bare_world(tmp_path_factory.mktemp("pledges"))
    with made.home.engine.begin() as connection:
        for mark in ("operator_declared", OBLIGOR_GRANTED):
            grant(connection, made.own, "bank-b", Purpose.CREDIT, mark=mark)
    yield made
    made.close()


def invoice(**changes: Any) -> dict[str, Any]:
    item = {
        "kind": "invoice", "buyer_id": "B-7", "number": "IN-0042", "amount_minor": 1_000_000, "currency": "CNY",
        "issued_on": "2026-11-18",
    }  # fmt: skip
    return {**item, **changes}


def pledge(world: World, *items: dict[str, Any], key: str = "bank-a") -> dict[str, Any]:
    answer = world.ask("POST", "/v1/pledges", key=key, json={"obligor_id": world.own, "items": list(items)})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["pledge"]
    return told


def test_a_second_lender_learns_of_the_collision_and_sees_nothing_of_the_first(shared: World) -> None:
    first = pledge(shared, invoice())
    second = pledge(shared, invoice(number="in 42/1", amount_minor=500_000), key="bank-b")
    assert second["status"] == "refused"
    assert second["items"] == [
        {
            "kind": "invoice", "collisions": ["same_invoice"], "likenesses": [],
            "narrative": {"zh": ["该发票或其一部分已被质押。"], "en": ["The invoice, or a part of it, is pledged already."]},
        }
    ]  # fmt: skip
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/confirmation")):
        body = {"json": {}} if method == "POST" else {}
        answer = shared.ask(method, f"/v1/pledges/{first['pledge_id']}{path}", key="bank-b", **body)
        assert answer.status_code == 404
    listed = shared.ask("GET", "/v1/pledges", key="bank-b").json()["data"]
    assert [item["pledge_id"] for item in listed] == [second["pledge_id"]]
    theirs = shared.ask("GET", "/v1/pledges", key="obligor-a").json()["data"]
    assert sorted(item["partner"] for item in theirs) == ["bank-a", "bank-b"]
    assert shared.ask("GET", "/v1/pledges", key="live-obligor-a").json()["data"] == []


def test_pages(shared: World) -> None:
    made = [pledge(shared, invoice(number=f"A-{number}00", buyer_id=f"B-{number}"))["pledge_id"] for number in range(3)]
    seen, cursor = [], None
    while True:
        asked = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = shared.ask("GET", "/v1/pledges", key="bank-a", params=asked).json()
        seen += [item["pledge_id"] for item in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == sorted(made)  # reserved at one instant, so in the order of their names


def test_with_the_consent_goes_everything_but_setting_free(shared: World) -> None:
    told = pledge(shared, invoice())
    withdraw_all(shared, recipient="bank-a")
    path = f"/v1/pledges/{told['pledge_id']}"
    assert shared.ask("GET", path, key="bank-a").status_code == 404
    assert shared.ask("POST", f"{path}/confirmation", key="bank-a", json={}).status_code == 404
    assert shared.ask("DELETE", path, key="bank-a").json()["pledge"]["status"] == "released"
    assert pledge(shared, invoice(), key="bank-b")["status"] == "reserved"


def test_a_likeness_is_confirmed_with_a_review(shared: World) -> None:
    pledge(shared, invoice())
    told = pledge(shared, invoice(number="ZZ-9"), key="bank-b")
    assert (told["status"], told["items"][0]["likenesses"]) == ("reserved", ["near_invoice"])
    path = f"/v1/pledges/{told['pledge_id']}/confirmation"
    answer = shared.ask("POST", path, key="bank-b", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "pledge_not_reviewed")
    answer = shared.ask("POST", path, key="bank-b", json={"review": "Two deliveries; both notes seen."})
    assert answer.json()["pledge"]["status"] == "confirmed"
    shared.ask("DELETE", f"/v1/pledges/{told['pledge_id']}", key="bank-b")
    answer = shared.ask("POST", path, key="bank-b", json={"review": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "pledge_not_standing")


@pytest.mark.parametrize(
    "item",
    [
        invoice(number="--/--"),
        invoice(amount_minor=0),
        invoice(issued_on="18.11.2026"),
        {"kind": "machine_hours", "machine_uid": "91999999MA0009998R/1", "starts": "2026-11-01T08:00:00+08:00", "ends": "2026-11-01T09:00:00+08:00"},
        {"kind": "boat"},
    ],
)  # fmt: skip
def test_what_cannot_be_pledged(shared: World, item: dict[str, Any]) -> None:
    answer = shared.ask("POST", "/v1/pledges", key="bank-a", json={"obligor_id": shared.own, "items": [item]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_the_key_is_its_owners_alone(shared: World) -> None:
    pledge(shared, invoice())
    (file,) = shared.home.pledges.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
