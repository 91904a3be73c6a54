"""The parameters of data trust as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from data_contracts.reference.dated import ParameterBook
from features.data_trust.grade import GradeRules
from features.trust import Severity


def grade_rules_at(parameters: ParameterBook, as_of: datetime | date) -> GradeRules:
    """How findings become a grade, as in force at `as_of`. Raises NoParameterYet before the first entry."""
    values: Mapping[str, Any] = parameters.at(as_of)["data_trust_grades"]
    return GradeRules(
        points={severity: float(values[severity.value]) for severity in Severity},
        unchecked_points=float(values["unchecked"]),
        most_points=tuple(float(most) for most in values["most_points"]),
    )
