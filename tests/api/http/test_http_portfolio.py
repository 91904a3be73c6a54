"""A bank's book over HTTP: of those who consent to it, said to be synthetic, and never to a live key."""

from __future__ import annotations

from typing import Any

from http_world import World


def report(world: World, key: str, body: dict[str, Any]) -> Any:
    return world.ask("POST", "/v1/portfolio-reports", key=key, json=body)


def test_a_bank_reads_its_book(world: World) -> None:
    answer = report(world, "bank-a", {"as_of": "2026-07-01T00:00:00+08:00"})
    assert answer.status_code == 201, answer.text
    told = answer.json()["portfolio"]
    assert (told["partner_id"], told["rests_on"]["obligors"], told["data_origin"]) == ("bank-a", 1, "synthetic")
    for name in ("by_product", "by_grade", "by_industry", "limits"):
        assert sum(line["outstanding_minor"] for line in told[name]) == told["whole"]["outstanding_minor"]
    assert {line["obligor_id"] for line in told["limits"]} <= {world.own}
    nobody = report(world, "bank-a", {"as_of": "2026-07-01T00:00:00+08:00", "lender_id": "no such bank"}).json()
    assert nobody["portfolio"]["whole"]["facilities"] == 0


def test_a_live_key_reads_no_synthetic_book(world: World) -> None:
    answer = report(world, "live-bank-a", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "data_not_for_live")


def test_nothing_is_known_of_the_future(world: World) -> None:
    assert report(world, "bank-a", {"as_of": "2031-01-01T00:00:00Z"}).status_code == 422
