"""The report of an insurer's book: its own policies, of firms that consent to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.papers import LANGUAGES, PaperFormat, Rendered, Spoken, paper
from api.http.shapes import UtcInstant
from api.instants import require_past
from api.insurance_book import service
from api.insurance_book.schemas import InsuranceBookAnswer, InsuranceBookAsked
from api.keys.principal import Role
from risk_reports import insurance_book_document

ASKERS = (Role.INSURER,)

router = APIRouter()


@router.post(
    "/v1/insurance-portfolio-reports",
    **documented(
        "createInsurancePortfolioReport",
        tag="portfolio",
        summary="The insurer's book: what is in force, earned and claimed, and how much of each limit is used.",
        roles=ASKERS,
        answer=InsuranceBookAnswer,
        status=201,
        body=json_body(InsuranceBookAsked, "createInsurancePortfolioReport"),
    ),
)
def create_insurance_portfolio_report(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Report."""
    with call.begin() as work:
        asked = call.parse(InsuranceBookAsked)
        return work.once(lambda: _answer(work, asked))


@router.get(
    "/v1/insurance-portfolio-reports/paper",
    **documented(
        "getInsurancePortfolioPaper",
        tag="portfolio",
        summary="The same report as PDF or HTML, in Chinese or English.",
        roles=ASKERS,
        answer=None,
    ),
)
def get_insurance_portfolio_paper(
    call: Annotated[Call, reading(*ASKERS)],
    as_of: Annotated[UtcInstant | None, Query(description="As of when; now where it is left out.")] = None,
    language: Spoken = "zh",
    rendered: Rendered = PaperFormat.PDF,
) -> Response:
    """The report on paper."""
    with call.begin() as work:
        told = _report(work, InsuranceBookAsked(as_of=as_of))
    return paper(insurance_book_document.document(told, LANGUAGES[language]), rendered)


def _answer(work: Work, asked: InsuranceBookAsked) -> Answer:
    return work.plain({"portfolio": _report(work, asked)}, status=201)


def _report(work: Work, asked: InsuranceBookAsked) -> dict[str, Any]:
    """The report; every firm that it tells of is told that it was looked at."""
    found = service.insurance_report(
        work.connection,
        work.home,
        service.Asked(
            partner=work.principal.as_partner(),
            currency=asked.currency,
            as_of=require_past(asked.as_of, now=work.now) or work.now,
            months=asked.months,
            largest=asked.largest,
        ),
        now=work.now,
        livemode=work.principal.livemode,
    )
    for obligor in service.insured(found):
        work.looked(obligor, "insurance_policy")
    return found
