"""What an operation says of itself in OpenAPI: who may call it, what it takes, what it answers, what can go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import JSONResponse, Response

from api.errors import PLACES
from api.http.call import JSON
from api.http.observe import REQUEST_ID_HEADER
from api.http.problem import PROBLEM_JSON, Problem
from api.keys.principal import Role

REFERENCE = "#/components/schemas/{model}"
ALWAYS = (401, 403, 422, 500, 503)
"""Statuses that any operation with a key may answer."""

WITH_BODY = (400, 409, 413, 415)


def documented(
    operation_id: str,
    *,
    tag: str,
    summary: str,
    roles: Iterable[Role],
    answer: type[BaseModel] | None,
    status: int = 200,
    problems: Iterable[int] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Arguments of a route: its stable operation id, its answer with an example, and every status it can give. Without
    an `answer` it gives a paper."""
    statuses = sorted({*ALWAYS, *problems, *(WITH_BODY if body else ())})
    extra: dict[str, Any] = {"x-roles": sorted(role.value for role in roles)}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "operation_id": operation_id,
        "tags": [tag],
        "summary": summary,
        "status_code": status,
        "response_model": None,
        "response_class": JSONResponse if answer is not None else Response,
        "responses": {
            status: {"description": "The answer.", "headers": _HEADERS, **_content(answer)},
            **{code: problem_response(code) for code in statuses},
        },
        "openapi_extra": extra,
    }


def json_body(shape: type[BaseModel], operation_id: str) -> dict[str, Any]:
    """A request body of JSON, with an example."""
    schema = shape.model_json_schema(ref_template=REFERENCE)
    return {JSON: {"schema": schema, "example": example(f"{operation_id}.request")}}


def problem_response(status: int) -> dict[str, Any]:
    """How a status that tells of an error is documented."""
    titles = sorted({place.title for place in PLACES.values() if place.status == status})
    return {
        "description": "; ".join(titles) + ".",
        "headers": _HEADERS,
        "content": {PROBLEM_JSON: {"schema": {"$ref": REFERENCE.format(model="Problem")}}},
    }


def example(name: str) -> Any:
    """A request, or a true answer with its long lists shortened, as kept beside this file."""
    return json.loads((files("api.http") / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The app's OpenAPI document, with the schemas that only bodies and problems refer to."""
    shared = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    document = deepcopy(shared)  # parts of it are the routes' own and must not change with the copy handed out
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, problem = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE)
    schemas.update(problem["$defs"])
    for operation in (item for path in document["paths"].values() for item in path.values()):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schemas.update(content["schema"].pop("$defs", {}))
        for code, response in operation["responses"].items():
            if code < "300" and "security" in operation and JSON in response["content"]:
                # Set here because FastAPI drops what is null in an example.
                response["content"][JSON]["example"] = example(operation["operationId"])
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


_HEADERS = {
    REQUEST_ID_HEADER: {"description": "Names this request in logs.", "schema": {"type": "string"}, "required": True}
}
_PAPER_TYPES = ("application/pdf", "text/html")


def _content(answer: type[BaseModel] | None) -> dict[str, Any]:
    """What an operation answers with: an object, or a paper."""
    if answer is not None:
        return {"model": answer}
    return {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _PAPER_TYPES}}
