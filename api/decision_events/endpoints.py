"""Reporting over HTTP what became of a decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions.access import require_readable
from api.decision_events import service
from api.decision_events.repository import EventKind
from api.decision_events.schemas import EventAnswer, EventAsked
from api.errors import RoleNotAllowed
from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.keys.principal import Role

REPORTERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/credit-decisions/{decision_id}/events",
    **documented(
        "reportDecisionEvent",
        tag="outcomes",
        summary="Report what became of a recommendation: granted, repaid, defaulted, disputed.",
        roles=REPORTERS,
        answer=EventAnswer,
        status=201,
        problems=(404,),
        body=json_body(EventAsked, "reportDecisionEvent"),
    ),
)
def report_decision_event(decision_id: str, call: Annotated[Call, writing(*REPORTERS)]) -> Response:
    """Report."""
    with call.begin() as work:
        asked = call.parse(EventAsked)
        row = require_readable(work, decision_id)
        _require_allowed(work, asked.kind)
        return work.once(
            lambda: work.plain(
                {
                    "event": service.plain_event(
                        service.keep(
                            work.connection,
                            row,
                            asked.kind,
                            on=asked.happened_on,
                            note=asked.note,
                            by=work.principal.owner,
                            now=work.now,
                        )
                    )
                },
                status=201,
            )
        )


def _require_allowed(work: Work, kind: EventKind) -> None:
    if work.principal.role is Role.OBLIGOR and kind is not EventKind.DISPUTED:
        raise RoleNotAllowed(f"An obligor does not report {kind.value}.", hint="It reports disputes.")
