"""The parameters of data trust as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from data_contracts.reference.dated import ParameterBook
from features.data_trust.gaps import GapRules
from features.data_trust.grade import GradeRules
from features.data_trust.nulls import Null, TrustSettings
from features.trust import Severity, TrustGrade


def grade_rules_at(parameters: ParameterBook, as_of: datetime | date) -> GradeRules:
    """How findings become a grade, as in force at `as_of`. Raises NoParameterYet before the first entry."""
    values: Mapping[str, Any] = parameters.at(as_of)["data_trust_grades"]
    return GradeRules(
        points={severity: float(values[severity.value]) for severity in Severity},
        most_points=tuple(float(most) for most in values["most_points"]),
        best_without_papers=TrustGrade(values["best_without_papers"]),
        best_without_comparison=TrustGrade(values["best_without_comparison"]),
    )


def gap_rules_at(parameters: ParameterBook, as_of: datetime | date) -> GapRules:
    """When a gap counts as external, as in force at `as_of`. Raises NoParameterYet before the first entry."""
    return GapRules(**parameters.at(as_of)["gap_rules"])


def trust_settings_at(parameters: ParameterBook, as_of: datetime | date) -> TrustSettings:
    """Nulls and thresholds of the comparisons, as in force at `as_of`. Raises NoParameterYet before the first entry."""
    values = parameters.at(as_of)
    nulls = {**values["data_trust_nulls"], **values["data_trust_tolerances"]}
    thresholds = values["data_trust_thresholds"]
    return TrustSettings(
        nulls={
            name: Null(
                statistic=tuple(float(point) for point in null["statistic"]),
                strength=tuple(float(point) for point in null["strength"]),
            )
            for name, null in nulls.items()
        },
        thresholds={severity: float(thresholds[severity.value]) for severity in Severity},
    )
