"""Findings into a grade: points by severity, once for each kind of disagreement, and no better than was compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_contracts.evidence.levels import AttestationLevel
from features.data_trust.codes import TrustCode
from features.trust import CheckState, DataTrust, Severity, TrustFinding, TrustGrade

UNEXAMINED = DataTrust(grade=TrustGrade.T3)
"""Of whom nothing was compared: neither trusted nor mistrusted."""

BY_PAPERS = frozenset({TrustCode.ENERGY_ABOVE_METER, TrustCode.COUNTED_ABOVE_SHIPPED})
"""What holds the machines' word against papers that others wrote."""
MADE = frozenset({CheckState.AGREES, CheckState.DISAGREES})


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRules:
    """From `features/parameters/data_trust_grades.yaml`: points of a finding by severity, the most points with which
    each grade from T1 to T4 is given, and the best grade where machines were compared with nothing but themselves, and
    where nothing was compared at all."""

    points: Mapping[Severity, float]
    most_points: Sequence[float]
    best_without_papers: TrustGrade
    best_without_comparison: TrustGrade

    def grade(self, points: float) -> TrustGrade:
        """The best grade that so many points allow."""
        return next(
            (grade for grade, most in zip(TrustGrade, self.most_points, strict=False) if points <= most), TrustGrade.T5
        )

    def best(self, checks: Mapping[str, CheckState]) -> TrustGrade:
        """The best grade that so many comparisons allow."""
        made = {code for code, state in checks.items() if state in MADE}
        if not made:
            return self.best_without_comparison
        return TrustGrade.T1 if made & BY_PAPERS else self.best_without_papers


def graded(
    findings: Sequence[TrustFinding],
    rules: GradeRules,
    *,
    checks: Mapping[str, CheckState] | None = None,
    attested: Mapping[AttestationLevel, float] | None = None,
) -> DataTrust:
    """The grade of an obligor's findings, most severe first, beside the levels that its machine-days are attested with.

    Of findings with one code the most severe counts, once: ten machines that repeat their days are one disagreement.
    More or severer findings, and fewer comparisons, never give a better grade.
    """
    worst: dict[str, Severity] = {}
    for finding in findings:
        worst[finding.code] = max(finding.severity, worst.get(finding.code, Severity.NOTE), key=lambda item: item.rank)
    stated = dict(checks or {})
    by_points = rules.grade(sum(rules.points[severity] for severity in worst.values()))
    grade = max(by_points, rules.best(stated), key=lambda item: item.rank)
    ordered = sorted(findings, key=lambda item: (-item.severity.rank, -(item.strength or 0.0), item.code))
    return DataTrust(grade=grade, findings=tuple(ordered), checks=stated, attested=dict(attested or {}))
