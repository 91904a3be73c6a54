"""Canonical JSON: of a whole object, and put together of its members."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.canonical import bytes_of_members, canonical_bytes, canonical_members

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(st.dictionaries(st.text(), VALUES))
def test_an_object_is_its_members(plain: dict[str, Any]) -> None:
    assert bytes_of_members(canonical_members(plain)) == canonical_bytes(plain)
    assert json.loads(canonical_bytes(plain)) == plain


def test_keys_are_sorted_and_nothing_is_escaped_that_need_not_be() -> None:
    assert canonical_bytes({"b": [1.0, "额"], "a": None}) == '{"a":null,"b":[1.0,"额"]}'.encode()


@pytest.mark.parametrize("spell", [canonical_bytes, canonical_members])
def test_what_json_cannot_say_is_an_error(spell: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        spell({"a": float("nan")})
