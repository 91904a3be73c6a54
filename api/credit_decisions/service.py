"""Deciding on a loan: load, call pure functions, keep, in one transaction; and recomputing any past decision."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.access_log.repository import looked
from api.chain.product_terms import known_stock
from api.chain.stock_terms import StockCount
from api.consents import repository as consents
from api.consents.repository import Purpose
from api.credit_decisions import repository as decisions
from api.credit_decisions.core_enterprises import known_on_core_enterprises
from api.database.engine import reading, unit_of_work
from api.errors import NotReproduced
from api.home import Home
from api.identity import named
from api.models import service as models
from api.obligors import repository as obligors
from api.partners import repository as partners
from api.snapshots import repository as snapshots
from api.snapshots.service import (
    keep_parameters,
    latest_snapshot,
    require_live,
    stored_parameters,
    take_snapshot,
)
from data_contracts.identifiers import DecisionId, ModelVersion, ObligorId, PartnerId
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from risk_reports import credit_memo
from risk_reports.narrative import NARRATIVE_KEYS
from scoring.canonical import bytes_of_members, canonical_members, parse_facts, plain_decision, plain_facts
from scoring.core_enterprises import parse_on_core_enterprises, plain_on_core_enterprises
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score
from scoring.decision.decide import decide as conclude
from scoring.facts import NO_FACTS, LenderFacts
from scoring.governance import ModelMandate
from scoring.records import CreditDecision, CreditProduct, CreditRequest, FinancedAsset, Outcome, RatingGrade
from scoring.stock import StockHeld, parse_stock, plain_stock


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditQuestion:
    """What a lender asks. Without `as_of` the answer rests on the latest stored snapshot, or on a fresh one."""

    obligor_id: ObligorId
    product: CreditProduct
    amount_minor: int
    currency: str
    tenor_months: int
    as_of: datetime | None
    is_fresh: bool
    asset: FinancedAsset | None = None
    facts: LenderFacts = NO_FACTS
    stock: StockCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAnswer:
    """A decision's exact bytes as they are kept, and what is counted of it."""

    decision_id: DecisionId
    body: bytes
    outcome: Outcome
    rating_grade: RatingGrade
    pd_12m: float
    as_of: datetime


def decide(
    home: Home, request: CreditRequest, *, partner: PartnerId, now: datetime, stock: StockCount | None = None
) -> bytes:
    """Answer a lender's question as of a time, in a transaction of its own; returns the exact bytes that are kept.

    Raises NotFound (obligor, partner), ConsentMissing (platform or the partner's credit consent), NoModel, and
    InvalidRequest for a count of stock that is older than a year.
    """
    question = CreditQuestion(
        obligor_id=request.obligor_id,
        product=request.product,
        amount_minor=request.amount_minor,
        currency=request.currency,
        tenor_months=request.tenor_months,
        as_of=request.as_of,
        is_fresh=True,
        asset=request.asset,
        facts=request.facts,
        stock=stock,
    )
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, request.obligor_id)
        partners.require(connection, partner)
        looked(connection, request.obligor_id, "credit_decision", viewer=partner, now=now)
        return answer(connection, home, question, partner=partner, livemode=False, now=now).body


def answer(
    connection: sa.Connection,
    home: Home,
    question: CreditQuestion,
    *,
    partner: PartnerId,
    livemode: bool,
    now: datetime,
) -> DecisionAnswer:
    """Answer a lender's question and keep the decision, in the caller's transaction; the partner is one that is known.

    Raises as `decide`, and for live ModelNotForLive and DataNotForLive.
    """
    consent_ids = consents.for_answer(
        connection, question.obligor_id, recipient=partner, purpose=Purpose.CREDIT, now=now, livemode=livemode
    )
    artefact, mandate = models.answering_credit(home, now=now)
    if livemode:
        models.require_live(artefact, mandate, may_have_lapsed=True)  # the policy has a person decide then
    snapshot = _snapshot(connection, home, question, now=now, livemode=livemode)
    if livemode:
        require_live(snapshot)
    request = _asked(question, snapshot)
    on_buyers = known_on_core_enterprises(connection, home, request, partner=partner, now=now, livemode=livemode)
    stock = _stock(connection, home, question, as_of=request.as_of)
    request = replace(request, on_core_enterprises=on_buyers, stock=stock)
    book = keep_parameters(home, models.scoring_parameters())
    decision = _conclude(Grounds(snapshot=snapshot, artefact=artefact, parameters=book, mandate=mandate), request)
    narrative = credit_memo.narrative(decision, snapshot)
    decision_id, body = _answer(decision, partner, narrative, livemode=livemode)
    decisions.append(
        connection,
        decision,
        decision_id=decision_id,
        partner_id=partner,
        request=_plain_request(request),
        consent_ids=consent_ids,
        mandate=mandate,
        body=body,
        now=now,
    )
    return DecisionAnswer(
        decision_id=decision_id,
        body=body,
        outcome=decision.outcome,
        rating_grade=decision.score.rating_grade,
        pd_12m=decision.score.pd_12m,
        as_of=snapshot.as_of,
    )


def _snapshot(
    connection: sa.Connection, home: Home, question: CreditQuestion, *, now: datetime, livemode: bool
) -> FeatureSnapshot:
    if question.as_of is None and not question.is_fresh:
        return latest_snapshot(connection, home, question.obligor_id, now=now, livemode=livemode)
    as_of = question.as_of or now
    return take_snapshot(connection, home, question.obligor_id, as_of=as_of, now=now, livemode=livemode)


def _stock(connection: sa.Connection, home: Home, question: CreditQuestion, *, as_of: datetime) -> StockHeld | None:
    """Stock counts where it is lent against, and was counted."""
    if question.product is not CreditProduct.INVENTORY or question.stock is None:
        return None
    return known_stock(connection, home, question.obligor_id, question.stock, currency=question.currency, as_of=as_of)


