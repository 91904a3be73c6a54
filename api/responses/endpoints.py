"""What a bank and its borrower do about a loan in trouble: steps, appeals, hardships, and what may be done next."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions.access import require_readable
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.keys.principal import Role
from api.responses import service
from api.responses.schemas import CourseAnswer, ResponseTold

SIDES = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/credit-decisions/{decision_id}/responses",
    **documented(
        "tellResponse",
        tag="responses",
        summary="Take a step, appeal, answer an appeal, ask for or grant a window of hardship.",
        roles=SIDES,
        answer=CourseAnswer,
        status=201,
        problems=(404,),
        body=json_body(ResponseTold, "tellResponse"),
    ),
)
def tell_response(decision_id: str, call: Annotated[Call, writing(*SIDES)]) -> Response:
    """One event."""
    with call.begin() as work:
        asked = call.parse(ResponseTold)
        row = require_readable(work, decision_id)
        work.looked(row.obligor_id, "response")
        return work.once(lambda: _tell(work, row, asked))


@router.get(
    "/v1/credit-decisions/{decision_id}/responses",
    **documented(
        "getResponses",
        tag="responses",
        summary="Everything that was done about a loan in trouble, and what may be done next.",
        roles=SIDES,
        answer=CourseAnswer,
        problems=(404,),
    ),
)
def get_responses(decision_id: str, call: Annotated[Call, reading(*SIDES)]) -> Response:
    """The course."""
    with call.begin() as work:
        row = require_readable(work, decision_id)
        work.looked(row.obligor_id, "response")
        return work.answer({"course": service.course(work.connection, row, now=work.now)})


def _tell(work: Work, row: sa.Row[Any], asked: ResponseTold) -> Answer:
    service.tell(work.connection, row, asked.event, role=work.principal.role, now=work.now)
    return work.plain({"course": service.course(work.connection, row, now=work.now)}, status=201)
