"""Recommendations and quotes as plain objects under the names that answers use, and as canonical bytes.

Every key is always there. Recomputing from the stored snapshot, model and parameters gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from scoring.cards import statement_of
from scoring.cover_basis import HeldWarranty
from scoring.credit.loss import expected_loss_minor
from scoring.facts import FACT_KINDS, FactSource, LenderFacts
from scoring.records import (
    Capacity,
    Contribution,
    CreditDecision,
    Finding,
    MachineFrequency,
    PremiumQuote,
    Reason,
    ScoreRecord,
)


def canonical_bytes(plain: Mapping[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, no spaces, shortest round-trip floats, no NaN."""
    return _ENCODER.encode(plain).encode()


def canonical_members(plain: Mapping[str, Any]) -> dict[str, str]:
    """Each member's value as canonical JSON: what several objects share is written once."""
    return {name: _ENCODER.encode(value) for name, value in plain.items()}


def bytes_of_members(members: Mapping[str, str]) -> bytes:
    """The canonical bytes of the object that has these members."""
    return f"{{{','.join(f'{_ENCODER.encode(name)}:{members[name]}' for name in sorted(members))}}}".encode()


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def plain_score(record: ScoreRecord) -> dict[str, Any]:
    """A score as a plain object."""
    return {
        "obligor_id": record.obligor_id,
        "as_of": record.as_of.isoformat(),
        "source": record.source.value,
        "pd_12m": record.pd_12m,
        "pd_12m_lower": record.pd_12m_lower,
        "pd_12m_upper": record.pd_12m_upper,
        "term_structure": {
            "cumulative_pd": list(record.term_structure.cumulative_pd),
            "observed_months": record.term_structure.observed_months,
        },
        "pd_model": record.pd_model,
        "pd_steps": [{"name": step.name, "pd_12m": step.pd_12m} for step in record.pd_steps],
        "rating_grade": record.rating_grade,
        "score_points": record.score_points,
        "base_log_odds": record.base_log_odds,
        "margin": record.margin,
        "contributions": _contributions(record.contributions),
        "reasons": _reasons(record.reasons),
        "snapshot_id": record.snapshot_id,
        "model_version": record.model_version,
        "parameters_version": record.parameters_version,
        "data_origin": record.data_origin.value,
        "statement": statement_of(record.data_origin),
    }


def plain_decision(decision: CreditDecision) -> dict[str, Any]:
    """A lending recommendation as a plain object; `expected_loss_minor` is that of the amount asked for, for a year:
    the exposure at default is the amount, fully drawn."""
    request, limit, price = decision.request, decision.limit, decision.price
    return {
        **plain_score(decision.score),
        "outcome": decision.outcome.value,
        "product": request.product.value,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
        "requested_tenor_months": request.tenor_months,
        "asset": None if request.asset is None else asdict(request.asset),
        "facts": plain_facts(request.facts),
        "tenor_months": decision.tenor_months,
        "tenor_bounds": [asdict(bound) for bound in decision.tenor_bounds],
        "limit_minor": limit.limit_minor,
        "indicative_limit_minor": limit.indicative_limit_minor,
        "binding_capacity": limit.binding,
        "capacities": [_capacity(capacity) for capacity in limit.capacities],
        "annual_rate_ratio": float(price.annual_rate_ratio),
        "price_lines": [
            {
                "name": line.name,
                "annual_rate_ratio": float(line.annual_rate_ratio),
                "amount_minor": line.amount_minor,
            }
            for line in price.lines
        ],
        "ceiling_ratio": float(price.ceiling_ratio),
        "capital_ratio": float(price.capital_ratio),
        "raroc_ratio": float(price.raroc_ratio),
        "lgd_ratio": float(price.lgd_ratio),
        "exposure_at_default_minor": request.amount_minor,
        "expected_loss_minor": expected_loss_minor(
            pd_12m=decision.score.pd_12m, lgd=price.lgd_ratio, exposure_at_default_minor=request.amount_minor
        ),
        "security": None if decision.security is None else asdict(decision.security),
        "covenants": [asdict(covenant) for covenant in decision.covenants],
        "instalments": asdict(decision.instalments),
        "usage_plan": None if decision.usage_plan is None else asdict(decision.usage_plan),
        "provision": asdict(decision.provision),
        "valid_until": decision.valid_until.isoformat(),
        "findings": [_finding(finding) for finding in decision.findings],
        "policy_version": decision.policy_version,
    }