def _asked(question: CreditQuestion, snapshot: FeatureSnapshot) -> CreditRequest:
    """The question as of the snapshot that it is answered from."""
    return CreditRequest(
        obligor_id=question.obligor_id,
        product=question.product,
        amount_minor=question.amount_minor,
        currency=question.currency,
        tenor_months=question.tenor_months,
        as_of=snapshot.as_of,
        asset=question.asset,
        facts=question.facts,
    )


def replay(home: Home, decision_id: DecisionId) -> bytes:
    """Recompute a stored decision from the snapshot, model and parameters it names; returns the same bytes.

    Raises NotFound, and NotReproduced when a single byte differs.
    """
    with reading(home.engine) as connection:
        row = decisions.load(connection, decision_id)
    return replayed(row, stored_grounds(home, row)).body


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """All that a decision follows from, beside its request. Decisions of early releases have no `mandate`."""

    snapshot: FeatureSnapshot
    artefact: CreditArtefact
    parameters: ParameterBook
    mandate: ModelMandate | None

    def under(self, artefact: CreditArtefact, mandate: ModelMandate) -> Grounds:
        """The same with another model."""
        return replace(self, artefact=artefact, mandate=mandate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A stored decision as it was recomputed, and its exact bytes."""

    decision: CreditDecision
    body: bytes


def stored_grounds(home: Home, row: sa.Row[Any]) -> Grounds:
    """What the decision of a stored row followed from. Raises NotFound, UnknownModel, ArtefactDamaged."""
    return Grounds(
        snapshot=snapshots.load(home, row.snapshot_id),
        artefact=_artefact(home, row),
        parameters=stored_parameters(home, row.parameters_version),
        mandate=None if row.model_mandate is None else ModelMandate(row.model_mandate),
    )


def replayed(row: sa.Row[Any], grounds: Grounds) -> Replayed:
    """The decision of a stored row again. Raises NotReproduced when a single byte differs."""
    found = recomputed(row, grounds)
    if found.body != row.body:
        kept, now = json.loads(row.body), json.loads(found.body)
        differing = sorted(key for key in kept.keys() | now.keys() if kept.get(key) != now.get(key))
        raise NotReproduced(
            f"Decision {row.decision_id} recomputes to other bytes than those stored"
            f" ({', '.join(differing) or 'only their spelling differs'}).",
            hint=f"A changed row, or another release's? Run: millgrade replay {row.decision_id} --today",
        )
    return found


def recomputed(row: sa.Row[Any], grounds: Grounds) -> Replayed:
    """What this software makes of a stored row's request on these grounds, be it the stored bytes or not."""
    decision = concluded(row, grounds)
    kept = json.loads(row.body)
    narrative = {key: kept[key] for key in NARRATIVE_KEYS}  # what was said does not change when wording improves
    _, body = _answer(decision, PartnerId(row.partner_id), narrative, livemode=kept["livemode"])
    return Replayed(decision=decision, body=body)


def concluded(row: sa.Row[Any], grounds: Grounds) -> CreditDecision:
    """What the request of a stored row is answered on these grounds."""
    return _conclude(grounds, request_of(row))


def _artefact(home: Home, row: sa.Row[Any]) -> CreditArtefact:
    if row.model_version is None:
        return models.promoted_credit(home)  # a decision on thin history names no model and uses none
    return models.credit_model(home, ModelVersion(row.model_version))


def _conclude(grounds: Grounds, request: CreditRequest) -> CreditDecision:
    snapshot, parameters = grounds.snapshot, grounds.parameters
    record = score(snapshot, grounds.artefact, parameters)
    return conclude(record, request, snapshot, parameters, mandate=grounds.mandate)


def _answer(
    decision: CreditDecision, partner: PartnerId, narrative: dict[str, Any], *, livemode: bool
) -> tuple[DecisionId, bytes]:
    """The decision's name and the body as it is answered: the recommendation with its narrative, frozen together."""
    members = canonical_members({**plain_decision(decision), "partner": partner, "livemode": livemode})
    decision_id = DecisionId(named("d", bytes_of_members(members)))
    return decision_id, bytes_of_members(members | canonical_members({"decision_id": decision_id, **narrative}))


def _plain_request(request: CreditRequest) -> dict[str, Any]:
    known = request.on_core_enterprises
    return {
        "obligor_id": request.obligor_id,
        "product": request.product.value,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
        "tenor_months": request.tenor_months,
        "as_of": request.as_of.isoformat(),
        "asset": None if request.asset is None else asdict(request.asset),
        "facts": plain_facts(request.facts),
        "on_core_enterprises": None if known is None else plain_on_core_enterprises(known),
        "stock": None if request.stock is None else plain_stock(request.stock),
    }


def request_of(row: sa.Row[Any]) -> CreditRequest:
    """The request of a stored decision; those of early releases tell nothing of core enterprises or stock."""
    plain: dict[str, Any] = row.request
    known, stock = plain.get("on_core_enterprises"), plain.get("stock")
    return CreditRequest(
        obligor_id=ObligorId(plain["obligor_id"]),
        product=CreditProduct(plain["product"]),
        amount_minor=plain["amount_minor"],
        currency=plain["currency"],
        tenor_months=plain["tenor_months"],
        as_of=datetime.fromisoformat(plain["as_of"]),
        asset=None if plain["asset"] is None else FinancedAsset(**plain["asset"]),
        facts=parse_facts(plain["facts"]),
        on_core_enterprises=None if known is None else parse_on_core_enterprises(known),
        stock=None if stock is None else parse_stock(stock),
    )
