"""JSON read strictly: UTF-8, no NaN or Infinity, no member twice, no nesting that could exhaust a stack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from api.errors import MalformedBody
from api.http.problem import invalid_request
from data_contracts.errors import InputError

MAXIMUM_DEPTH = 16
MAXIMUM_DIGITS = 40
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
BRACKET = re.compile(r"[\[\]{}]")

Shape = TypeVar("Shape", bound=BaseModel)


def parse_body(body: bytes, shape: type[Shape]) -> Shape:
    """The body as `shape`, types strictly as declared. Raises MalformedBody, or InvalidBody with a pointer each."""
    check_json(body)
    try:
        return shape.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False, include_context=False)) from None


def parse_file(path: Path, shape: type[Shape]) -> Shape:
    """A file's content as a body would be read. Raises InputError where it cannot be read, and as `parse_body` does."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Name a JSON file.") from error
    return parse_body(content, shape)


def check_json(body: bytes) -> None:
    """Raises MalformedBody unless the body is strict JSON."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is no UTF-8") from None
    _check_depth(text)
    try:
        json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_short_int, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise _malformed(getattr(error, "msg", None) or str(error)) from None


def _check_depth(text: str) -> None:
    """Count brackets outside strings, so that nothing recursive ever sees a text that is nested too deep."""
    depth = 0
    for bracket in BRACKET.finditer(STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAXIMUM_DEPTH:
            raise _malformed(f"it nests deeper than {MAXIMUM_DEPTH}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _short_int(digits: str) -> int:
    if len(digits) > MAXIMUM_DIGITS:
        raise ValueError(f"a number has more than {MAXIMUM_DIGITS} digits")
    return int(digits)


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large for a double")
    return value


def _malformed(why: str) -> MalformedBody:
    return MalformedBody(f"The body is no strict JSON: {why}.", hint="RFC 8259, UTF-8, each member once, no NaN.")
