"""Usage-based premiums: asked for by an insurer, read again by it and by the obligor."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.evidence.claims import Kind
from api.http.call import Call, Work, reading, respond, wrapped, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.papers import LANGUAGES, PaperFormat, Rendered, Spoken, paper
from api.instants import require_past
from api.keys.principal import Role
from api.premium_quotes import access, service
from api.premium_quotes.question import CoverQuestion
from api.premium_quotes.schemas import PremiumQuoteAnswer, PremiumQuoteRequest
from api.receipts.door import answer_receipt
from api.receipts.schemas import QuoteOpenParameter, ReceiptAnswer
from api.snapshots.plain import age_seconds
from data_contracts.identifiers import DecisionId, MachineUid, ObligorId
from risk_reports import premium_statement_document

ASKERS = (Role.INSURER,)
READERS = (Role.INSURER, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/premium-quotes",
    **documented(
        "createPremiumQuote",
        tag="premium quotes",
        summary="Quote a usage-based premium: base, factors, loadings, and the reasons.",
        roles=ASKERS,
        answer=PremiumQuoteAnswer,
        status=201,
        problems=(404,),
        body=json_body(PremiumQuoteRequest, "createPremiumQuote"),
    ),
)
def create_premium_quote(call: Annotated[Call, writing(*ASKERS)]) -> Response:
    """Quote a premium."""
    with call.begin() as work:
        asked = call.parse(PremiumQuoteRequest)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        work.looked(owner, "premium_quote")
        return work.once(lambda: _quote(work, owner, asked))


@router.get(
    "/v1/premium-quotes/{quote_id}",
    **documented(
        "getPremiumQuote",
        tag="premium quotes",
        summary="A quote as it was given, byte by byte.",
        roles=READERS,
        answer=PremiumQuoteAnswer,
        problems=(404,),
    ),
)
def get_premium_quote(quote_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A stored quote."""
    with call.begin() as work:
        row = access.require_readable(work, quote_id)
        work.looked(row.obligor_id, "premium_quote")
        return respond(_answer(work, row.body, as_of=row.as_of, quoted=row.quoted_time, status=200))


@router.get(
    "/v1/premium-quotes/{quote_id}/statement",
    **documented(
        "getPremiumStatement",
        tag="premium quotes",
        summary="The statement of a quote for the insured, as PDF or HTML: factor by factor, and what would lower it.",
        roles=READERS,
        answer=None,
        problems=(404,),
    ),
)
def get_premium_statement(
    quote_id: str,
    call: Annotated[Call, reading(*READERS)],
    language: Spoken = "zh",
    rendered: Rendered = PaperFormat.PDF,
) -> Response:
    """The statement of a stored quote."""
    with call.begin() as work:
        row = access.require_readable(work, quote_id)
        work.looked(row.obligor_id, "premium_quote")
        body = json.loads(row.body)
    return paper(premium_statement_document.document(body, LANGUAGES[language]), rendered)


@router.get(
    "/v1/premium-quotes/{quote_id}/receipt",
    **documented(
        "getPremiumQuoteReceipt",
        tag="premium quotes",
        summary="Proof of a quote that can be checked offline, years later, without trusting us.",
        roles=READERS,
        answer=ReceiptAnswer,
        problems=(404, 409),
    ),
)
def get_premium_quote_receipt(
    quote_id: str, call: Annotated[Call, reading(*READERS)], opened: QuoteOpenParameter = None
) -> Response:
    """The receipt of a stored quote."""
    return answer_receipt(
        call,
        Kind.PREMIUM_QUOTE,
        quote_id,
        owner=lambda work: ObligorId(access.require_readable(work, quote_id).obligor_id),
        opened=opened,
    )


def _quote(work: Work, obligor_id: ObligorId, asked: PremiumQuoteRequest) -> Answer:
    question = CoverQuestion(
        obligor_id=obligor_id,
        product=asked.product,
        sum_insured_minor=asked.sum_insured_minor,
        currency=asked.currency,
        starts=asked.starts,
        ends=asked.ends,
        machines=tuple(MachineUid(uid) for uid in asked.machines),
        as_of=require_past(asked.as_of, now=work.now),
        is_fresh=asked.snapshot == "fresh",
        decision_id=None if asked.decision_id is None else DecisionId(asked.decision_id),
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
    work.count(lambda metrics: metrics.snapshot_age.observe(age))
    return _answer(work, told.body, as_of=told.as_of, quoted=work.now, status=201)


def _answer(work: Work, body: bytes, *, as_of: datetime, quoted: datetime, status: int) -> Answer:
    content = wrapped(
        "quote",
        body,
        snapshot_age_seconds=age_seconds(as_of, now=quoted),
        livemode=work.principal.livemode,
    )
    return Answer(status=status, body=content)
