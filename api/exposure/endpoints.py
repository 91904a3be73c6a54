"""One exposure under a loan and four covers, for a partner that may see both the credit and the machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.errors import ModelNotForLive
from api.exposure.schemas import ExposurePricesAnswer, ExposurePricesAsked
from api.exposure.service import coherence
from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role
from data_contracts.identifiers import ObligorId
from scoring.insurance.offers.one_exposure import OneExposure
from scoring.records import CreditRequest

ASKERS = (Role.BANK, Role.INSURER)

router = APIRouter()


@router.post(
    "/v1/exposure-prices",
    **documented(
        "createExposurePrices",
        tag="premium quotes",
        summary="Price a loan, its guarantee and three covers of one firm together: who bears which part of each loss.",
        roles=ASKERS,
        answer=ExposurePricesAnswer,
        status=201,
        problems=(404,),
        body=json_body(ExposurePricesAsked, "createExposurePrices"),
    ),
)
def create_exposure_prices(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Price together."""
    with call.begin() as work:
        asked = call.parse(ExposurePricesAsked)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        work.looked(owner, "premium_quote")
        return work.once(lambda: _priced(work, owner, asked))


def _priced(work: Work, owner: ObligorId, asked: ExposurePricesAsked) -> Answer:
    """Raises ModelNotForLive for a live key: idle cover is priced by parameters that are on trial."""
    if work.principal.livemode:
        raise ModelNotForLive("Covers are priced together by parameters on trial.", hint="Ask with a test key.")
    loan = CreditRequest(
        obligor_id=owner,
        product=asked.product,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        tenor_months=asked.tenor_months,
        as_of=require_past(asked.as_of, now=work.now) or work.now,
    )
    exposure = OneExposure(
        loan=loan,
        equipment_minor=asked.sum_insured_minor,
        fixed_cost_minor=asked.fixed_cost_minor,
        starts=asked.starts,
        ends=asked.ends,
    )
    told = coherence(work.connection, work.home, exposure, partner=work.principal.as_partner(), now=work.now)
    return work.plain({"exposure": told}, status=201)
