"""Whether a loan went where it was agreed to go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.funds import service
from api.funds.schemas import FundsAnswer, FundsAsked
from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role

ASKERS = (Role.BANK,)

router = APIRouter()


@router.post(
    "/v1/use-of-funds",
    **documented(
        "createUseOfFunds",
        tag="supply chain",
        summary="Hold a loan's payments against what was agreed, what was delivered, bought, and set to work.",
        roles=ASKERS,
        answer=FundsAnswer,
        status=201,
        problems=(404,),
        body=json_body(FundsAsked, "createUseOfFunds"),
    ),
)
def create_use_of_funds(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Reconcile."""
    with call.begin() as work:
        asked = call.parse(FundsAsked)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        work.looked(owner, "use_of_funds")
        return work.once(lambda: _reconcile(work, asked))


def _reconcile(work: Work, asked: FundsAsked) -> Answer:
    as_of = require_past(asked.as_of, now=work.now) or work.now
    found = service.use_of_funds(work.connection, work.home, asked, as_of=as_of, livemode=work.principal.livemode)
    return work.plain({"use_of_funds": found}, status=201)
