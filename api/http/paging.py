"""Pages by cursor: a cursor names the place after the last item, so that pages neither skip nor repeat."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.database.text import is_storable
from api.errors import InvalidCursor

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 100
LARGEST_NUMBER = 10**16
"""Of a cursor: as microseconds, the year 2286."""

Limit = Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT, description="Items of a page.")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="`next_cursor` of the page before; leave it out for the first.")
]

Item = TypeVar("Item")
Place = list[str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some items as answered, and the cursor of the next page (None at the end)."""

    data: list[dict[str, Any]]
    next_cursor: str | None


def page_of(
    items: Sequence[Item], *, limit: int, place: Callable[[Item], Place], plain: Callable[[Item], dict[str, Any]]
) -> Page:
    """The first `limit` of `items`, of which one more was fetched where there is one."""
    shown = items[:limit]
    following = encode_cursor(place(shown[-1])) if len(items) > limit else None
    return Page(data=[plain(item) for item in shown], next_cursor=following)


def encode_cursor(place: Place) -> str:
    """A cursor that `decode_cursor` reads."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *shape: type[str] | type[int]) -> Place | None:
    """The place that a cursor names: values of the types in `shape`. Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place: Place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _invalid() from None
    is_place = isinstance(place, list) and len(place) == len(shape)
    if not is_place or not all(_fits(value, kind) for value, kind in zip(place, shape, strict=True)):
        raise _invalid()
    return place


def _fits(value: object, kind: type) -> bool:
    if kind is int:
        return type(value) is int and 0 <= value <= LARGEST_NUMBER
    return isinstance(value, str) and is_storable(value)


def _invalid() -> InvalidCursor:
    return InvalidCursor("The cursor is none that this operation gave.", hint="Send next_cursor as it was answered.")