def plain_facts(facts: LenderFacts) -> dict[str, Any]:
    """The facts that a lender brought, by name; null for those that it did not."""
    return {
        item.name: None if fact is None else {**asdict(fact), "dated": fact.dated.isoformat()}
        for item in fields(facts)
        for fact in [getattr(facts, item.name)]
    }


def parse_facts(plain: Mapping[str, Any]) -> LenderFacts:
    """The facts that `plain_facts` wrote."""
    return LenderFacts(
        **{
            name: FACT_KINDS[name](
                **{**body, "source": FactSource(body["source"]), "dated": date.fromisoformat(body["dated"])}
            )
            for name, body in plain.items()
            if body is not None
        }
    )


def plain_quote(quote: PremiumQuote) -> dict[str, Any]:
    """A premium quote as a plain object."""
    request = quote.request
    return {
        "obligor_id": request.obligor_id,
        "as_of": request.as_of.isoformat(),
        "product": request.product.value,
        "sum_insured_minor": request.sum_insured_minor,
        "currency": request.currency,
        "from": request.starts.isoformat(),
        "to": request.ends.isoformat(),
        "facility": None if request.facility is None else asdict(request.facility),
        "warranties": [plain_warranty(held) for held in request.warranties],
        "gross_premium_minor": quote.gross_premium_minor,
        "pure_premium_minor": quote.pure_premium_minor,
        "earned_exposure_machine_years": quote.earned_exposure_machine_years,
        "claim_frequency_per_machine_year": quote.claim_frequency_per_machine_year,
        "claim_severity_minor": quote.claim_severity_minor,
        "base_frequency": quote.base_frequency,
        "factors": [{"name": factor.name, "relativity": factor.relativity} for factor in quote.factors],
        "risk": [{"name": line.name, "amount_minor": line.amount_minor} for line in quote.risk],
        "loadings": [{"name": line.name, "amount_minor": line.amount_minor} for line in quote.loadings],
        "reasons": _reasons(quote.reasons),
        "machines": [_machine(machine) for machine in quote.machines],
        "filed": {**asdict(quote.filed), "difference_ratio": quote.filed.difference_ratio},
        "valid_until": quote.valid_until.isoformat(),
        "snapshot_id": quote.snapshot_id,
        "model_version": quote.model_version,
        "parameters_version": quote.parameters_version,
        "data_origin": quote.data_origin.value,
        "statement": statement_of(quote.data_origin),
    }


def plain_warranty(held: HeldWarranty) -> dict[str, Any]:
    """A machine under warranty as a plain object."""
    days = {"from": held.starts.isoformat(), "to": held.ends.isoformat()}
    return {"policy_id": held.policy_id, "machine_uid": held.machine_uid, **days}


def _contributions(contributions: Sequence[Contribution]) -> list[dict[str, Any]]:
    return [
        {"feature": item.feature, "family": item.family, "value": item.value, "contribution": item.contribution}
        for item in contributions
    ]


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [
        {
            "code": reason.code,
            "family": reason.family,
            "direction": reason.direction,
            "contribution": reason.contribution,
            "feature": reason.feature,
            "value": reason.value,
            "reference_value": reason.reference_value,
            "unit": reason.unit,
            "window_days": reason.window_days,
            "change": reason.change,
        }
        for reason in reasons
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule_id": finding.rule_id,
        "layer": finding.layer.value,
        "outcome": finding.outcome.value,
        "values": dict(finding.values),
    }


def _capacity(capacity: Capacity) -> dict[str, Any]:
    return {
        "name": capacity.name,
        "amount_minor": capacity.amount_minor,
        "mandatory": capacity.mandatory,
        "missing": capacity.missing,
    }


def _machine(machine: MachineFrequency) -> dict[str, Any]:
    return {
        "machine_uid": machine.machine_uid,
        "claim_frequency_per_machine_year": machine.claim_frequency_per_machine_year,
        "contributions": _contributions(machine.contributions),
    }
