"""Forms as browsers send them: small, urlencoded, from this very site."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

LARGEST_FORM_BYTES = 8 * 1024
MOST_FIELDS = 10
URLENCODED = "application/x-www-form-urlencoded"
SAME_SITE = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site that a form of ours, or a person, sends."""


class InvalidForm(Exception):
    """A form is too large, of another type, or says a field twice."""


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of an urlencoded form. Raises InvalidForm."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != URLENCODED:
        raise InvalidForm("not an urlencoded form")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM_BYTES:
            raise InvalidForm("the form is too large")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidForm("the form cannot be decoded") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidForm("a field is said twice")
    return fields


def is_same_origin(request: Request) -> bool:
    """Whether a request comes from a page of this site, as far as the browser says where it comes from."""
    if request.headers.get("sec-fetch-site", "none") not in SAME_SITE:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
