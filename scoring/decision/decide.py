"""From a score and a request to a recommendation: price, limit, every rule's finding, and the most severe outcome."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.credit.limit import limit, product_terms
from scoring.credit.master_scale import master_scale
from scoring.credit.price import price
from scoring.credit.trust_terms import trust_terms
from scoring.decision.case import Case, CutOffs
from scoring.decision.policy import credit_policy
from scoring.errors import InvalidRequest
from scoring.records import CreditDecision, CreditRequest, Finding, Outcome, ScoreRecord


def decide(
    record: ScoreRecord, request: CreditRequest, snapshot: FeatureSnapshot, parameters: ParameterBook
) -> CreditDecision:
    """Examine every rule; keep every finding for the notice; the most severe outcome wins.

    Raises InvalidRequest for an amount or a tenor that is not positive or a request that belongs to another obligor or
    time than the score, ProductNotOffered, and NoParameterYet before the first parameters.
    """
    _check(record, request, snapshot)
    values = parameters.at(request.as_of)
    asked_price = price(record, request.product, values)
    terms = product_terms(request.product, values)
    case = Case(
        request=request,
        record=record,
        snapshot=snapshot,
        limit=limit(snapshot, request, record, values),
        price=asked_price,
        terms=terms,
        scale=master_scale(values["master_scale"]),
        cut_offs=CutOffs(**values["grade_cut_offs"]),
        trust=trust_terms(snapshot.data_trust, values),
    )
    findings = credit_policy(values["credit_policy"]).examine(case)
    return CreditDecision(
        request=request,
        outcome=most_severe(findings),
        findings=findings,
        limit=case.limit,
        price=asked_price,
        tenor_months=min(request.tenor_months, terms.maximum_tenor_months),
        score=record,
        policy_version=parameters.version,
    )


def most_severe(findings: Sequence[Finding]) -> Outcome:
    """The outcome that wins: the most severe that any finding asks for."""
    return max((finding.outcome for finding in findings), key=lambda outcome: outcome.severity)


def _check(record: ScoreRecord, request: CreditRequest, snapshot: FeatureSnapshot) -> None:
    if request.amount_minor <= 0 or request.tenor_months <= 0:
        raise InvalidRequest(
            f"A loan of {request.amount_minor} minor units over {request.tenor_months} months cannot be decided.",
            hint="Ask for a positive amount and at least one month.",
        )
    if not record.obligor_id == request.obligor_id == snapshot.obligor_id:
        raise InvalidRequest(f"The request is about {request.obligor_id}, the score about {record.obligor_id}.")
    if not record.as_of == request.as_of == snapshot.as_of:
        raise InvalidRequest(f"The request is as of {request.as_of}, the score as of {record.as_of}.")
    assert record.snapshot_id == snapshot.snapshot_id, "a score is decided with the snapshot it rests on"
