"""Lending recommendations: asked for by a bank, read again by it and by the obligor."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from api.chain.product_terms import Detail, Viewer, product_terms
from api.consents.access import require_visible
from api.credit_decisions import access, service
from api.credit_decisions import terms as kept_terms
from api.credit_decisions.schemas import CreditDecisionAnswer, CreditDecisionRequest
from api.credit_decisions.service import CreditQuestion
from api.evidence.claims import Kind
from api.http.call import Call, Work, reading, respond, wrapped, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.papers import LANGUAGES, PaperFormat, Rendered, Spoken, paper
from api.instants import require_past
from api.keys.principal import Role
from api.receipts.door import answer_receipt
from api.receipts.schemas import OpenParameter, ReceiptAnswer
from api.snapshots.plain import age_seconds
from data_contracts.identifiers import ObligorId
from risk_reports import credit_memo_document
from scoring.supply_chain.receivables.said import NOTHING_SAID

ASKERS = (Role.BANK,)
READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/credit-decisions",
    **documented(
        "createCreditDecision",
        tag="credit decisions",
        summary="Recommend on a loan: outcome, limit, price, and the reasons.",
        roles=ASKERS,
        answer=CreditDecisionAnswer,
        status=201,
        problems=(404,),
        body=json_body(CreditDecisionRequest, "createCreditDecision"),
    ),
)
def create_credit_decision(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Decide on a loan."""
    with call.begin() as work:
        asked = call.parse(CreditDecisionRequest)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        work.looked(owner, "credit_decision")
        return work.once(lambda: _decide(work, owner, asked))


@router.get(
    "/v1/credit-decisions/{decision_id}",
    **documented(
        "getCreditDecision",
        tag="credit decisions",
        summary="A recommendation as it was given, byte by byte.",
        roles=READERS,
        answer=CreditDecisionAnswer,
        problems=(404,),
    ),
)
def get_credit_decision(decision_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A stored decision."""
    with call.begin() as work:
        row = access.require_readable(work, decision_id)
        work.looked(row.obligor_id, "credit_decision")
        terms = kept_terms.latest(work.connection, row.decision_id)
        return respond(_answer(work, row.body, as_of=row.as_of, decided=row.decided_time, status=200, terms=terms))


@router.get(
    "/v1/credit-decisions/{decision_id}/memo",
    **documented(
        "getCreditMemo",
        tag="credit decisions",
        summary="The memo of a recommendation as it was given, as PDF or HTML.",
        roles=READERS,
        answer=None,
        problems=(404,),
    ),
)
def get_credit_memo(
    decision_id: str,
    call: Annotated[Call, reading(*READERS)],
    language: Spoken = "zh",
    rendered: Rendered = PaperFormat.PDF,
) -> Response:
    """The memo of a stored decision."""
    with call.begin() as work:
        row = access.require_readable(work, decision_id)
        work.looked(row.obligor_id, "credit_decision")
        body = json.loads(row.body)
    return paper(credit_memo_document.document(body, LANGUAGES[language]), rendered)


@router.get(
    "/v1/credit-decisions/{decision_id}/receipt",
    **documented(
        "getCreditDecisionReceipt",
        tag="credit decisions",
        summary="Proof of a recommendation that can be checked offline, years later, without trusting us.",
        roles=READERS,
        answer=ReceiptAnswer,
        problems=(404, 409),
    ),
)
def get_credit_decision_receipt(
    decision_id: str, call: Annotated[Call, reading(*READERS)], opened: OpenParameter = None
) -> Response:
    """The receipt of a stored decision."""
    return answer_receipt(
        call,
        Kind.CREDIT_DECISION,
        decision_id,
        owner=lambda work: ObligorId(access.require_readable(work, decision_id).obligor_id),
        opened=opened,
    )


def _decide(work: Work, obligor_id: ObligorId, asked: CreditDecisionRequest) -> Answer:
    question = CreditQuestion(
        obligor_id=obligor_id,
        product=asked.product,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        tenor_months=asked.tenor_months,
        as_of=require_past(asked.as_of, now=work.now),
        is_fresh=asked.snapshot == "fresh",
        asset=None if asked.asset is None else asked.asset.asset(),
        facts=asked.facts.facts(),
        stock=None if asked.stock is None else asked.stock.count(),
    )
    told = service.answer(
        work.connection,
        work.home,
        question,
        partner=work.principal.as_partner(),
        livemode=work.principal.livemode,
        now=work.now,
    )
    age = age_seconds(told.as_of, now=work.now)
    work.count(lambda metrics: metrics.decisions.labels(told.outcome.value, told.rating_grade).inc())
    work.count(lambda metrics: metrics.snapshot_age.observe(age))
    terms = product_terms(
        work.connection,
        work.home,
        obligor_id,
        asked.product,
        currency=asked.currency,
        pd_12m=told.pd_12m,
        detail=_detail(asked),
        viewer=Viewer(partner=work.principal.as_partner(), livemode=work.principal.livemode, now=work.now),
        as_of=told.as_of,
    )
    kept_terms.keep(work.connection, told.decision_id, terms, now=work.now)
    return _answer(work, told.body, as_of=told.as_of, decided=work.now, status=201, terms=terms)


def _detail(asked: CreditDecisionRequest) -> Detail:
    order = {} if asked.order is None else asked.order.model_dump()
    stock = None if asked.stock is None else asked.stock.count()
    said = NOTHING_SAID if asked.receivables is None else asked.receivables.says()
    return Detail(**order, stock=stock, owed_minor=asked.amount_minor, receivables=said)


def _answer(
    work: Work, body: bytes, *, as_of: datetime, decided: datetime, status: int, terms: dict[str, Any] | None = None
) -> Answer:
    content = wrapped(
        "decision",
        body,
        snapshot_age_seconds=age_seconds(as_of, now=decided),
        terms=terms,
        livemode=work.principal.livemode,
    )
    return Answer(status=status, body=content)
