"""Quoting a premium: load, call pure functions, keep, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.access_log.repository import looked
from api.consents import repository as consents
from api.consents.repository import Purpose
from api.database.engine import unit_of_work
from api.home import Home
from api.identity import answer_id
from api.models import service as models
from api.obligors import repository as obligors
from api.partners import repository as partners
from api.premium_quotes import repository as quotes
from api.snapshots.service import keep_parameters, latest_snapshot, require_live, take_snapshot
from data_contracts.identifiers import MachineUid, ObligorId, PartnerId, QuoteId
from features.snapshot import FeatureSnapshot
from risk_reports import premium_statement
from scoring.canonical import canonical_bytes, plain_quote
from scoring.insurance.premium import quote as conclude
from scoring.records import InsuranceProduct, QuoteRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverQuestion:
    """What an insurer asks. Without `as_of` the answer rests on the latest stored snapshot, or on a fresh one."""

    obligor_id: ObligorId
    product: InsuranceProduct
    sum_insured_minor: int
    currency: str
    starts: date
    ends: date
    machines: Sequence[MachineUid]
    as_of: datetime | None
    is_fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAnswer:
    """A quote's exact bytes as they are kept, and the time that it speaks of."""

    body: bytes
    as_of: datetime


def quote(home: Home, request: QuoteRequest, *, partner: PartnerId, now: datetime) -> bytes:
    """Answer an insurer's question as of a time, in a transaction of its own; returns the exact bytes that are kept.

    Raises NotFound (obligor, partner), ConsentMissing (platform or the partner's insurance consent), NoModel.
    """
    question = CoverQuestion(
        obligor_id=request.obligor_id,
        product=request.product,
        sum_insured_minor=request.sum_insured_minor,
        currency=request.currency,
        starts=request.starts,
        ends=request.ends,
        machines=request.machines,
        as_of=request.as_of,
        is_fresh=True,
    )
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, request.obligor_id)
        looked(connection, request.obligor_id, "premium_quote", viewer=partner, now=now)
        return answer(connection, home, question, partner=partner, livemode=False, now=now).body


def answer(
    connection: sa.Connection,
    home: Home,
    question: CoverQuestion,
    *,
    partner: PartnerId,
    livemode: bool,
    now: datetime,
) -> QuoteAnswer:
    """Answer an insurer's question and keep the quote, in the caller's transaction.

    Raises as `quote`, and for live ModelNotForLive and DataNotForLive.
    """
    partners.require(connection, partner)
    consents.require(
        connection, question.obligor_id, recipient=partner, purpose=Purpose.INSURANCE, now=now, livemode=livemode
    )
    artefact, mandate = models.answering_insurance(home, now=now)
    if livemode:
        models.require_live(artefact, mandate)
    snapshot = _snapshot(connection, home, question, now=now, livemode=livemode)
    if livemode:
        require_live(snapshot)
    request = _asked(question, snapshot)
    premium = conclude(snapshot, request, artefact, keep_parameters(home, models.scoring_parameters()))
    plain = {**plain_quote(premium), "partner": partner, "livemode": livemode}
    quote_id = QuoteId(answer_id("q", plain))
    body = canonical_bytes({**plain, "quote_id": quote_id, **premium_statement.narrative(premium, snapshot)})
    quotes.append(
        connection,
        premium,
        quote_id=quote_id,
        partner_id=partner,
        request=_plain_request(request),
        consent_ids=consents.for_answer(
            connection, question.obligor_id, recipient=partner, purpose=Purpose.INSURANCE, now=now, livemode=livemode
        ),
        body=body,
        now=now,
    )
    return QuoteAnswer(body=body, as_of=snapshot.as_of)


def _snapshot(
    connection: sa.Connection, home: Home, question: CoverQuestion, *, now: datetime, livemode: bool
) -> FeatureSnapshot:
    if question.as_of is None and not question.is_fresh:
        return latest_snapshot(connection, home, question.obligor_id, now=now, with_machines=True, livemode=livemode)
    as_of = question.as_of or now
    return take_snapshot(connection, home, question.obligor_id, as_of=as_of, now=now, livemode=livemode)


def _asked(question: CoverQuestion, snapshot: FeatureSnapshot) -> QuoteRequest:
    """The question as of the snapshot that it is answered from."""
    return QuoteRequest(
        obligor_id=question.obligor_id,
        product=question.product,
        sum_insured_minor=question.sum_insured_minor,
        currency=question.currency,
        starts=question.starts,
        ends=question.ends,
        machines=question.machines,
        as_of=snapshot.as_of,
    )


def _plain_request(request: QuoteRequest) -> dict[str, Any]:
    return {
        "obligor_id": request.obligor_id,
        "product": request.product.value,
        "sum_insured_minor": request.sum_insured_minor,
        "currency": request.currency,
        "starts": request.starts.isoformat(),
        "ends": request.ends.isoformat(),
        "machines": list(request.machines),
        "as_of": request.as_of.isoformat(),
    }
