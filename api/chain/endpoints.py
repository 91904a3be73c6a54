"""Stress of the chain of those obligors that consent to the bank."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.chain import service
from api.chain.schemas import StressAnswer, StressAsked
from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role
from data_contracts.identifiers import ObligorId
from scoring.supply_chain.contagion.stress import Shock

ASKERS = (Role.BANK,)

router = APIRouter()


@router.post(
    "/v1/stresses",
    **documented(
        "createStress",
        tag="supply chain",
        summary="What becomes of suppliers when a core enterprise orders less, defaults or pays later.",
        roles=ASKERS,
        answer=StressAnswer,
        status=201,
        problems=(404,),
        body=json_body(StressAsked, "createStress"),
    ),
)
def create_stress(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Strike."""
    with call.begin() as work:
        asked = call.parse(StressAsked)
        return work.once(lambda: _strike(work, asked))


def _strike(work: Work, asked: StressAsked) -> Answer:
    told = service.run_stress(
        work.connection,
        work.home,
        Shock(
            core_enterprise=asked.core_enterprise,
            orders=asked.orders,
            is_default=asked.is_default,
            pays_later_days=asked.pays_later_days,
            pd_rise=asked.pd_rise,
        ),
        partner=work.principal.as_partner(),
        currency=asked.currency,
        as_of=require_past(asked.as_of, now=work.now) or work.now,
        now=work.now,
        livemode=work.principal.livemode,
    )
    for item in told["suppliers"]:
        work.looked(ObligorId(item["firm"]), "stress")
    return work.plain({"stress": told}, status=201)
