"""What the trust in an obligor's data costs: a wider interval and a haircut, never a refusal by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from data_contracts.evidence.levels import AttestationLevel
from features.trust import CheckState, DataTrust, TrustGrade
from scoring.money import exact

UNMADE = frozenset({CheckState.NO_SOURCE, CheckState.NOT_ENOUGH_HISTORY, CheckState.DISAGREES})
"""Comparisons without agreement. One that disagrees counts among them: to withhold its other side gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustTerms:
    """The grade found; the grade that decides, which also counts the comparisons with papers that did not agree
    (`unmade`); the level that the machines' word is attested with; and what the worse of both costs: log-odds on both
    ends of the interval, and a share of what production and orders can carry."""

    found: TrustGrade
    grade: TrustGrade
    unmade: tuple[str, ...]
    level: AttestationLevel
    widening: float
    haircut: Decimal


def trust_terms(trust: DataTrust, values: Mapping[str, Any]) -> TrustTerms:
    """The terms of parameters `data_trust_terms`, by the grade found or by comparisons without agreement if worse, and
    `attestation_terms`: a level caps the confidence that the best grade would give, and never adds to a worse one."""
    terms, attestation = values["data_trust_terms"], values["attestation_terms"]
    unmade = tuple(name for name in terms["papers"] if trust.checks.get(name) in UNMADE)
    least = TrustGrade(terms["unmade"][min(len(unmade), len(terms["unmade"]) - 1)])
    grade = max(trust.grade, least, key=lambda item: item.rank)
    level = trust.level(attestation["quorum"])
    both = (terms["grades"][grade.value], attestation["levels"][level.value])
    return TrustTerms(
        found=trust.grade,
        grade=grade,
        unmade=unmade,
        level=level,
        widening=max(float(own["widening"]) for own in both),
        haircut=max(exact(own["haircut"]) for own in both),
    )
