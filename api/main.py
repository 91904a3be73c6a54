"""The HTTP app: every resource's doors on one home, with what surrounds each request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TextIO

from fastapi import FastAPI
from starlette.responses import Response

from api.chain import endpoints as chain
from api.consents import endpoints as consents
from api.covenants import endpoints as covenants
from api.credit_decisions import endpoints as credit_decisions
from api.decision_events import endpoints as decision_events
from api.exposure import endpoints as exposure
from api.funds import endpoints as funds
from api.gateways import endpoints as gateways
from api.governance import endpoints as governance
from api.group_commit import GroupCommit
from api.home import Home
from api.http import health
from api.http.documents import openapi_of
from api.http.limits import LimitBody, Limits, LimitTime
from api.http.logs import make_logger
from api.http.metrics import Metrics
from api.http.observe import Observe
from api.http.problem import add_problem_handlers
from api.http.wiring import Doors, set_doors
from api.insurance_book import endpoints as insurance_book
from api.insurance_policies import endpoints as insurance_policies
from api.jobs import endpoints as jobs
from api.leases import endpoints as leases
from api.machines import endpoints as machines
from api.matching import endpoints as matching
from api.monitor import endpoints as monitor
from api.obligors import endpoints as obligors
from api.overrides import endpoints as overrides
from api.pledges import endpoints as pledges
from api.portal import endpoints as portal
from api.portfolio import endpoints as portfolio
from api.premium_quotes import endpoints as premium_quotes
from api.recourse import endpoints as recourse
from api.responses import endpoints as responses
from api.scores import endpoints as scores
from api.telemetry import endpoints as telemetry
from api.usage_statements import endpoints as usage_statements
from api.watch import endpoints as watch
from scoring.canonical import canonical_bytes

VERSION = "1"
DESCRIPTION = (
    "Production-data credit scoring and usage-based premiums. Millgrade recommends to licensed institutions; "
    "it never moves money. docs/api.md explains keys, idempotency, paging, consents and every problem."
)
RESOURCES = (
    credit_decisions,
    covenants,
    responses,
    overrides,
    decision_events,
    monitor,
    governance,
    recourse,
    premium_quotes,
    insurance_policies,
    obligors,
    scores,
    machines,
    telemetry,
    gateways,
    consents,
    pledges,
    chain,
    funds,
    matching,
    portfolio,
    exposure,
    insurance_book,
    jobs,
    leases,
    usage_statements,
    watch,
    health,
)


def create_app(
    home: Home,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    limits: Limits | None = None,
    log_stream: TextIO = sys.stderr,
) -> FastAPI:
    """The app on an opened home: the API under `/v1`, the manufacturer's page under `/portal`, health and metrics."""
    doors = Doors(
        home=home,
        intake=GroupCommit(home),
        receipts=GroupCommit(home, admits=False),
        clock=clock,
        limits=limits or Limits(),
        metrics=Metrics(),
        logger=make_logger(log_stream),
    )
    app = _routed()
    set_doors(app, doors)
    add_problem_handlers(app)
    portal.mount(app, home, clock=clock)
    app.add_middleware(LimitBody, limits=doors.limits)
    app.add_middleware(LimitTime, limits=doors.limits)
    app.add_middleware(Observe, metrics=doors.metrics, logger=doors.logger)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the API; `docs/openapi.json` is this."""
    return openapi_of(_routed())


@cache
def _document_bytes() -> bytes:
    return canonical_bytes(openapi_document())


def _routed() -> FastAPI:
    """The documented routes, without anything to serve them from."""
    app = FastAPI(
        title="Millgrade",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # its redirects would name the Host that the caller sent
    )
    for resource in RESOURCES:
        app.include_router(resource.router)

    @app.get("/openapi.json", include_in_schema=False, name="openapi")
    def openapi() -> Response:
        return Response(_document_bytes(), media_type="application/json")

    return app
