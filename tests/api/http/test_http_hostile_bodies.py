"""Bodies that break rules: each refused with a problem, none with a 5xx, none with an effect."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import World, consent_to, cover, loan, samples

from api.database.tables import credit_decision, premium_quote
from api.errors import MalformedBody
from api.http.strict_json import MAXIMUM_DEPTH, check_json
from data_contracts.observations.tables import batch

HUGE = "9" * 400
MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "cut_off": b'{"obligor_id": "9199',
    "not_json": b"<a/>",
    "bare_word": b"hello",
    "single_quotes": b"{'a': 1}",
    "trailing_comma": b'{"a": 1,}',
    "comment": b'{"a": 1} // no',
    "two_values": b'{"a": 1} {"b": 2}',
    "nan": b'{"amount_minor": NaN}',
    "infinity": b'{"amount_minor": Infinity}',
    "minus_infinity": b'{"amount_minor": -Infinity}',
    "too_large_for_a_double": b'{"amount_minor": 1e999}',
    "huge_integer": f'{{"amount_minor": {HUGE}}}'.encode(),
    "huger_integer": b'{"amount_minor": ' + b"9" * 60_000 + b"}",
    "member_twice": b'{"obligor_id": "a", "obligor_id": "b"}',
    "member_twice_deep_down": b'{"a": [{"b": 1, "b": 1}]}',
    "too_deep_arrays": b"[" * 30_000,
    "too_deep_objects": b'{"a":' * 10_000,
    "deep_and_closed": b"[" * 40 + b"]" * 40,
    "latin_1": '{"obligor_id": "é"}'.encode("latin-1"),
    "utf_16": '{"obligor_id": "a"}'.encode("utf-16"),
    "byte_order_mark": b'\xef\xbb\xbf{"a": 1}',
    "overlong": b'{"a": "\xc0\x80"}',
    "raw_control_character": b'{"a": "\x01"}',
    "zero_bytes": b"\x00" * 100,
    "leading_zero": b'{"amount_minor": 007}',
    "hexadecimal": b'{"amount_minor": 0x10}',
    "unescaped_quotes": b'{"a": ""b""}',
    "only_quotes": b'"\\"' * 20_000,
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text_for_a_number": ({"amount_minor": "50000000"}, "/amount_minor"),
    "fraction_for_an_integer": ({"amount_minor": 1.5}, "/amount_minor"),
    "whole_float_for_an_integer": ({"amount_minor": 50000000.0}, "/amount_minor"),
    "boolean_for_an_integer": ({"amount_minor": True}, "/amount_minor"),
    "zero": ({"amount_minor": 0}, "/amount_minor"),
    "negative": ({"amount_minor": -1}, "/amount_minor"),
    "beyond_64_bits": ({"amount_minor": 2**70}, "/amount_minor"),
    "null": ({"currency": None}, "/currency"),
    "array_for_a_text": ({"currency": ["CNY"]}, "/currency"),
    "lower_case_currency": ({"currency": "cny"}, "/currency"),
    "newline_after_the_currency": ({"currency": "CNY\n"}, "/currency"),
    "unknown_product": ({"product": "gamble"}, "/product"),
    "unknown_member": ({"limit_minor": 1}, "/limit_minor"),
    "slash_in_a_member": ({"a/b~c": 1}, "/a~1b~0c"),
    "endless_tenor": ({"tenor_months": 10**6}, "/tenor_months"),
    "zone_less_as_of": ({"as_of": "2026-07-01T00:00:00"}, "/as_of"),
    "number_as_as_of": ({"as_of": 1782835200}, "/as_of"),
    "as_of_before_the_epoch": ({"as_of": "0001-01-01T00:00:00+14:00"}, "/as_of"),
    "as_of_at_the_end_of_time": ({"as_of": "9999-12-31T23:59:59-12:00"}, "/as_of"),
    "nul_in_a_code": ({"obligor_id": "91999999MA000100\u0000T"}, "/obligor_id"),
    "script_as_a_code": ({"obligor_id": "<script>alert()"}, "/obligor_id"),
}


def effects(world: World) -> int:
    with world.home.engine.begin() as connection:
        tables = (credit_decision, premium_quote, batch)
        return sum(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables)


def refused(world: World, path: str, key: str, **rest: Any) -> dict[str, Any]:
    before = effects(world)
    answer = world.ask("POST", path, key=key, **rest)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert effects(world) == before
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    return problem


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize(("path", "key"), [("/v1/credit-decisions", "bank-a"), ("/v1/telemetry?mapping=canonical_sample", "gateway-a")])  # fmt: skip
def test_malformed(world: World, name: str, path: str, key: str) -> None:
    body = {"content": MALFORMED[name], "headers": {"Content-Type": "application/json"}}
    problem = refused(world, path, key, **body)
    assert (problem["status"], problem["code"]) == (400, "malformed_body")


@pytest.mark.parametrize("name", WRONG)
def test_wrong_members(world: World, name: str) -> None:
    changes, pointer = WRONG[name]
    problem = refused(world, "/v1/credit-decisions", "bank-a", json=loan(world.own, **changes))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


@pytest.mark.parametrize("body", [[], "text", 5, None, True, [{}]])
def test_no_object(world: World, body: Any) -> None:
    content = json.dumps(body).encode()
    problem = refused(
        world, "/v1/credit-decisions", "bank-a", content=content, headers={"Content-Type": "application/json"}
    )
    assert problem["status"] == 422


def test_a_lone_surrogate(world: World) -> None:
    content = json.dumps(loan(world.own)).replace("CNY", "\\ud800").encode()
    problem = refused(
        world, "/v1/credit-decisions", "bank-a", content=content, headers={"Content-Type": "application/json"}
    )
    assert problem["status"] in {400, 422}


def test_one_byte_too_many(world: World) -> None:
    padding = 64 * 1024 + 1 - len(json.dumps(loan(world.own)))
    content = json.dumps(loan(world.own)).encode() + b" " * padding
    headers = {"Content-Type": "application/json"}
    problem = refused(world, "/v1/credit-decisions", "bank-a", content=content, headers=headers)
    assert (problem["status"], problem["code"]) == (413, "body_too_large")
    whole = world.ask("POST", "/v1/credit-decisions", key="bank-a", content=content[:-1], headers=headers)
    assert whole.status_code == 201


def test_too_many_bytes_of_undeclared_length(world: World) -> None:
    def stream() -> Any:
        for _ in range(9 * 16):
            yield b" " * 64 * 1024

    headers = {"Content-Type": "application/json"}
    problem = refused(world, "/v1/telemetry?mapping=canonical_sample", "gateway-a", content=stream(), headers=headers)
    assert (problem["status"], problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "json"])
def test_another_media_type(world: World, media_type: str) -> None:
    content = json.dumps(loan(world.own)).encode()
    problem = refused(world, "/v1/credit-decisions", "bank-a", content=content, headers={"Content-Type": media_type})
    assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")


def test_compressed(world: World) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = gzip.compress(b" " * 7_000_000 + json.dumps(samples()).encode())
    problem = refused(world, "/v1/telemetry?mapping=canonical_sample", "gateway-a", content=content, headers=headers)
    assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"as_of": "2027-01-01T00:00:00Z"}, 422, "invalid_instant"),
        ({"as_of": "1995-01-01T00:00:00Z"}, 422, "no_parameter_yet"),
        ({"product": "usage_instalment", "tenor_months": 360}, 201, None),
        ({"currency": "XTS"}, 201, None),
    ],
)
def test_what_the_business_says_of_a_loan(world: World, changes: Any, status: int, code: str | None) -> None:
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own, **changes))
    assert (answer.status_code, answer.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"to": "2026-11-30"}, 422, "invalid_request"),
        ({"to": "9999-12-31"}, 422, "invalid_request"),
        ({"currency": "XTS"}, 422, "currency_not_supported"),
        ({"machines": ["91999999MA0001001X/1"]}, 409, "nothing_to_cover"),
    ],
)
def test_what_the_business_says_of_cover(world: World, changes: Any, status: int, code: str) -> None:
    answer = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(world.own, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"recipient": "platform"}, 422, "invalid_consent"),
        ({"purpose": "platform"}, 422, "invalid_consent"),
        ({"recipient": "insurer-a"}, 422, "invalid_consent"),
        ({"recipient": "nobody"}, 404, "not_found"),
        ({"expires_time": "2026-01-01T00:00:00Z"}, 422, "invalid_consent"),
        ({"evidence": "x" * 64}, 422, "invalid_request"),
        ({"streams": []}, 422, "invalid_request"),
    ],
)
def test_what_the_business_says_of_a_consent(world: World, changes: Any, status: int, code: str) -> None:
    answer = world.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(world.own, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("mapping", ["../../etc/passwd", "nope", "", "a" * 65])
def test_a_mapping_is_never_a_path(world: World, mapping: str) -> None:
    answer = world.ask("POST", "/v1/telemetry", key="gateway-a", params={"mapping": mapping}, json=samples())
    assert answer.status_code == 422


def test_a_gateway_sends_no_ledger_and_no_foreign_machine(world: World) -> None:
    ledger = world.ask(
        "POST", "/v1/telemetry", key="gateway-a", params={"mapping": "canonical_delivery"}, json=samples()
    )
    assert (ledger.status_code, ledger.json()["code"]) == (403, "role_not_allowed")
    foreign = world.ask(
        "POST",
        "/v1/telemetry",
        key="gateway-a",
        params={"mapping": "canonical_sample"},
        json=samples(f"{world.other}/1"),
    )
    assert (foreign.status_code, foreign.json()["code"]) == (422, "foreign_machine")


@pytest.mark.parametrize("text", [b"", b"\n", b"machine_uid,event_time", b"a,b\n1,2\n", b"\x00\xff", b"PK\x03\x04"])
def test_hostile_csv(world: World, text: bytes) -> None:
    problem = refused(
        world,
        "/v1/telemetry?mapping=canonical_sample",
        "gateway-a",
        content=text,
        headers={"Content-Type": "text/csv"},
    )
    assert problem["status"] in {400, 422}


@pytest.mark.parametrize("path", ["/v1/obligors/%00", "/v1/credit-decisions/%ed%a0%80", "/v1/consents/" + "x" * 5000])
def test_hostile_names_in_a_path(world: World, path: str) -> None:
    role = "bank-a" if "decisions" in path else "obligor-a"
    assert world.ask("GET", path, key=role).status_code == 404


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "W10",
        "WyJhIl0=",
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
        "\u00e9",
        "W1tbW1s",
        "",
        "WzIzMDU4NDMwMDkyMTM2OTM5NTIsIngiXQ",
    ],
)
def test_hostile_cursors(world: World, cursor: str) -> None:
    answer = world.ask("GET", "/v1/consents", key="obligor-a", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e2", "9" * 30])
def test_hostile_limits(world: World, limit: str) -> None:
    assert world.ask("GET", "/v1/consents", key="obligor-a", params={"limit": limit}).status_code == 422


def test_depth_is_counted_outside_texts_only() -> None:
    check_json(b'["' + b"[" * 100 + b'"]')
    check_json(b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH)
    with pytest.raises(MalformedBody, match="deeper"):
        check_json(b"[" * (MAXIMUM_DEPTH + 1) + b"]" * (MAXIMUM_DEPTH + 1))


def test_a_parameter_that_is_not_known_is_refused(world: World) -> None:
    answer = world.ask("GET", "/v1/consents", key="obligor-a", params={"obligor": world.own, "a/b": "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/obligor", "/query/a~1b"]
