"""What is due of instalments by use, for the bank that lent and the obligor that owes."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions.access import require_readable
from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role
from api.usage_statements import service
from api.usage_statements.schemas import StatementAnswer, StatementAsked

ASKERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/credit-decisions/{decision_id}/usage-statements",
    **documented(
        "createUsageStatement",
        tag="after the loan",
        summary="Bill instalments by use month by month from what the financed machines told.",
        roles=ASKERS,
        answer=StatementAnswer,
        status=201,
        problems=(404,),
        body=json_body(StatementAsked, "createUsageStatement"),
    ),
)
def create_usage_statement(decision_id: str, call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Bill."""
    with call.begin() as work:
        asked = call.parse(StatementAsked)
        row = require_readable(work, decision_id)
        work.looked(row.obligor_id, "usage_statement")
        return work.once(lambda: _billed(work, row, asked))


def _billed(work: Work, row: sa.Row[Any], asked: StatementAsked) -> Answer:
    as_of = require_past(asked.as_of, now=work.now) or work.now
    told = service.statement(work.connection, work.home, row, asked, as_of=as_of, livemode=work.principal.livemode)
    return work.plain({"statement": told}, status=201)
