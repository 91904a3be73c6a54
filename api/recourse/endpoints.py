"""What an obligor can do about a decision: read by it and by its bank; plans that are done are reported here.

A search takes longer than a request may: a worker does it (`api.jobs`), or `millgrade recourse`.
"""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions import access
from api.database.text import is_storable
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role
from api.recourse import repository as offers
from api.recourse import service
from api.recourse.schemas import CompletionRequest, OfferAnswer, RescoreAnswer
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId

READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.get(
    "/v1/credit-decisions/{decision_id}/recourse",
    **documented(
        "getRecourse",
        tag="credit decisions",
        summary="What the obligor can do about a recommendation: dated plans, as a signed offer.",
        roles=READERS,
        answer=OfferAnswer,
        problems=(404,),
    ),
)
def get_recourse(decision_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """The latest offer about a decision."""
    with call.begin() as work:
        row = access.require_readable(work, decision_id)
        work.looked(row.obligor_id, "recourse")
        offer = offers.latest_of(work.connection, DecisionId(row.decision_id))
        return work.answer({"offer": service.told(work.connection, offer)})


@router.post(
    "/v1/recourse-offers/{offer_id}/completions",
    **documented(
        "createRecourseCompletion",
        tag="credit decisions",
        summary="Report a plan done: the obligor is looked at again, under the terms of the offer.",
        roles=READERS,
        answer=RescoreAnswer,
        status=201,
        problems=(404,),
        body=json_body(CompletionRequest, "createRecourseCompletion"),
    ),
)
def create_recourse_completion(offer_id: str, call: Annotated[Call, writing(*READERS)]) -> Response:
    """Decide again for a plan that is done."""
    with call.begin() as work:
        asked = call.parse(CompletionRequest)
        if not is_storable(offer_id):
            raise NotFound(f"No offer {offer_id!r} is stored here.")
        offer = offers.load(work.connection, offer_id)
        row = access.require_readable(work, offer.decision_id)
        work.looked(row.obligor_id, "recourse")
        return work.once(lambda: _rescored(work, offer, asked))


def _rescored(work: Work, offer: sa.Row[Any], asked: CompletionRequest) -> Answer:
    told = service.rescore(
        work.connection,
        work.home,
        offer,
        plan=asked.plan,
        as_of=require_past(asked.as_of, now=work.now),
        now=work.now,
        livemode=work.principal.livemode,
    )
    return work.plain({"rescore": told}, status=201)
