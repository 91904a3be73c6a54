"""The report of a bank's book, of those borrowers that consent to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.http.call import Call, Work, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.instants import require_past
from api.keys.principal import Role
from api.portfolio import service
from api.portfolio.schemas import PortfolioAnswer, PortfolioAsked
from data_contracts.identifiers import ObligorId

ASKERS = (Role.BANK,)

router = APIRouter()


@router.post(
    "/v1/portfolio-reports",
    **documented(
        "createPortfolioReport",
        tag="portfolio",
        summary="The book by product, grade, industry and core enterprise; vintages, rolls, limits and clusters.",
        roles=ASKERS,
        answer=PortfolioAnswer,
        status=201,
        body=json_body(PortfolioAsked, "createPortfolioReport"),
    ),
)
def create_portfolio_report(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Report."""
    with call.begin() as work:
        asked = call.parse(PortfolioAsked)
        return work.once(lambda: _report(work, asked))


def _report(work: Work, asked: PortfolioAsked) -> Answer:
    found = service.portfolio_report(
        work.connection,
        work.home,
        service.Asked(
            partner=work.principal.as_partner(),
            lender=asked.lender_id,
            currency=asked.currency,
            as_of=require_past(asked.as_of, now=work.now) or work.now,
            months=asked.months,
        ),
        now=work.now,
        livemode=work.principal.livemode,
    )
    for line in found["limits"]:
        work.looked(ObligorId(line["obligor_id"]), "portfolio")
    return work.plain({"portfolio": found}, status=201)
