"""Quoting a premium: load, call pure functions, keep, in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.access_log.repository import looked
from api.consents import repository as consents
from api.consents.repository import Purpose
from api.database.engine import unit_of_work
from api.errors import ModelNotForLive
from api.home import Home
from api.identity import answer_id
from api.models import service as models
from api.models.filings import filed_equipment
from api.obligors import repository as obligors
from api.partners import repository as partners
from api.premium_quotes import repository as quotes
from api.premium_quotes.facility import Referred, decided_facility
from api.premium_quotes.question import CoverQuestion
from api.premium_quotes.warranties import held_warranties
from api.snapshots.service import keep_parameters, latest_snapshot, require_live, take_snapshot
from data_contracts.identifiers import DecisionId, PartnerId, QuoteId
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from risk_reports import premium_statement
from scoring import registry
from scoring.canonical import canonical_bytes, plain_quote, plain_warranty
from scoring.cover_basis import DecidedFacility, HeldWarranty
from scoring.credit.artefact import CreditArtefact
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.filed import equipment_tariff
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.offers.guarantee import guarantee_on, guarantee_quote
from scoring.insurance.offers.idle import idle_quote
from scoring.insurance.offers.warranty import warranty_quote
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAnswer:
    """A quote's exact bytes as they are kept, and the time that it speaks of."""

    body: bytes
    as_of: datetime


def quote(
    home: Home, request: QuoteRequest, *, partner: PartnerId, now: datetime, decision_id: DecisionId | None = None
) -> bytes:
    """Answer an insurer's question as of a time, in a transaction of its own; returns the exact bytes that are kept.

    Raises NotFound (obligor, partner), ConsentMissing (platform, or the partner's for insurance; a guarantee needs
    the one for credit too), NoModel, NoTariffFiled, TariffClash.
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
        decision_id=decision_id,
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
    consent_ids, referred = _consented(connection, question, partner=partner, now=now, livemode=livemode)
    hazard = None if referred is None else referred.hazard
    answering = None if hazard else _answering(home, question.product, now=now, livemode=livemode)
    snapshot = _snapshot(connection, home, question, now=now, livemode=livemode)
    if livemode:
        require_live(snapshot)
    parameters = keep_parameters(home, models.scoring_parameters())
    terms = parameters.at(snapshot.as_of)["insurance_covers"]["extended_warranty"]
    request = _asked(
        question,
        snapshot,
        None if referred is None else referred.facility,
        held_warranties(
            connection,
            question,
            partner=partner,
            livemode=livemode,
            as_of=question.as_of or now,
            waiting_months=terms["waiting_months"],
        ),
    )
    if hazard:
        premium = guarantee_on(hazard, snapshot, request, parameters)
    else:
        premium = _conclude(home, snapshot, request, answering, parameters, partner=partner)
    plain = {**plain_quote(premium), "partner": partner, "livemode": livemode}
    quote_id = QuoteId(answer_id("q", plain))
    body = canonical_bytes({**plain, "quote_id": quote_id, **premium_statement.narrative(premium, snapshot)})
    quotes.append(
        connection,
        premium,
        quote_id=quote_id,
        partner_id=partner,
        request=_plain_request(request),
        consent_ids=consent_ids,
        body=body,
        now=now,
    )
    return QuoteAnswer(body=body, as_of=snapshot.as_of)


def _consented(
    connection: sa.Connection, question: CoverQuestion, *, partner: PartnerId, now: datetime, livemode: bool
) -> tuple[list[str], Referred | None]:
    """The consents that the quote rests on, and the decision that it names.

    A guarantee tells of the obligor's credit, so that it needs the consent for that too, or the one that names the
    lender's decision. Raises ConsentMissing, and NotFound for a decision that this partner may not see.
    """
    asked: dict[str, Any] = {"recipient": partner, "now": now, "livemode": livemode}
    found: dict[str, None] = {}

    def rests_on(purpose: Purpose) -> None:
        """Count the consents for a purpose. Raises ConsentMissing."""
        found.update(dict.fromkeys(consents.for_answer(connection, question.obligor_id, purpose=purpose, **asked)))

    rests_on(Purpose.INSURANCE)
    referred = decided_facility(connection, question, partner=partner, now=now, livemode=livemode)
    if question.product is InsuranceProduct.GUARANTEE and (referred is None or referred.hazard is None):
        rests_on(Purpose.CREDIT)
    return list(found), referred


def _answering(home: Home, product: InsuranceProduct, *, now: datetime, livemode: bool) -> registry.Artefact | None:
    """The model that prices a product; None for idle cover, whose model is its parameters. Raises NoModel, and for live
    ModelNotForLive: parameters that no authority has seen are not for live either."""
    if product is InsuranceProduct.IDLE_COVER:
        if livemode:
            raise ModelNotForLive("Idle cover is priced by parameters that are on trial.", hint="Ask with a test key.")
        return None
    artefact: registry.Artefact
    if product is InsuranceProduct.GUARANTEE:
        artefact, mandate = models.answering_credit(home, now=now)
    else:
        artefact, mandate = models.answering_insurance(home, now=now)
    if livemode:
        models.require_live(artefact, mandate)
    return artefact


def _conclude(
    home: Home,
    snapshot: FeatureSnapshot,
    request: QuoteRequest,
    answering: registry.Artefact | None,
    parameters: ParameterBook,
    *,
    partner: PartnerId,
) -> PremiumQuote:
    if isinstance(answering, CreditArtefact):
        return guarantee_quote(snapshot, request, answering, parameters)
    if answering is None:
        return idle_quote(snapshot, request, parameters)
    assert isinstance(answering, InsuranceArtefact)
    if request.product is InsuranceProduct.EXTENDED_WARRANTY:
        return warranty_quote(snapshot, request, answering, parameters)
    values = parameters.at(request.as_of)
    filings = filed_equipment(home)
    filed = equipment_tariff(filings, answering, partner=partner, as_of=request.as_of, values=values)
    return equipment_quote(snapshot, request, answering, parameters, filed=filed)


def _snapshot(
    connection: sa.Connection, home: Home, question: CoverQuestion, *, now: datetime, livemode: bool
) -> FeatureSnapshot:
    if question.as_of is None and not question.is_fresh:
        return latest_snapshot(connection, home, question.obligor_id, now=now, with_machines=True, livemode=livemode)
    as_of = question.as_of or now
    return take_snapshot(connection, home, question.obligor_id, as_of=as_of, now=now, livemode=livemode)


def _asked(
    question: CoverQuestion,
    snapshot: FeatureSnapshot,
    facility: DecidedFacility | None,
    warranties: tuple[HeldWarranty, ...],
) -> QuoteRequest:
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
        facility=facility,
        warranties=warranties,
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
        "facility": None if request.facility is None else asdict(request.facility),
        "warranties": [plain_warranty(held) for held in request.warranties],
    }
