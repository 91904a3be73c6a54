"""Who answers for a model: its owner, a validator who is another person, and until when their word is good.

A model that nobody has validated is on trial: it answers in tests, never for a live key, and what it says of real data
is looked at by a person. Only a validated model is promoted, and one on trial never takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from data_contracts.reference.calendars import add_months
from scoring.errors import NotPromotable


class ModelMandate(StrEnum):
    """How far people answer for the model that answers."""

    TRIAL = "trial"
    VALIDATED = "validated"
    LAPSED = "lapsed"


class Conclusion(StrEnum):
    """What a validator found."""

    FIT = "fit"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What one person found of a model that another owns: in words, with its limits of use, and until when it is good.

    `pack_sha256` is the hash of the validation pack that was read, if one was.
    """

    owner: str
    validated_by: str
    conclusion: Conclusion
    findings: str
    pack_sha256: str | None
    validated_time: datetime
    expires_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of a measurement that a promotion may rest on, such as what it costs to fake the inputs."""

    name: str
    is_passed: bool
    figures: Mapping[str, Any]
    checked_by: str
    checked_time: datetime


def mandate_at(expires_time: datetime | None, *, now: datetime) -> ModelMandate:
    """The mandate of a model whose validation is good until `expires_time`, or that has none."""
    if expires_time is None:
        return ModelMandate.TRIAL
    return ModelMandate.VALIDATED if now < expires_time else ModelMandate.LAPSED


def is_passed(name: str, figures: Mapping[str, Any], rules: Mapping[str, Any]) -> bool:
    """Whether the figures of a check pass: their member that parameter `model_governance` names is false.

    Raises NotPromotable for a check that no rule knows, or figures without that member.
    """
    told = rules["checks"].get(name)
    known = ", ".join(rules["checks"])
    if told is None:
        raise NotPromotable(f"No rule knows the check {name!r}.", hint=f"Known: {known}.")
    fault = figures.get(told["fails_where"])
    if not isinstance(fault, bool):
        raise NotPromotable(
            f"The figures of {name} have no member {told['fails_where']!r} that is true or false.",
            hint="Hand in what the measurement printed with --json.",
        )
    return not fault


def check_validation(validation: Validation, rules: Mapping[str, Any]) -> None:
    """Raises NotPromotable where owner and validator are not two named persons, the validator says nothing, or the
    validation is good for no time or for longer than parameter `model_governance` allows."""
    longest = add_months(validation.validated_time, rules["longest_months"])
    _refuse(
        "The validation",
        {
            "it names no owner": not validation.owner.strip(),
            "the validator must be another person than the owner": not validation.validated_by.strip()
            or _is_one(validation.owner, validation.validated_by),
            "it says nothing of what was found": not validation.findings.strip(),
            f"it must end between now and {longest.date()}": not validation.validated_time
            < validation.expires_time
            <= longest,
        },
    )


def check_promotion(
    validation: Validation | None,
    checks: Sequence[Check],
    *,
    model_kind: str,
    promoted_by: str,
    now: datetime,
    rules: Mapping[str, Any],
) -> None:
    """Raises NotPromotable where the latest validation is missing, found the model unfit or has ended, where the one
    who promotes is nobody or its validator, where a required check is missing, or where the latest of any check failed.

    `checks` are those of the model in order of time.
    """
    latest = {check.name: check for check in checks}
    missing = [name for name in rules["required_checks"][model_kind] if name not in latest]
    failed = [name for name, check in latest.items() if not check.is_passed]
    problems = {
        "nobody has validated it": validation is None,
        f"these checks are missing: {', '.join(missing)}": bool(missing),
        f"these checks failed: {', '.join(failed)}": bool(failed),
        "it names nobody who promotes": not promoted_by.strip(),
    }
    if validation is not None:
        problems |= {
            f"{validation.validated_by} found it unfit": validation.conclusion is Conclusion.UNFIT,
            f"its validation ended on {validation.expires_time.date()}": now >= validation.expires_time,
            "who validated it does not promote it": _is_one(promoted_by, validation.validated_by),
        }
    _refuse("The promotion", problems)


def _is_one(first: str, second: str) -> bool:
    return first.strip().casefold() == second.strip().casefold()


def _refuse(what: str, problems: Mapping[str, bool]) -> None:
    found = [problem for problem, is_so in problems.items() if is_so]
    if found:
        raise NotPromotable(f"{what} is refused: {'; '.join(found)}.", hint="See docs/governance.md.")
