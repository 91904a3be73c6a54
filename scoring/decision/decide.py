"""From a score and a request to a recommendation: price, limit, every rule's finding, and the most severe outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.credit.collateral import Collateral, collateral
from scoring.credit.covenants import covenants
from scoring.credit.limit import Asked, core_enterprise_cap, limit, product_terms
from scoring.credit.loss import LossTerms, loss_terms
from scoring.credit.master_scale import master_scale
from scoring.credit.price import price
from scoring.credit.provision import Exposure, provision
from scoring.credit.schedule import instalments, usage_plan
from scoring.credit.tenor import advised_months, tenor_bounds
from scoring.credit.trust_terms import trust_terms
from scoring.decision.case import Case, CutOffs
from scoring.decision.policy import credit_policy
from scoring.errors import InvalidRequest
from scoring.governance import ModelMandate
from scoring.records import (
    CreditDecision,
    CreditProduct,
    CreditRequest,
    Finding,
    Outcome,
    Price,
    Provision,
    ScoreRecord,
    Security,
    UsagePlan,
)


def decide(
    record: ScoreRecord,
    request: CreditRequest,
    snapshot: FeatureSnapshot,
    parameters: ParameterBook,
    *,
    mandate: ModelMandate | None = None,
) -> CreditDecision:
    """Examine every rule; keep every finding for the notice; the most severe outcome wins.

    `mandate` is how far people answer for the model of the score; None asks of the figures alone.

    Raises InvalidRequest for an amount or a tenor that is not positive or a request that belongs to another obligor or
    time than the score, ProductNotOffered, and NoParameterYet before the first parameters.
    """
    _check(record, request, snapshot)
    values = parameters.at(request.as_of)
    trust, terms = trust_terms(snapshot.data_trust, values), product_terms(request.product, values)
    security = collateral(snapshot, request, values)
    loss = loss_terms(request.product, security, values)
    asked_price = price(record, request, loss, trust, values)
    rate = asked_price.annual_rate_ratio
    bounds = tenor_bounds(
        request, security, annual_rate=float(rate), maximum_months=terms.maximum_tenor_months, values=values
    )
    months = advised_months(bounds)
    plan = _usage_plan(request, security, asked_price, months, values)
    case = Case(
        request=request,
        record=record,
        snapshot=snapshot,
        limit=limit(Asked(snapshot=snapshot, request=request, record=record, security=security, loss=loss), values),
        price=asked_price,
        terms=terms,
        tenor_bounds=bounds,
        usage_plan=plan,
        scale=master_scale(values["master_scale"]),
        cut_offs=CutOffs(**values["grade_cut_offs"]),
        trust=trust,
        mandate=mandate,
        core_enterprise_cap_minor=core_enterprise_cap(request, values),
    )
    findings = credit_policy(values["credit_policy"]).examine(case)
    return CreditDecision(
        request=request,
        outcome=most_severe(findings),
        findings=findings,
        limit=case.limit,
        price=asked_price,
        security=None if security is None else _security(security, loss, request),
        tenor_months=months,
        tenor_bounds=bounds,
        covenants=covenants(snapshot, request.product, values),
        instalments=instalments(request.amount_minor, annual_rate=rate, months=months),
        usage_plan=plan,
        provision=_provision(record, request, asked_price, months, values),
        valid_until=_valid_until(record, request.as_of, values),
        score=record,
        policy_version=parameters.version,
    )


def most_severe(findings: Sequence[Finding]) -> Outcome:
    """The outcome that wins: the most severe that any finding asks for."""
    return max((finding.outcome for finding in findings), key=lambda outcome: outcome.severity)


def _usage_plan(
    request: CreditRequest, security: Collateral | None, at: Price, months: int, values: Mapping[str, Any]
) -> UsagePlan | None:
    if request.product is not CreditProduct.USAGE_INSTALMENT:
        return None
    assert security is not None, "machines secure instalments by use"
    return usage_plan(
        request.amount_minor,
        annual_rate=at.annual_rate_ratio,
        months=months,
        planned_hours_a_month=security.planned_hours_a_month,
        values=values,
    )


def _security(security: Collateral, loss: LossTerms, request: CreditRequest) -> Security:
    value = security.value_minor
    owed = request.amount_minor + security.senior_minor
    return Security(
        basis=security.basis,
        value_minor=None if value is None else round(value),
        senior_minor=round(security.senior_minor),
        condition_ratio=security.condition,
        live_ltv_ratio=round(owed / value, 6) if value else None,
        recovery_minor=None if value is None else round(loss.recovery_minor),
        missing=security.missing,
    )


def _provision(
    record: ScoreRecord, request: CreditRequest, at: Price, months: int, values: Mapping[str, Any]
) -> Provision:
    exposure = Exposure(
        amount_minor=request.amount_minor, months=months, annual_rate=at.annual_rate_ratio, lgd=at.lgd_ratio
    )
    bureau = request.facts.bureau
    return provision(
        exposure, record.term_structure, days_past_due=0 if bureau is None else bureau.days_past_due, values=values
    )


def _valid_until(record: ScoreRecord, as_of: datetime, values: Mapping[str, Any]) -> datetime:
    return as_of + timedelta(days=values["decision_validity"][record.source.value])


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
