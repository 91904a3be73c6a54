"""Pages neither skip nor repeat, in every list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from http_world import World, consent_to, grant, make_world, samples

from api.consents.repository import Purpose
from api.obligors.repository import all_ids


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Six firms that all consent to bank-a, and some consents more."""
    made = make_world(tmp_path_factory.mktemp("paging"))
    with made.home.engine.begin() as connection:
        for firm in all_ids(connection):
            grant(connection, firm, "bank-a", Purpose.CREDIT)
    for _ in range(5):
        made.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(made.own))
    for _ in range(4):
        made.ask("GET", f"/v1/obligors/{made.own}/score", key="bank-a")
    yield made
    made.close()


def test_a_name_with_wide_spaces_can_be_paged_past(many: World) -> None:
    asked = {"params": {"mapping": "canonical_sample"}, "json": samples("aa\u3000一号")}
    assert many.ask("POST", "/v1/telemetry", key="gateway-a", **asked).status_code == 201
    pages = walk(many, f"/v1/obligors/{many.own}/machines", "obligor-a", 1)
    assert any("\u3000" in page[0]["machine_uid"] for page in pages)


def walk(world: World, path: str, key: str, limit: int) -> list[list[dict[str, Any]]]:
    pages, cursor = [], None
    while True:
        parameters = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = world.ask("GET", path, key=key, params=parameters).json()
        pages.append(answer["data"])
        cursor = answer["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v1/obligors", "bank-a"),
        ("/v1/obligors", "operator-a"),
        ("/v1/consents", "obligor-a"),
        ("/v1/consents", "operator-a"),
        ("/v1/consents?obligor_id={own}", "bank-a"),
        ("/v1/obligors/{own}/machines", "obligor-a"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_add_up_to_the_whole(many: World, path: str, key: str, limit: int) -> None:
    path = path.format(own=many.own)
    (whole,) = walk(many, path, key, 100)
    pages = walk(many, path, key, limit)
    assert [item for page in pages for item in page] == whole
    assert len(whole) > 3
    assert all(len(page) == limit for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_the_access_log_is_newest_first_and_in_pages(many: World) -> None:
    path = f"/v1/obligors/{many.own}/access-log"
    many.ask("GET", f"/v1/obligors/{many.own}/explanation", key="bank-a")
    (whole,) = walk(many, path, "obligor-a", 100)
    assert [item for page in walk(many, path, "obligor-a", 3) for item in page] == whole
    assert whole[0]["what"] == "explanation"


def test_a_cursor_of_another_list_is_refused(many: World) -> None:
    cursor = many.ask("GET", "/v1/consents", key="obligor-a", params={"limit": 1}).json()["next_cursor"]
    answer = many.ask("GET", "/v1/obligors", key="bank-a", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
