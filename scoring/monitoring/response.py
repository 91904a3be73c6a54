"""The graduated answer to trouble: each step needs the one before it, a reason, and time to appeal.

This system recommends steps to people. It stops no machine, and no step is an order to stop one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

from scoring.errors import InvalidRequest


class Step(IntEnum):
    """Steps, from mild to severe; after the last a person of the lender decides alone."""

    NOTICE = 1
    CURE_PLAN = 2
    RESTRUCTURING = 3
    INSPECTION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken: when, why, on which evidence, and how an appeal ended (None where there was none or it is
    open; True where it was upheld)."""

    step: Step
    taken_on: date
    reason: str
    evidence: Sequence[str]
    appealed_on: date | None = None
    appeal_upheld: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """A window, both days inclusive, in which nothing harsher is begun: illness, flood, a plant that burnt."""

    first_day: date
    last_day: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What may be done next and from when; None where nothing harsher may be begun, with the reason why."""

    step: Step | None
    not_before: date | None
    reason: str


def next_step(taken: Sequence[Taken], hardships: Sequence[Hardship], *, day: date, values: Mapping[str, Any]) -> Advice:
    """The next step that may be taken. An upheld appeal undoes its step; an open one stays everything."""
    waits = values["monitoring"]["response"]["days_before_next"]
    if any(hardship.first_day <= day <= hardship.last_day for hardship in hardships):
        return Advice(step=None, not_before=None, reason="hardship")
    if any(item.appealed_on is not None and item.appeal_upheld is None for item in taken):
        return Advice(step=None, not_before=None, reason="appeal_open")
    standing = [item for item in taken if item.appeal_upheld is not True]
    if not standing:
        return Advice(step=Step.NOTICE, not_before=day, reason="first")
    last = max(standing, key=lambda item: item.step)
    if last.step is Step.INSPECTION:
        return Advice(step=None, not_before=None, reason="people_decide")
    not_before = last.taken_on + timedelta(days=int(waits[last.step.name.lower()]))
    return Advice(step=Step(last.step + 1), not_before=max(day, not_before), reason="in_turn")


def require_allowed(
    step: Step,
    taken: Sequence[Taken],
    hardships: Sequence[Hardship],
    *,
    day: date,
    reason: str,
    evidence: Sequence[str],
    values: Mapping[str, Any],
) -> Taken:
    """The step as taken. Raises InvalidRequest where it is not its turn, too early, or without reason or evidence."""
    advice = next_step(taken, hardships, day=day, values=values)
    if advice.step is not step or advice.not_before is None or advice.not_before > day:
        told = "none" if advice.step is None else f"{advice.step.name.lower()} from {advice.not_before}"
        raise InvalidRequest(f"{step.name.lower()} may not be taken on {day}: {advice.reason}.", hint=f"Next: {told}.")
    if not reason.strip() or not evidence:
        raise InvalidRequest("A step is taken for a reason and on evidence.", hint="Name both: they are read.")
    return Taken(step=step, taken_on=day, reason=reason, evidence=tuple(evidence))
