"""Errors as RFC 9457 problems, from the one table in `api.errors`."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.errors import (
    DatabaseDamaged,
    DatabaseUnavailable,
    InvalidBody,
    MethodNotAllowed,
    RequestInFlight,
    Unauthenticated,
    code_of,
    place_of,
)
from data_contracts.errors import InputError, MillgradeError, NotFound

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 1


class Fault(BaseModel):
    """One member of the request that cannot be used."""

    model_config = ConfigDict(extra="forbid")

    pointer: str = Field(description="JSON pointer into the body, or `/query/<name>`, `/header/<name>`, `/path/<name>`")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="`/problems/<code>`", examples=["/problems/not_found"])
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str = Field(description="stable across releases", examples=["not_found"])
    hint: str = Field(description="the way out, empty where there is none")
    request_id: str
    errors: list[Fault]


def problem_of(error: Exception, scope: Scope) -> Response:
    """The answer that tells of `error`."""
    kind = type(error)
    place = place_of(kind)
    message, hint = (error.message, error.hint) if isinstance(error, MillgradeError) else ("", "")
    faults = error.faults if isinstance(error, InvalidBody) else ()
    body = {
        "type": f"/problems/{code_of(kind)}",
        "title": place.title,
        "status": place.status,
        "detail": message if place.detail is None else place.detail,
        "code": code_of(kind),
        "hint": hint if place.hint is None else place.hint,
        "request_id": scope.get("state", {}).get("request_id", ""),
        "errors": [{"pointer": pointer, "message": message} for pointer, message in faults],
    }
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", errors="backslashreplace")
    return Response(content, status_code=place.status, media_type=PROBLEM_JSON, headers=_headers(error, place.status))


def problem_of_failure(error: Exception, scope: Scope) -> Response:
    """The answer where a request failed of what no handler names: a damaged database is told as such, nothing else is.

    A handler for the database's error would stand for all its subclasses, statements of ours that are wrong among them.
    """
    if type(error) is sa.exc.DatabaseError:
        error = DatabaseDamaged(
            "The database is damaged: nothing of this request was kept.",
            hint="The operator looks with: millgrade doctor, and restores a backup.",
        )
    return problem_of(error, scope)


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error of the app answered as a problem. What is no named error is answered by the middleware."""

    def named(request: Request, error: Exception) -> Response:
        return problem_of(error, request.scope)

    def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_of(invalid_request(list(error.errors())), request.scope)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _of_http(error, request.scope)

    def database(request: Request, error: Exception) -> Response:
        del error  # its message shows the statement and its values
        told = DatabaseUnavailable("The database did not answer in time.", hint="Ask again in a moment.")
        return problem_of(told, request.scope)

    app.add_exception_handler(MillgradeError, named)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(sa.exc.OperationalError, database)
    app.add_exception_handler(sa.exc.TimeoutError, database)


def invalid_request(errors: list[Any]) -> InvalidBody:
    """What pydantic found wrong, as pointers and messages; the values themselves are not repeated."""
    faults = tuple((pointer_to(item["loc"]), str(item["msg"]).removeprefix("Value error, ")) for item in errors)
    first = faults[0]
    return InvalidBody(
        f"{len(faults)} member(s) of the request cannot be used; the first is {first[0] or 'the body'}: {first[1]}.",
        faults=faults,
        hint="docs/api.md and openapi.json say what each member must be.",
    )


def _of_http(error: HTTPException, scope: Scope) -> Response:
    named: MillgradeError
    match error.status_code:
        case 404:
            named = NotFound("There is no such path.")
        case 405:
            named = MethodNotAllowed(f"{scope['method']} is not allowed on this path.", hint="See the Allow header.")
        case _:
            named = InputError(str(error.detail))
    response = problem_of(named, scope)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _headers(error: Exception, status: int) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="millgrade"'}
    if status == 503 or isinstance(error, RequestInFlight):
        return {"Retry-After": str(RETRY_SECONDS)}
    return {}


def pointer_to(place: tuple[str | int, ...]) -> str:
    """The JSON pointer to a place in a request; the body itself is the root."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in place if part != "body"]
    return "".join(f"/{part}" for part in parts)
