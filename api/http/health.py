"""Whether the process lives, whether it can serve, and its metrics: open, for a loopback or a private network."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.database.migrate import current_revision, head_revision
from api.errors import DatabaseUnavailable
from api.http.documents import problem_response
from api.http.shapes import Told
from api.http.wiring import doors_of

router = APIRouter(tags=["health"])


class HealthAnswer(Told):
    """How the service is."""

    status: Literal["live", "ready"]


_ANSWER: dict[str, Any] = {"model": HealthAnswer, "description": "It is."}


@router.head("/livez", include_in_schema=False)
@router.get("/livez", operation_id="getLiveness", summary="The process lives.", responses={200: _ANSWER})
def get_liveness() -> HealthAnswer:
    """Answers as long as anything can."""
    return HealthAnswer(status="live")


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="The database answers and stands at this release's revision.",
    responses={200: _ANSWER, 503: problem_response(503)},
)
def get_readiness(request: Request) -> HealthAnswer:
    """Looks at the database without waiting for its writers. Raises DatabaseUnavailable."""
    engine = doors_of(request.app).home.engine
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            revision = current_revision(connection)
    except sa.exc.SQLAlchemyError:
        raise DatabaseUnavailable("The database does not answer.") from None
    if revision != head_revision():
        raise DatabaseUnavailable(
            f"The database stands at revision {revision}, not {head_revision()}.", hint="Run: millgrade migrate"
        )
    return HealthAnswer(status="ready")


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Counters in the text format of Prometheus.",
    response_class=Response,
    responses={200: {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(request: Request) -> Response:
    """What was counted since the process began."""
    return Response(doors_of(request.app).metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
