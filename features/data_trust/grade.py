"""Findings into a grade: points by severity, once for each kind of disagreement, and for what could not be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.trust import CheckState, DataTrust, Severity, TrustFinding, TrustGrade


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRules:
    """From `features/parameters/data_trust_grades.yaml`: points of a finding by severity, of a comparison that could
    not be made, and the most points with which each grade from T1 to T4 is given."""

    points: Mapping[Severity, float]
    unchecked_points: float
    most_points: Sequence[float]

    def grade(self, points: float) -> TrustGrade:
        """The best grade that so many points allow."""
        return next(
            (grade for grade, most in zip(TrustGrade, self.most_points, strict=False) if points <= most), TrustGrade.T5
        )


def graded(
    findings: Sequence[TrustFinding], rules: GradeRules, *, checks: Mapping[str, CheckState] | None = None
) -> DataTrust:
    """The grade of an obligor's findings, sorted by severity.

    Of findings with one code the most severe counts, once: ten machines whose energy is above the meter are one
    disagreement. More or severer findings never give a better grade.
    """
    worst: dict[str, Severity] = {}
    for finding in findings:
        worst[finding.code] = max(finding.severity, worst.get(finding.code, Severity.NOTE), key=lambda item: item.rank)
    stated = dict(checks or {})
    unchecked = sum(state in (CheckState.NO_SOURCE, CheckState.NOT_ENOUGH_HISTORY) for state in stated.values())
    points = sum(rules.points[severity] for severity in worst.values()) + rules.unchecked_points * unchecked
    ordered = sorted(findings, key=lambda item: (-item.severity.rank, -(item.strength or 0.0), item.code))
    return DataTrust(grade=rules.grade(points), findings=tuple(ordered), checks=stated)
